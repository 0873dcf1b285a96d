/**
 * The one endpoint of the embedded AWS. AWS API requests go to the overlays and else to moto;
 * everything that is not signed for AWS may belong to a local route (status, task metadata, registry).
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { AwsError, type AwsRequest, type AwsResponse, type Overlay } from '../contract.ts';
import { decideProtocol, renderAwsError } from './aws-answer.ts';
import { decideUnsupported } from './decide-unsupported.ts';
import { decideForeignOrigin } from './foreign-origin.ts';
import { listenOnPort } from './listen-on-port.ts';
import { answerHeaders, type MotoClient } from './moto-client.ts';
import { readBody } from './read-body.ts';
import {
  buildAwsRequest,
  type Headers,
  isSigned,
  type RequestScope,
  recogniseScope,
} from './recognise-request.ts';

/** API bodies are held in memory up to this size; S3 objects are streamed and have no limit here. */
const maxApiBodyBytes = 64 * 1024 * 1024;
const maxHeaderBytes = 64 * 1024;
const headersTimeoutMs = 30_000;
const requestTimeoutMs = 600_000;
const keepAliveTimeoutMs = 65_000;
const maxClientConnections = 2048;

/** A part of the gateway that is no AWS API, chosen by path prefix for requests without an AWS signature. */
export interface LocalRoute {
  /** For example `/_local/`; matches the path itself without the last slash, too. */
  readonly prefix: string;
  handle(request: IncomingMessage, response: ServerResponse): Promise<void>;
}

export interface GatewayParts {
  readonly moto: MotoClient;
  readonly overlays: readonly Overlay[];
  readonly routes: readonly LocalRoute[];
  /** Signing names of services that exist in the gateway's region only. */
  readonly regionalServices: ReadonlySet<string>;
  /** Why moto is gone; undefined while it lives. */
  readonly motoFailure: () => string | undefined;
}

export interface GatewayOptions {
  /** undefined: 4700, or one of the 19 ports after it. */
  readonly port: number | undefined;
  readonly region: string;
  readonly accountId: string;
  readonly log: (line: string) => void;
}

export interface Gateway {
  readonly endpoint: string;
  readonly port: number;
  /** Requests before this are answered with 503. */
  open(parts: GatewayParts): void;
  close(): Promise<void>;
}

/** @throws PortBusyError when the port is taken */
export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  let parts: GatewayParts | undefined;
  const server = createServer({ maxHeaderSize: maxHeaderBytes }, (request, response) => {
    handleRequest(options, parts, request, response).catch((error: unknown) => {
      if (!request.destroyed || !response.writableEnded)
        options.log(`gateway: ${request.method} ${request.url}: ${describe(error)}`);
      response.destroy();
    });
  });
  server.headersTimeout = headersTimeoutMs;
  server.requestTimeout = requestTimeoutMs;
  server.keepAliveTimeout = keepAliveTimeoutMs;
  server.maxConnections = maxClientConnections;
  const port = await listenOnPort(server, options.port);
  return {
    endpoint: `http://127.0.0.1:${port}`,
    port,
    open: (opened) => {
      parts = opened;
    },
    close: () => closeServer(server),
  };
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

async function handleRequest(
  options: GatewayOptions,
  parts: GatewayParts | undefined,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const headers = singleHeaders(request);
  const url = request.url ?? '/';
  const refusal = decideForeignOrigin(headers);
  if (refusal !== undefined) return sendText(response, 403, refusal);
  if (parts === undefined)
    return sendText(response, 503, 'The embedded AWS is starting; try again in a moment.');
  if (!isSigned(headers, url)) {
    const path = url.split('?', 1)[0] ?? '/';
    const route = parts.routes.find(({ prefix }) => path.startsWith(prefix) || `${path}/` === prefix);
    if (route !== undefined) return route.handle(request, response);
  }
  const scope = recogniseScope(headers, url, options.region);
  try {
    const overlays = parts.overlays.filter(({ service }) => service === scope.service);
    if (scope.service === 's3' && overlays.length === 0)
      return await streamToMoto(parts, request, response, scope);
    const body = await readBody(request, maxApiBodyBytes);
    if (overlays.length > 0) checkRegion(options, parts, scope);
    const head = { method: request.method ?? 'GET', url, headers };
    const awsRequest = buildAwsRequest(head, scope, body, options.accountId);
    await sendAnswer(response, await answer(parts, overlays, awsRequest, request.rawHeaders));
  } catch (error) {
    if (response.headersSent) throw error;
    const awsError = error instanceof AwsError ? error : internalError(options, scope, headers, url, error);
    await sendAnswer(
      response,
      renderAwsError(decideProtocol(scope.service, headers, url), awsError, headers),
    );
  }
}

/** What the overlays own exists in one region; elsewhere moto would answer with its own, untrue version. */
function checkRegion(options: GatewayOptions, parts: GatewayParts, scope: RequestScope): void {
  if (scope.region === options.region || !parts.regionalServices.has(scope.service)) return;
  throw new AwsError(
    'UnrecognizedClientException',
    `The embedded AWS runs ${scope.service} in ${options.region} only, and was asked for ${scope.region}. Start it with --region ${scope.region}.`,
  );
}

async function answer(
  parts: GatewayParts,
  overlays: readonly Overlay[],
  request: AwsRequest,
  rawHeaders: readonly string[],
): Promise<AwsResponse> {
  const forward = (changed?: { body?: Buffer }) => forwardToMoto(parts, request, rawHeaders, changed?.body);
  for (const overlay of overlays) {
    const answered = await overlay.handle(request, forward);
    if (answered !== undefined) return answered;
  }
  return forward();
}

async function forwardToMoto(
  parts: GatewayParts,
  request: AwsRequest,
  rawHeaders: readonly string[],
  changed: Buffer | undefined,
): Promise<AwsResponse> {
  const body = changed ?? request.body;
  const hasBody = body.length > 0 || request.method === 'POST' || request.method === 'PUT';
  const response = await sendToMoto(parts, {
    method: request.method,
    url: request.url,
    rawHeaders,
    body: hasBody ? body : null,
  });
  const headers = answerHeaders(response.headers);
  const content = Buffer.from(await response.body.arrayBuffer());
  const unsupported = decideUnsupported(request, response.statusCode, String(headers['content-type'] ?? ''));
  if (unsupported !== undefined) throw unsupported;
  return { status: response.statusCode, headers: joinHeaders(headers), body: content };
}

/** S3 objects pass through without being held in memory. */
async function streamToMoto(
  parts: GatewayParts,
  request: IncomingMessage,
  response: ServerResponse,
  scope: RequestScope,
): Promise<void> {
  const method = request.method ?? 'GET';
  const hasBody =
    request.headers['content-length'] !== undefined || request.headers['transfer-encoding'] !== undefined;
  const answered = await sendToMoto(parts, {
    method,
    url: request.url ?? '/',
    rawHeaders: request.rawHeaders,
    body: hasBody ? request : null,
  });
  const headers = answerHeaders(answered.headers);
  const what = {
    service: scope.service,
    action: '',
    method,
    url: request.url ?? '/',
    headers: singleHeaders(request),
  };
  const unsupported = decideUnsupported(what, answered.statusCode, String(headers['content-type'] ?? ''));
  if (unsupported !== undefined) {
    await answered.body.dump();
    throw unsupported;
  }
  response.writeHead(answered.statusCode, headers);
  await pipeline(answered.body, response);
}

async function sendToMoto(parts: GatewayParts, request: Parameters<MotoClient['send']>[0]) {
  try {
    return await parts.moto.send(request);
  } catch (error) {
    const failure = parts.motoFailure() ?? `it can't be reached: ${describe(error)}`;
    // Status 400 on purpose: SDKs and the Terraform provider retry 5xx for minutes.
    throw new AwsError(
      'EmbeddedControlPlaneUnavailable',
      `The control plane of the embedded AWS is gone: ${failure}`,
    );
  }
}

function internalError(
  options: GatewayOptions,
  scope: RequestScope,
  headers: Headers,
  url: string,
  error: unknown,
): AwsError {
  const target = headers['x-amz-target'] ?? url;
  options.log(
    `gateway: ${scope.service} ${target}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
  );
  return new AwsError(
    'InternalFailure',
    `The embedded AWS failed on ${scope.service} ${target}: ${describe(error)}`,
  );
}

async function sendAnswer(response: ServerResponse, answered: AwsResponse): Promise<void> {
  const { 'content-length': _replaced, ...headers } = answered.headers;
  const body = Buffer.isBuffer(answered.body) ? answered.body : Buffer.from(answered.body);
  // A HEAD answer keeps the length of the object that it describes.
  const length = response.req.method === 'HEAD' ? (_replaced ?? body.length) : body.length;
  response.writeHead(answered.status, { ...headers, 'content-length': length });
  response.end(response.req.method === 'HEAD' ? undefined : body);
}

function sendText(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8', connection: 'close' });
  response.end(`${text}\n`);
}

function singleHeaders(request: IncomingMessage): Headers {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(request.headers)) {
    if (value !== undefined) headers[name] = Array.isArray(value) ? value.join(', ') : value;
  }
  return headers;
}

function joinHeaders(headers: Readonly<Record<string, string | string[]>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : value]),
  );
}

function describe(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
