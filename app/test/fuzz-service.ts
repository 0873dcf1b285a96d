/**
 * Requests made from the OpenAPI description that the service itself serves: good ones, and bad ones of every kind.
 * The same seed makes the same requests; a failure names both. Used by a test and, in full, by the bench.
 */
import { Agent, request as httpRequest, type IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { seededRandom } from '../../test/support/seeded-random.ts';

const CONCURRENCY = 16;
const REQUEST_TIMEOUT_MS = 10_000;
const MAX_REPORTED_FAILURES = 10;
/** Above the limit of the service: some bodies must be refused for their size. */
const HUGE_BODY_BYTES = 70_000;

type Random = () => number;
type Json = Readonly<Record<string, unknown>>;

interface Operation {
  readonly path: string;
  readonly method: string;
  readonly parameters: readonly Json[];
  readonly bodySchemas: readonly (readonly [string, Json | undefined])[];
  readonly statuses: readonly string[];
}

interface Sent {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  /** Statuses that the description allows; undefined where no operation is meant. */
  readonly allowed: readonly string[] | undefined;
}

export interface FuzzResult {
  readonly sent: number;
  readonly byStatus: Readonly<Record<number, number>>;
  readonly failures: readonly string[];
}

function pick<T>(random: Random, choices: readonly [T, ...T[]]): T {
  return choices[Math.floor(random() * choices.length)] ?? choices[0];
}

function operationsOf(description: Json): readonly Operation[] {
  const paths = description.paths as Record<string, Record<string, Json>>;
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => {
      const content = ((operation.requestBody as Json | undefined)?.content ?? {}) as Record<string, Json>;
      return {
        path,
        method: method.toUpperCase(),
        parameters: (operation.parameters ?? []) as Json[],
        bodySchemas: Object.entries(content).map(([type, { schema }]) => [type, schema as Json] as const),
        statuses: Object.keys(operation.responses as Json),
      };
    }),
  );
}

const NASTY_TEXTS: readonly [string, ...string[]] = [
  '%00',
  '..%2f..%2fetc%2fpasswd',
  '%zz',
  'a'.repeat(129),
  '%F0%9F%98%80',
  "'%22%3Cscript%3E",
  '__proto__',
  'constructor',
  '-',
  '%0d%0aset-cookie:x=1',
  '9'.repeat(30),
];

const NASTY_VALUES: readonly [unknown, ...unknown[]] = [
  null,
  -1,
  0,
  1.5,
  1e308,
  '',
  'x'.repeat(5_000),
  [],
  [[[[]]]],
  {},
  true,
  '\u0000',
  '\ud800',
];

const NASTY_BODIES: readonly [string, ...string[]] = [
  '',
  '{',
  '[]',
  'null',
  '"text"',
  '{"__proto__":{"x":1}}',
  '[[['.repeat(2_000),
  '\u00ff\u00fe',
  'a=b&c=d',
  'x'.repeat(HUGE_BODY_BYTES),
];

function valueFor(random: Random, schema: Json | undefined): unknown {
  if (schema === undefined || random() < 0.2) return pick(random, NASTY_VALUES);
  if (Array.isArray(schema.enum)) return schema.enum[Math.floor(random() * schema.enum.length)];
  if (schema.type === 'integer') {
    const min = Number(schema.minimum ?? 0);
    const max = Number(schema.maximum ?? 1_000);
    return min + Math.floor(random() * (max - min + 1));
  }
  if (schema.type === 'object') {
    const properties = Object.entries((schema.properties ?? {}) as Record<string, Json>);
    return Object.fromEntries(
      properties.filter(() => random() < 0.7).map(([name, inner]) => [name, valueFor(random, inner)]),
    );
  }
  return `key-${Math.floor(random() * 50)}`;
}

function bodyOf(random: Random, operation: Operation): { type: string | undefined; body: Buffer } {
  const chosen = operation.bodySchemas[Math.floor(random() * operation.bodySchemas.length)];
  if (chosen === undefined || random() < 0.2) {
    const type = pick(random, ['application/json', 'text/html', 'multipart/form-data', '', undefined]);
    const body = random() < 0.5 ? Buffer.alloc(0) : Buffer.from(pick(random, NASTY_BODIES), 'latin1');
    return { type, body };
  }
  const [type, schema] = chosen;
  const text = random() < 0.2 ? pick(random, NASTY_BODIES) : JSON.stringify(valueFor(random, schema));
  return { type, body: Buffer.from(text) };
}

function headersOf(random: Random, token: string): Record<string, string> {
  const headers: Record<string, string> = {};
  if (random() < 0.2) headers.accept = pick(random, ['text/html', '*/*;q=x', ','.repeat(500), 'a/b']);
  if (random() < 0.2) {
    headers.authorization = pick(random, [
      `Bearer ${token}`,
      `Bearer ${token}x`,
      'Bearer a.b.c',
      'Bearer ..',
      'Basic eA==',
      `Bearer ${'x'.repeat(6_000)}`,
      `Bearer ${Buffer.from('{"alg":"none"}').toString('base64url')}.e30.`,
    ]);
  }
  if (random() < 0.1) headers['x-request-id'] = pick(random, ['ok-1', ' ', 'x'.repeat(300), '<b>']);
  if (random() < 0.1) headers.traceparent = pick(random, [`00-${'ab'.repeat(16)}-${'cd'.repeat(8)}-01`, 'x']);
  if (random() < 0.005) headers.cookie = 'x'.repeat(17_000);
  return headers;
}

/** Half of a surrogate pair has no encoding: it becomes the replacement character. */
function encodeText(text: string): string {
  return encodeURIComponent(Buffer.from(text).toString());
}

/** A request to somewhere, which must merely not break anything. */
function strayRequest(random: Random, token: string): Sent {
  const path = pick(random, ['/', '//', '/cache/', '/cache/a/b', '/nope', '/..', '/cache', '/token/x', '*']);
  const method = pick(random, ['GET', 'PATCH', 'OPTIONS', 'TRACE', 'POST', 'DELETE', 'PROPFIND', 'PUT']);
  const body = Buffer.from(random() < 0.5 ? '' : pick(random, NASTY_BODIES));
  return {
    method,
    path: path === '*' ? '/*' : path,
    headers: headersOf(random, token),
    body,
    allowed: undefined,
  };
}

function requestOf(random: Random, operations: readonly [Operation, ...Operation[]], token: string): Sent {
  if (random() < 0.05) return strayRequest(random, token);
  const operation = pick(random, operations);
  const query: string[] = [];
  let { path } = operation;
  for (const { name, in: place, schema } of operation.parameters) {
    const nasty = random() < 0.2;
    const value = nasty ? pick(random, NASTY_TEXTS) : encodeText(String(valueFor(random, schema as Json)));
    if (place === 'path') path = path.replace(`{${String(name)}}`, value === '' ? '-' : value);
    if (place === 'query' && random() < 0.7) query.push(`${String(name)}=${value}`);
  }
  const { type, body } = bodyOf(random, operation);
  const headers = headersOf(random, token);
  if (type !== undefined) headers['content-type'] = type;
  const withQuery = query.length === 0 ? path : `${path}?${query.join('&')}`;
  return { method: operation.method, path: withQuery, headers, body, allowed: operation.statuses };
}

/** Declares the length for methods of which Node would otherwise send no body. */
function send(port: number, agent: Agent, { method, path, headers, body }: Sent): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const length = body.length === 0 ? {} : { 'content-length': String(body.length) };
    const options = { host: '127.0.0.1', port, path, method, agent, timeout: REQUEST_TIMEOUT_MS };
    const request = httpRequest({ ...options, headers: { ...headers, ...length } }, resolve);
    request.on('timeout', () => request.destroy(new Error(`no answer within ${REQUEST_TIMEOUT_MS} ms`)));
    request.on('error', reject).end(body);
  });
}

/** What is wrong with an answer; undefined when nothing is. */
function judge(sent: Sent, status: number, contentType: string, body: string): string | undefined {
  if (status >= 500) return `status ${status}`;
  if (sent.allowed !== undefined && !sent.allowed.includes(String(status)))
    return `undescribed status ${status}`;
  if (status >= 400 && contentType !== 'application/problem+json') return `${status} as ${contentType}`;
  if (status >= 400 && /\n\s+at |node:internal/.test(body)) return `a stack trace in ${body.slice(0, 200)}`;
  return undefined;
}

/** A connection that is closed while a body that is too large is still being sent may be reset: no lost answer. */
function isExpectedReset(sent: Sent, error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  const refused = sent.body.length > 65_536 || (sent.headers.cookie ?? '').length > 16_000;
  return refused && (code === 'EPIPE' || code === 'ECONNRESET');
}

export async function fuzzService(port: number, count: number, seed: number): Promise<FuzzResult> {
  const origin = `http://127.0.0.1:${port}`;
  const description = (await (await fetch(`${origin}/openapi.json`)).json()) as Json;
  const issued = (await (await fetch(`${origin}/token`, { method: 'POST' })).json()) as { token?: string };
  const [first, ...rest] = operationsOf(description);
  if (first === undefined) throw new Error('the service describes no operation');
  const random = seededRandom(seed);
  const agent = new Agent({ keepAlive: true, maxSockets: CONCURRENCY });
  const byStatus: Record<number, number> = {};
  const failures: string[] = [];
  const fail = ({ method, path }: Sent, reason: string): void => {
    if (failures.length < MAX_REPORTED_FAILURES) {
      failures.push(`seed ${seed}: ${method} ${path.slice(0, 100)}: ${reason}`);
    }
  };
  let left = count;
  const worker = async (): Promise<void> => {
    while (left-- > 0) {
      const sent = requestOf(random, [first, ...rest], issued.token ?? '');
      try {
        const answer = await send(port, agent, sent);
        const status = answer.statusCode ?? 0;
        const reason = judge(sent, status, String(answer.headers['content-type']), await text(answer));
        byStatus[status] = (byStatus[status] ?? 0) + 1;
        if (reason !== undefined) fail(sent, reason);
      } catch (error) {
        if (!isExpectedReset(sent, error)) fail(sent, String(error));
      }
    }
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, worker));
  agent.destroy();
  return { sent: count, byStatus, failures };
}
