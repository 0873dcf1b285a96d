/**
 * A container engine by its HTTP API on a Unix socket: docker, or podman's compatible one.
 * Only what a task driver needs; what the answers mean is the driver's business.
 */
import { Agent, type IncomingMessage, request as startRequest } from 'node:http';
import type { Socket } from 'node:net';

/** For calls that answer at once; loading an image and waiting for an exit have their own. */
const CALL_TIMEOUT_MS = 30_000;
const MAX_ANSWER_BYTES = 4 * 1024 * 1024;

/** The engine's own refusal, in its words. */
export class EngineError extends Error {
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.name = 'EngineError';
    this.status = status;
  }
}

export interface EngineCall {
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly json?: unknown;
  /** A body that is streamed, a tar archive. */
  readonly archive?: NodeJS.ReadableStream;
  /** undefined waits for as long as it takes: until the engine answers or its connection ends. */
  readonly timeoutMs?: number | undefined;
}

export class DockerEngine {
  readonly socketPath: string;
  readonly #agent = new Agent({ keepAlive: false });

  constructor(socketPath: string) {
    this.socketPath = socketPath;
  }

  /** @throws EngineError on a refusal, else the error of the connection */
  async call<T = unknown>(call: EngineCall): Promise<T> {
    const timeoutMs = 'timeoutMs' in call ? call.timeoutMs : CALL_TIMEOUT_MS;
    const response = await this.#send(call, timeoutMs);
    const text = await readText(response);
    const status = response.statusCode ?? 0;
    if (status >= 400) throw new EngineError(status, messageIn(text));
    return parseOr(text) as T;
  }

  /** An answer that goes on, one JSON document a line. */
  async lines(path: string): Promise<IncomingMessage> {
    const response = await this.#send({ method: 'GET', path }, undefined);
    const status = response.statusCode ?? 0;
    if (status >= 400) throw new EngineError(status, messageIn(await readText(response)));
    return response;
  }

  /** The raw connection of an attached container or command. */
  attach(path: string, query: Readonly<Record<string, string>>, json: unknown): Promise<Socket> {
    return new Promise((resolve, reject) => {
      const request = startRequest({
        ...this.#target({ method: 'POST', path, query }),
        headers: { Connection: 'Upgrade', Upgrade: 'tcp', 'Content-Type': 'application/json' },
        timeout: CALL_TIMEOUT_MS,
      });
      request.once('upgrade', (_response, socket: Socket, head: Buffer) => {
        socket.setTimeout(0);
        if (head.length > 0) socket.unshift(head);
        resolve(socket);
      });
      request.once('response', (response) => {
        readText(response).then(
          (text) => reject(new EngineError(response.statusCode ?? 0, messageIn(text))),
          reject,
        );
      });
      request.once('timeout', () => request.destroy(new Error(`no answer within ${CALL_TIMEOUT_MS} ms`)));
      request.once('error', reject);
      request.end(JSON.stringify(json));
    });
  }

  #target({ method, path, query }: Pick<EngineCall, 'method' | 'path' | 'query'>) {
    const search = new URLSearchParams(query).toString();
    // The agent keeps no connection: one that an engine has closed would fail the next call.
    return {
      socketPath: this.socketPath,
      agent: this.#agent,
      method,
      path: search === '' ? path : `${path}?${search}`,
    };
  }

  #send(call: EngineCall, timeoutMs: number | undefined): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const { json, archive } = call;
      const type = archive === undefined ? 'application/json' : 'application/x-tar';
      const body = json === undefined ? undefined : JSON.stringify(json);
      const request = startRequest({
        ...this.#target(call),
        headers: {
          Host: 'engine',
          'Content-Type': type,
          ...(body !== undefined && { 'Content-Length': Buffer.byteLength(body) }),
        },
        ...(timeoutMs !== undefined && { timeout: timeoutMs }),
      });
      request.once('timeout', () => request.destroy(new Error(`no answer within ${timeoutMs} ms`)));
      request.once('response', resolve);
      request.once('error', reject);
      if (archive === undefined) request.end(body);
      else archive.on('error', (error: Error) => request.destroy(error)).pipe(request);
    });
  }
}

async function readText(response: IncomingMessage): Promise<string> {
  let text = '';
  response.setEncoding('utf8');
  for await (const chunk of response) {
    text += String(chunk);
    if (text.length > MAX_ANSWER_BYTES) throw new Error(`an answer has more than ${MAX_ANSWER_BYTES} bytes`);
  }
  return text;
}

function messageIn(text: string): string {
  const parsed = parseOr(text) as { readonly message?: unknown } | undefined;
  return typeof parsed?.message === 'string' ? parsed.message : text.trim();
}

function parseOr(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
