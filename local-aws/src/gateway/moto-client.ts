/**
 * The HTTP connection to moto: one pool for forwarded requests and for calls from inside the embedded AWS.
 */
import type { Readable } from 'node:stream';
import { type Dispatcher, Pool } from 'undici';

/** moto's first call to a service takes up to 2 s; nothing legitimate takes longer than this. */
const answerTimeoutMs = 120_000;
const maxConnections = 64;

/** Headers that belong to one connection (RFC 9110, 7.6.1), plus those that undici writes by itself. */
const connectionHeaders: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'expect',
]);

export interface MotoRequest {
  readonly method: string;
  /** Path with query string. */
  readonly url: string;
  /** Name, value, name, value: as received, so that nothing is reordered or joined. */
  readonly rawHeaders: readonly string[];
  readonly body: Buffer | Readable | null;
}

export interface MotoClient {
  /** @throws an undici error when moto can't be reached or does not answer in time */
  send(request: MotoRequest): Promise<Dispatcher.ResponseData>;
  close(): Promise<void>;
}

export function createMotoClient(baseUrl: string): MotoClient {
  const pool = new Pool(baseUrl, {
    connections: maxConnections,
    pipelining: 1,
    headersTimeout: answerTimeoutMs,
    bodyTimeout: answerTimeoutMs,
  });
  return {
    send: (request) =>
      pool.request({
        method: request.method as Dispatcher.HttpMethod,
        path: request.url,
        headers: forwardedHeaders(request.rawHeaders, Buffer.isBuffer(request.body)),
        body: request.body,
      }),
    close: () => pool.destroy(),
  };
}

/** @param lengthKnown the body is a buffer, so its length is written anew (an overlay may have changed it) */
export function forwardedHeaders(rawHeaders: readonly string[], lengthKnown: boolean): string[] {
  const kept: string[] = [];
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] ?? '';
    const lower = name.toLowerCase();
    if (connectionHeaders.has(lower) || (lengthKnown && lower === 'content-length')) continue;
    kept.push(name, rawHeaders[i + 1] ?? '');
  }
  return kept;
}

/** Answer headers without those of the connection between gateway and moto. */
export function answerHeaders(
  headers: Dispatcher.ResponseData['headers'],
): Record<string, string | string[]> {
  const kept: Record<string, string | string[]> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined && !connectionHeaders.has(name)) kept[name] = value;
  }
  return kept;
}
