/**
 * The HTTP server: limits, routing, headers, request log and metrics around the routes.
 * It neither listens nor stops by itself; see main.ts and stop-server.ts.
 */
import {
  createServer as createHttpServer,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { Socket } from 'node:net';
import type { Logger } from './logger.ts';
import { problemResponse } from './problem.ts';
import { requestIdOf } from './request-id.ts';
import { matchRoute, pathOf, type Route, type RouteResponse, type Service } from './route.ts';

/** Longer than the 60 s of an ALB, so that the load balancer and never the service closes an idle connection. */
export const KEEP_ALIVE_TIMEOUT_MS = 65_000;
/** Must exceed the keep-alive timeout, else Node may cut a connection that the load balancer is just reusing. */
export const HEADERS_TIMEOUT_MS = 66_000;
export const REQUEST_TIMEOUT_MS = 70_000;
export const MAX_HEADER_BYTES = 16 * 1024;
/** No route reads a body; what clients send all the same is thrown away up to here. */
export const MAX_BODY_BYTES = 64 * 1024;
export const MAX_CONNECTIONS = 4_096;
const MAX_LOGGED_PATH_CHARS = 256;
/** Status in log and metrics when the client left before the answer was complete. */
const CLIENT_CLOSED_STATUS = 499;
const NO_ROUTE_LABEL = 'unmatched';

export interface ServerDeps {
  readonly service: Service;
  readonly routes: readonly Route[];
  readonly logger: Logger;
  /** Monotonic milliseconds. */
  readonly elapsedMs: () => number;
  readonly generateId: () => string;
}

interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly method: string;
  readonly path: string;
  readonly requestId: string;
  readonly startedMs: number;
}

export function createServer(deps: ServerDeps): Server {
  const server = createHttpServer(
    {
      keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
      headersTimeout: HEADERS_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      maxHeaderSize: MAX_HEADER_BYTES,
    },
    (request, response) => {
      void answer(deps, request, response);
    },
  );
  server.maxConnections = MAX_CONNECTIONS;
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    rejectMalformed(error, socket as Socket, deps.logger);
  });
  return server;
}

async function answer(deps: ServerDeps, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const exchange: Exchange = {
    request,
    response,
    method: request.method ?? '',
    path: pathOf(request.url ?? '/'),
    requestId: requestIdOf(request.headers, deps.generateId),
    startedMs: deps.elapsedMs(),
  };
  const match = matchRoute(deps.routes, exchange.method, exchange.path);
  const route = match.kind === 'unknown-path' ? undefined : match.route;
  deps.service.metrics.begin();
  response.once('close', () => finish(deps, exchange, route));
  if (discardBody(request)) {
    send(deps, exchange, problemResponse(413, `a body may have ${MAX_BODY_BYTES} bytes; send none`), true);
    return;
  }
  if (match.kind === 'found') {
    send(deps, exchange, await runRoute(deps, exchange, match.route));
  } else if (match.kind === 'wrong-method') {
    const detail = `${exchange.path} does not take ${exchange.method}; use ${match.allow}`;
    send(deps, exchange, problemResponse(405, detail, { allow: match.allow }));
  } else {
    const known = deps.routes.map(({ path }) => path).join(', ');
    send(deps, exchange, problemResponse(404, `there is nothing at this path; there is ${known}`));
  }
}

async function runRoute(deps: ServerDeps, exchange: Exchange, route: Route): Promise<RouteResponse> {
  try {
    return await route.handle({ accept: exchange.request.headers.accept }, deps.service);
  } catch (error) {
    const reason = error instanceof Error ? (error.stack ?? error.message) : String(error);
    deps.logger.log('error', 'route failed', {
      path: route.path,
      requestId: exchange.requestId,
      error: reason,
    });
    return problemResponse(500, `the request failed; look for request ${exchange.requestId} in the log`);
  }
}

/** Throws the body away so that the connection can be used again. True when it is declared too large. */
function discardBody(request: IncomingMessage): boolean {
  if (Number(request.headers['content-length'] ?? 0) > MAX_BODY_BYTES) return true;
  let received = 0;
  request.on('data', (chunk: Buffer) => {
    received += chunk.byteLength;
    if (received > MAX_BODY_BYTES) request.destroy();
  });
  return false;
}

function send(deps: ServerDeps, exchange: Exchange, answered: RouteResponse, lastOne = false): void {
  const { response } = exchange;
  if (response.destroyed) return;
  const body = Buffer.from(answered.body);
  const closing = lastOne || deps.service.state.phase === 'draining';
  response.writeHead(answered.status, {
    ...answered.headers,
    'content-length': body.byteLength,
    'x-request-id': exchange.requestId,
    'x-content-type-options': 'nosniff',
    // A connection that is told to close moves to another task while this one still answers.
    ...(closing ? { connection: 'close' } : {}),
  });
  response.end(body);
}

function finish(deps: ServerDeps, exchange: Exchange, route: Route | undefined): void {
  const { response, method, path, requestId } = exchange;
  const durationMs = deps.elapsedMs() - exchange.startedMs;
  const status = response.writableFinished ? response.statusCode : CLIENT_CLOSED_STATUS;
  const probe = route?.probe ?? false;
  const label = route?.path ?? NO_ROUTE_LABEL;
  deps.service.metrics.end({ method, route: label, status, durationSeconds: durationMs / 1000, probe });
  deps.logger.log(probe ? 'debug' : 'info', 'request', {
    method,
    path: path.slice(0, MAX_LOGGED_PATH_CHARS),
    status,
    durationMs: Math.round(durationMs * 1000) / 1000,
    requestId,
  });
}

const MALFORMED_STATUS: Readonly<Record<string, readonly [number, string]>> = {
  HPE_HEADER_OVERFLOW: [431, `the headers exceed ${MAX_HEADER_BYTES} bytes; send fewer or shorter ones`],
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'the request did not arrive in time; send it again'],
};

/** Answers what is not HTTP. Nothing of its content is logged or sent back. */
function rejectMalformed(error: NodeJS.ErrnoException, socket: Socket, logger: Logger): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const [status, detail] = MALFORMED_STATUS[error.code ?? ''] ?? [400, 'this is not a valid HTTP request'];
  logger.log('warn', 'malformed request', { status, code: error.code });
  const answered = problemResponse(status, detail);
  const headers = { ...answered.headers, 'content-length': String(Buffer.byteLength(answered.body)) };
  const lines = Object.entries({ ...headers, connection: 'close' }).map(
    ([name, value]) => `${name}: ${value}`,
  );
  socket.end(`HTTP/1.1 ${status} \r\n${lines.join('\r\n')}\r\n\r\n${answered.body}`);
}
