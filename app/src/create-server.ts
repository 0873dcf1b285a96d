/**
 * The HTTP server: limits, routing, bodies, headers, request log and metrics around the routes.
 * It neither listens nor stops by itself; see main.ts and stop-server.ts.
 */
import {
  createServer as createHttpServer,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { Socket } from 'node:net';
import { NO_FAULT } from './faults/fault.ts';
import type { Logger } from './logger.ts';
import { problemResponse } from './problem.ts';
import { announcesBody, EMPTY_BODY, readBody } from './request-body.ts';
import { identifyRequest } from './request-id.ts';
import {
  pathOf,
  queryOf,
  type Route,
  type RouteMatch,
  type RouteRequest,
  type RouteResponse,
  RouteTable,
  type Service,
} from './route.ts';

/** Longer than the 60 s of an ALB, so that the load balancer and never the service closes an idle connection. */
export const KEEP_ALIVE_TIMEOUT_MS = 65_000;
/** From the first byte of a request to the end of its headers: slow clients hold no connection for much longer. */
export const HEADERS_TIMEOUT_MS = 15_000;
/** From the first byte of a request to the last of its body. */
export const REQUEST_TIMEOUT_MS = 30_000;
/** How often the two above are looked at; each look wakes an idle task. */
const TIMEOUT_CHECK_INTERVAL_MS = 5_000;
export const MAX_HEADER_BYTES = 16 * 1024;
export const MAX_BODY_BYTES = 64 * 1024;
export const MAX_CONNECTIONS = 4_096;
/** To copy a body of more costs more than to send it apart from its head. */
const MAX_JOINED_BYTES = 4 * 1024;
const MAX_LOGGED_PATH_CHARS = 256;
/** Status in log and metrics when the client left before the answer was complete. */
const CLIENT_CLOSED_STATUS = 499;
const NO_ROUTE_LABEL = 'unmatched';
/** What a body is whose type is not said (RFC 9110, 8.3). */
const OCTETS = 'application/octet-stream';

export interface ServerLimits {
  readonly headersTimeoutMs: number;
  readonly requestTimeoutMs: number;
  readonly checkIntervalMs: number;
}

const DEFAULT_LIMITS: ServerLimits = {
  headersTimeoutMs: HEADERS_TIMEOUT_MS,
  requestTimeoutMs: REQUEST_TIMEOUT_MS,
  checkIntervalMs: TIMEOUT_CHECK_INTERVAL_MS,
};

export interface ServerDeps {
  readonly service: Service;
  readonly routes: readonly Route[];
  readonly logger: Logger;
  /** Monotonic milliseconds. */
  readonly elapsedMs: () => number;
  /** Good as a trace of W3C Trace Context. */
  readonly generateId: () => string;
  /** Only tests have others: they can't wait for half a minute. */
  readonly limits?: ServerLimits;
}

interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly method: string;
  readonly path: string;
  readonly requestId: string;
  readonly traceId: string;
  readonly startedMs: number;
  readonly match: RouteMatch;
}

export function createServer(deps: ServerDeps): Server {
  const table = new RouteTable(deps.routes);
  const limits = deps.limits ?? DEFAULT_LIMITS;
  const onRequest = (request: IncomingMessage, response: ServerResponse): void =>
    answer(deps, table, request, response);
  const server = createHttpServer(
    {
      keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
      headersTimeout: limits.headersTimeoutMs,
      requestTimeout: limits.requestTimeoutMs,
      connectionsCheckingInterval: limits.checkIntervalMs,
      maxHeaderSize: MAX_HEADER_BYTES,
      // Checked below: what Node answers by itself is no problem document.
      requireHostHeader: false,
    },
    onRequest,
  );
  server.maxConnections = MAX_CONNECTIONS;
  server.on('checkExpectation', onRequest);
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    rejectMalformed(error, socket as Socket, deps.logger);
  });
  return server;
}

function answer(
  deps: ServerDeps,
  table: RouteTable,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  const method = request.method ?? '';
  const path = pathOf(request.url ?? '/');
  const { requestId, traceId } = identifyRequest(request.headers, deps.generateId);
  const exchange: Exchange = {
    request,
    response,
    method,
    path,
    requestId,
    traceId,
    startedMs: deps.elapsedMs(),
    match: table.match(method, path),
  };
  deps.service.metrics.begin();
  // Emitted once whatever happens; "on" spares the wrapper of "once".
  response.on('close', () => finish(deps, exchange));
  const refused = refuseEarly(request);
  if (refused !== undefined) send(deps, exchange, refused, true);
  else if (announcesBody(request)) answerWithBody(deps, exchange);
  else respond(deps, exchange, EMPTY_BODY);
}

/** What is wrong with the head of a request, whatever its route. */
function refuseEarly({ headers, httpVersion }: IncomingMessage): RouteResponse | undefined {
  if (headers.host === undefined && httpVersion === '1.1') {
    return problemResponse(400, 'a request of HTTP/1.1 needs a Host header');
  }
  if (headers.expect !== undefined && headers.expect.toLowerCase() !== '100-continue') {
    return problemResponse(417, 'the only expectation that can be met is 100-continue');
  }
  return undefined;
}

function answerWithBody(deps: ServerDeps, exchange: Exchange): void {
  readBody(exchange.request, MAX_BODY_BYTES, (body) => {
    if (body !== undefined) respond(deps, exchange, body);
    else
      send(deps, exchange, problemResponse(413, `a body may have ${MAX_BODY_BYTES} bytes; send less`), true);
  });
}

function respond(deps: ServerDeps, exchange: Exchange, body: Buffer): void {
  const { match, path, method } = exchange;
  if (match.kind === 'wrong-method') {
    const detail = `${path.slice(0, MAX_LOGGED_PATH_CHARS)} does not take ${method}; use ${match.allow}`;
    send(deps, exchange, problemResponse(405, detail, { allow: match.allow }));
    return;
  }
  if (match.kind === 'unknown-path') {
    const known = [...new Set(deps.routes.map((route) => route.path))].join(', ');
    send(deps, exchange, problemResponse(404, `there is nothing at this path; there is ${known}`));
    return;
  }
  const { route } = match;
  const request = routeRequestOf(exchange, match.parameter, body);
  if (body.length > 0 && route.takes?.includes(request.contentType ?? OCTETS) === false) {
    const detail = `the body must be ${route.takes.join(' or ')}; say so in Content-Type`;
    send(deps, exchange, problemResponse(415, detail));
    return;
  }
  const fault = route.probe || route.control ? NO_FAULT : (deps.service.faults?.decide() ?? NO_FAULT);
  if (fault === NO_FAULT) runRoute(deps, exchange, route, request);
  else void respondWithFault(deps, exchange, route, request, fault);
}

async function respondWithFault(
  deps: ServerDeps,
  exchange: Exchange,
  route: Route,
  request: RouteRequest,
  { delayMs, status }: typeof NO_FAULT,
): Promise<void> {
  if (delayMs > 0) await new Promise((resolve) => setTimeout(resolve, delayMs));
  if (status === undefined) runRoute(deps, exchange, route, request);
  else send(deps, exchange, problemResponse(status, 'a fault is injected here; see /faults'));
}

function routeRequestOf({ request }: Exchange, parameter: string, body: Buffer): RouteRequest {
  const { headers, url = '' } = request;
  return {
    accept: headers.accept,
    authorization: headers.authorization,
    contentType: mediaTypeOf(headers['content-type']),
    parameter,
    query: queryOf(url),
    body,
  };
}

/** Answers at once where the route does: a promise for each request would be felt. */
function runRoute(deps: ServerDeps, exchange: Exchange, route: Route, request: RouteRequest): void {
  const failed = (error: unknown): void =>
    send(deps, exchange, failureResponse(deps, exchange, route, error));
  try {
    const answered = route.handle(request, deps.service);
    if (answered instanceof Promise)
      answered.then((response) => send(deps, exchange, response)).catch(failed);
    else send(deps, exchange, answered);
  } catch (error) {
    failed(error);
  }
}

function failureResponse(deps: ServerDeps, exchange: Exchange, route: Route, error: unknown): RouteResponse {
  const reason = error instanceof Error ? (error.stack ?? error.message) : String(error);
  deps.logger.log('error', 'route failed', {
    path: route.path,
    requestId: exchange.requestId,
    error: reason,
  });
  return problemResponse(500, `the request failed; look for request ${exchange.requestId} in the log`);
}

/** `text/plain; charset=utf-8` is `text/plain`. */
function mediaTypeOf(header: string | undefined): string | undefined {
  if (header === undefined) return undefined;
  const end = header.indexOf(';');
  return (end === -1 ? header : header.slice(0, end)).trim().toLowerCase();
}

function send(deps: ServerDeps, exchange: Exchange, answered: RouteResponse, lastOne = false): void {
  const { response } = exchange;
  if (response.destroyed || response.headersSent) return;
  const { status, body } = answered;
  const bytes = Buffer.byteLength(body);
  // A connection that is told to close moves to another task while this one still answers.
  const closing = lastOne || deps.service.state.phase === 'draining';
  response.writeHead(status, headerList(answered, exchange.requestId, bytes, closing));
  // As many bytes as characters: it is ASCII, which Node copies as it is instead of encoding it.
  if (typeof body === 'string') response.end(body, bytes === body.length ? 'latin1' : 'utf8');
  // A string leaves in one piece with the head, a buffer in two. In Latin-1 each byte is one character, and back.
  else if (bytes <= MAX_JOINED_BYTES) response.end(body.toString('latin1'), 'latin1');
  else response.end(body);
}

/** Most answers share a few objects of headers. */
const LISTS = new WeakMap<object, string[]>();
const ID_PLACE = 1;
const LENGTH_PLACE = 3;

/**
 * Names and values in turn, which Node takes as they are. It has read the list when `writeHead` returns, and so there is
 * one for all answers with the same headers: only two of its values change.
 */
function headerList(
  { status, headers }: RouteResponse,
  id: string,
  bytes: number,
  closing: boolean,
): string[] {
  let list = LISTS.get(headers);
  if (list === undefined) {
    const same = [...Object.entries(headers).flat(), 'x-content-type-options', 'nosniff'];
    list = ['x-request-id', '', 'content-length', '', ...same];
    LISTS.set(headers, list);
  }
  list[ID_PLACE] = id;
  list[LENGTH_PLACE] = String(bytes);
  // 204 has no body, and must not have a length either (RFC 9110, 8.6).
  const fitting = status === 204 ? list.toSpliced(LENGTH_PLACE - 1, 2) : list;
  return closing ? [...fitting, 'connection', 'close'] : fitting;
}

function finish(deps: ServerDeps, exchange: Exchange): void {
  const { response, method, path, requestId, traceId, match } = exchange;
  const route = match.kind === 'unknown-path' ? undefined : match.route;
  const endedMs = deps.elapsedMs();
  const durationMs = endedMs - exchange.startedMs;
  const status = response.writableFinished ? response.statusCode : CLIENT_CLOSED_STATUS;
  const probe = route?.probe ?? false;
  const label = route?.path ?? NO_ROUTE_LABEL;
  deps.service.metrics.end({ method, route: label, status, durationMs, endedMs, probe });
  deps.logger.logRequest(probe ? 'debug' : 'info', {
    method,
    path: path.length > MAX_LOGGED_PATH_CHARS ? path.slice(0, MAX_LOGGED_PATH_CHARS) : path,
    status,
    durationMs,
    requestId,
    traceId,
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
  // A client that never closes its side would hold the socket.
  socket.destroySoon();
}
