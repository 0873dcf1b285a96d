/**
 * The HTTP connection to moto: one pool for forwarded requests and for calls from inside the embedded AWS.
 */
import type { Readable } from 'node:stream';
import { type Dispatcher, Pool } from 'undici';
import { forwardedHeaders } from './forwarded-headers.ts';

/** moto's first call to a service takes up to 2 s; nothing legitimate takes longer than this. */
const answerTimeoutMs = 120_000;
const maxConnections = 64;

export interface MotoRequest {
  readonly method: string;
  /** Path with query string. */
  readonly url: string;
  /** Name, value, name, value: as received, so that nothing is reordered or joined. */
  readonly rawHeaders: readonly string[];
  readonly body: Buffer | Readable | null;
  /** Whether nobody waits for the answer any more. */
  readonly abandoned?: (() => boolean) | undefined;
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
