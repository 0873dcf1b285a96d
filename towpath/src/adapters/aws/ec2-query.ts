/**
 * One call of the EC2 query API, signed by hand. Its SDK client takes half a second and 28 MB to load, which is too much
 * for the one look at security groups that Towpath takes.
 * Source: "Signing AWS API requests" (Signature Version 4) in the IAM User Guide.
 */
import { createHash, createHmac } from 'node:crypto';
import { TowpathError } from '../../domain/errors.ts';
import type { Session } from './session.ts';

const API_VERSION = '2016-11-15';
const TIMEOUT_MS = 10_000;
const MAX_ERROR_CHARS = 300;

export interface SigningKeys {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string | undefined;
}

export interface RequestToSign {
  readonly url: URL;
  readonly body: string;
  readonly region: string;
  readonly service: string;
  readonly at: Date;
}

/** Headers of a signed POST of a form. Pure. */
export function signRequest(request: RequestToSign, keys: SigningKeys): Readonly<Record<string, string>> {
  const { url, body, region, service, at } = request;
  const time = at.toISOString().replace(/[-:]|\.\d{3}/g, '');
  const date = time.slice(0, 8);
  const headers: Record<string, string> = {
    'content-type': 'application/x-www-form-urlencoded; charset=utf-8',
    host: url.host,
    'x-amz-date': time,
    ...(keys.sessionToken ? { 'x-amz-security-token': keys.sessionToken } : {}),
  };
  const names = Object.keys(headers).sort();
  const canonical = [
    'POST',
    url.pathname,
    url.searchParams.toString(),
    ...names.map((name) => `${name}:${headers[name]}`),
    '',
    names.join(';'),
    sha256(body),
  ].join('\n');
  const scope = `${date}/${region}/${service}/aws4_request`;
  const toSign = ['AWS4-HMAC-SHA256', time, scope, sha256(canonical)].join('\n');
  const key = [date, region, service, 'aws4_request'].reduce<Buffer | string>(
    (secret, part) => hmac(secret, part),
    `AWS4${keys.secretAccessKey}`,
  );
  const signature = hmac(key, toSign).toString('hex');
  const credential = `${keys.accessKeyId}/${scope}`;
  return {
    ...headers,
    authorization: `AWS4-HMAC-SHA256 Credential=${credential}, SignedHeaders=${names.join(';')}, Signature=${signature}`,
  };
}

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
const hmac = (key: Buffer | string, text: string): Buffer => createHmac('sha256', key).update(text).digest();

/** @returns the XML of the answer. @throws TowpathError with EC2's own words when it refuses */
export async function queryEc2(
  session: Session,
  action: string,
  params: Readonly<Record<string, string>>,
): Promise<string> {
  // Any client knows the keys of the session, however they come about.
  const keys = await (await session.ecs()).config.credentials();
  const suffix = session.region.startsWith('cn-') ? 'amazonaws.com.cn' : 'amazonaws.com';
  const url = new URL(session.endpoint ?? `https://ec2.${session.region}.${suffix}/`);
  const body = new URLSearchParams({ Action: action, Version: API_VERSION, ...params }).toString();
  const request = { url, body, region: session.region, service: 'ec2', at: new Date() };
  const { host: _, ...headers } = signRequest(request, keys);
  const response = await fetch(url, {
    method: 'POST',
    headers,
    body,
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  const text = await response.text();
  if (response.ok) return text;
  const code = /<Code>([^<]+)</.exec(text)?.[1];
  const message = /<Message>([^<]+)</.exec(text)?.[1] ?? text.slice(0, MAX_ERROR_CHARS);
  throw new TowpathError(
    'AWS_CALL_FAILED',
    `ec2:${action} failed with ${code ?? response.status}: ${message}`,
    { hint: `allow ec2:${action} for this identity` },
  );
}
