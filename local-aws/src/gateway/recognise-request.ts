/**
 * Finds out which AWS service, region and action a request means: pure, from its head and (for actions) its body.
 * Signatures are not verified: the embedded AWS is open to whoever can reach the loopback interface.
 */
import { AwsError, type AwsRequest } from '../contract.ts';

export type Headers = Readonly<Record<string, string>>;

export interface RequestScope {
  /** Signing name in lower case; `s3` for unsigned requests, as moto assumes. */
  readonly service: string;
  readonly region: string;
  readonly accessKeyId: string | undefined;
}

/** `Credential=AKID/20260101/us-east-1/ecs/aws4_request`, in the header or the query of a presigned URL. */
const scopePattern = /^([^/]+)\/\d{8}\/([a-z0-9-]+)\/([a-zA-Z0-9.-]+)\/aws4_request$/;

export function isSigned(headers: Headers, url: string): boolean {
  return (headers.authorization ?? '').startsWith('AWS4-') || url.includes('X-Amz-Credential=');
}

export function recogniseScope(headers: Headers, url: string, defaultRegion: string): RequestScope {
  const header = /Credential=([^,\s]+)/.exec(headers.authorization ?? '')?.[1];
  const query = header ?? queryOf(url).get('X-Amz-Credential') ?? undefined;
  const match = query === undefined ? null : scopePattern.exec(query);
  if (match === null) return { service: 's3', region: defaultRegion, accessKeyId: undefined };
  const [, accessKeyId, region, service] = match;
  return { service: (service ?? 's3').toLowerCase(), region: region ?? defaultRegion, accessKeyId };
}

/** Action name without prefix; empty for REST services. */
export function recogniseAction(headers: Headers, url: string, body: Buffer): string {
  const target = headers['x-amz-target'];
  if (target !== undefined) return target.slice(target.lastIndexOf('.') + 1);
  const cborOperation = /\/service\/[^/]+\/operation\/(\w+)/.exec(url)?.[1];
  if (cborOperation !== undefined) return cborOperation;
  if (isForm(headers)) return new URLSearchParams(body.toString('utf8')).get('Action') ?? '';
  return queryOf(url).get('Action') ?? '';
}

export function isForm(headers: Headers): boolean {
  return (headers['content-type'] ?? '').startsWith('application/x-www-form-urlencoded');
}

function queryOf(url: string): URLSearchParams {
  const start = url.indexOf('?');
  return new URLSearchParams(start < 0 ? '' : url.slice(start + 1));
}

export interface RequestHead {
  readonly method: string;
  readonly url: string;
  readonly headers: Headers;
}

export function buildAwsRequest(
  head: RequestHead,
  scope: RequestScope,
  body: Buffer,
  accountId: string,
): AwsRequest {
  let parsed: Record<string, unknown> | undefined;
  return {
    service: scope.service,
    action: recogniseAction(head.headers, head.url, body),
    method: head.method,
    url: head.url,
    headers: head.headers,
    body,
    region: scope.region,
    accountId,
    json: () => {
      parsed ??= parseJsonBody(body);
      return parsed;
    },
    form: () => (isForm(head.headers) ? new URLSearchParams(body.toString('utf8')) : queryOf(head.url)),
  };
}

function parseJsonBody(body: Buffer): Record<string, unknown> {
  if (body.length === 0) return {};
  let value: unknown;
  try {
    value = JSON.parse(body.toString('utf8'));
  } catch (error) {
    throw new AwsError('SerializationException', `The request body is not JSON: ${describe(error)}`);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new AwsError(
      'SerializationException',
      `The request body must be a JSON object, not ${typeof value}`,
    );
  }
  return value as Record<string, unknown>;
}

function describe(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
