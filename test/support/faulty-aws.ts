/**
 * An endpoint that passes everything on to another one, until a test tells it to refuse: with credentials that have
 * expired, with throttling, or with errors of AWS's own. Answers are in the protocol of the service that is called.
 */
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { freePort } from './free-port.ts';

export interface AwsCall {
  /** Signing name, such as `s3`, `dynamodb`, `ecs`; empty for what is not signed. */
  readonly service: string;
  readonly method: string;
  /** Path and query. */
  readonly url: string;
  /** Operation, where the protocol names it: not for S3. */
  readonly operation: string | undefined;
}

/** `unheard`: the call is done, and its answer never comes. `lost`: the call never arrives. */
export type Refusal = 'expired' | 'throttled' | 'broken' | 'unheard' | 'lost';
type Answered = Exclude<Refusal, 'unheard' | 'lost'>;

export interface FaultyAws {
  readonly endpoint: string;
  /** Decides on every call from now on; undefined lets it through. */
  refuse(decide: (call: AwsCall) => Refusal | undefined): void;
  /** How many calls were refused since the last healing. */
  refused(): number;
  /** Lets everything through again. @returns how many calls were refused since the last time */
  heal(): number;
  close(): Promise<void>;
}

const REFUSALS: Readonly<Record<Answered, { readonly code: string; readonly status: number }>> = {
  expired: { code: 'ExpiredTokenException', status: 400 },
  throttled: { code: 'ThrottlingException', status: 400 },
  broken: { code: 'InternalFailure', status: 500 },
};
/** S3 has names of its own. */
const S3_CODES: Readonly<Record<Answered, { readonly code: string; readonly status: number }>> = {
  expired: { code: 'ExpiredToken', status: 400 },
  throttled: { code: 'SlowDown', status: 503 },
  broken: { code: 'InternalError', status: 500 },
};
const QUERY_SERVICES = new Set([
  'sts',
  'iam',
  'ec2',
  'elasticloadbalancing',
  'sns',
  'monitoring',
  'autoscaling',
]);

export async function startFaultyAws(behind: string): Promise<FaultyAws> {
  let decide: ((call: AwsCall) => Refusal | undefined) | undefined;
  let refused = 0;
  const port = await freePort();
  const server = createServer((incoming, outgoing) => {
    const service = serviceOf(incoming);
    const { method = '', url = '' } = incoming;
    // The body names the operation in the query protocol; the largest are image layers of some megabytes.
    buffer(incoming).then(
      (body) => {
        const operation = operationOf(incoming, service, body);
        const refusal = service === '' ? undefined : decide?.({ service, method, url, operation });
        if (refusal !== undefined) refused += 1;
        if (refusal === undefined || refusal === 'unheard')
          passOn(incoming, body, refusal === undefined ? outgoing : undefined, behind);
        else if (refusal !== 'lost') answerWith(refusal, service, incoming, outgoing);
      },
      () => outgoing.destroy(),
    );
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  return {
    endpoint: `http://127.0.0.1:${port}`,
    refuse: (next) => {
      decide = next;
    },
    refused: () => refused,
    heal: () => {
      const count = refused;
      decide = undefined;
      refused = 0;
      return count;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** From the credential scope of the signature: `Credential=KEY/DATE/REGION/SERVICE/aws4_request`. */
function serviceOf({ headers }: IncomingMessage): string {
  return /Credential=[^/]+\/\d+\/[^/]+\/([^/]+)\/aws4_request/.exec(headers.authorization ?? '')?.[1] ?? '';
}

function operationOf({ headers }: IncomingMessage, service: string, body: Buffer): string | undefined {
  if (QUERY_SERVICES.has(service))
    return new URLSearchParams(body.toString('utf8')).get('Action') ?? undefined;
  return String(headers['x-amz-target'] ?? '')
    .split('.')
    .at(1);
}

function answerWith(
  refusal: Answered,
  service: string,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): void {
  const message = `refused by a test (${refusal})`;
  if (service === 's3') {
    const { code, status } = S3_CODES[refusal];
    const body = `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>${message}</Message></Error>`;
    outgoing.writeHead(status, { 'content-type': 'application/xml' });
    outgoing.end(incoming.method === 'HEAD' ? undefined : body);
    return;
  }
  const { code, status } = REFUSALS[refusal];
  if (QUERY_SERVICES.has(service)) {
    // `ExpiredToken`, `Throttling`: the names of the query protocol are without a suffix.
    const name = code.replace(/Exception$/, '');
    outgoing.writeHead(status, { 'content-type': 'text/xml' });
    outgoing.end(
      service === 'ec2'
        ? `<Response><Errors><Error><Code>${name}</Code><Message>${message}</Message></Error></Errors><RequestID>test</RequestID></Response>`
        : `<ErrorResponse><Error><Type>Sender</Type><Code>${name}</Code><Message>${message}</Message></Error><RequestId>test</RequestId></ErrorResponse>`,
    );
    return;
  }
  outgoing.writeHead(status, { 'content-type': 'application/x-amz-json-1.1', 'x-amzn-errortype': code });
  outgoing.end(JSON.stringify({ __type: code, message }));
}

/** @param outgoing undefined: the answer is not passed back, and the caller waits */
function passOn(
  incoming: IncomingMessage,
  body: Buffer,
  outgoing: ServerResponse | undefined,
  behind: string,
): void {
  const { method, headers, url } = incoming;
  const passed = request(new URL(url ?? '/', behind), { method, headers }, (answer) => {
    if (outgoing === undefined) {
      answer.resume();
      return;
    }
    outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.pipe(outgoing);
  });
  passed.once('error', () => outgoing?.destroy());
  passed.end(body);
}
