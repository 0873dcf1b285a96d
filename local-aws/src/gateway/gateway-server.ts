/**
 * The one endpoint of the embedded AWS. AWS API requests go to the overlays and else to moto;
 * everything that is not signed for AWS may belong to a local route (status, task metadata, registry).
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { AwsError, type AwsRequest, type AwsResponse, type Overlay } from '../contract.ts';
import { type ApiCall, describeCall } from './api-call.ts';
import { decideProtocol, renderAwsError } from './aws-answer.ts';
import { decideUnsupported } from './decide-unsupported.ts';
import { decideForeignOrigin } from './foreign-origin.ts';
import { answerHeaders } from './forwarded-headers.ts';
import { listenOnPort } from './listen-on-port.ts';
import type { MotoClient, MotoRequest } from './moto-client.ts';
import { readBody } from './read-body.ts';
import {
  buildAwsRequest,
  type Headers,
  isSigned,
  type RequestScope,
  recogniseScope,
} from './recognise-request.ts';
import { refuseUpgrade } from './refuse-upgrade.ts';

/** API bodies are held in memory up to this size; S3 objects are streamed and have no limit here. */
const maxApiBodyBytes = 64 * 1024 * 1024;
const maxHeaderBytes = 64 * 1024;
const headersTimeoutMs = 30_000;
const requestTimeoutMs = 600_000;
const keepAliveTimeoutMs = 65_000;
const maxClientConnections = 2048;
const noBody = Buffer.alloc(0);

/** A part of the gateway that is no AWS API, chosen by path prefix for requests without an AWS signature. */
export interface LocalRoute {
  /** For example `/_local/`; matches the path itself without the last slash, too. */
  readonly prefix: string;
  handle(request: IncomingMessage, response: ServerResponse): Promise<void>;
}

/** A part of the gateway that connections change their protocol for. */
export interface UpgradeRoute {
  /** For example `/_local/exec/`. */
  readonly prefix: string;
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
}

export interface GatewayParts {
  readonly moto: MotoClient;
  readonly overlays: readonly Overlay[];
  readonly routes: readonly LocalRoute[];
  readonly upgrades?: readonly UpgradeRoute[];
  /** Signing names of services that exist in the gateway's region only. */
  readonly regionalServices: ReadonlySet<string>;
  /**
   * Asked before anything else sees a call of AWS's API; may make it wait.
   * @param describe costs a look into the body, which most of the time nobody needs
   * @throws AwsError (or rejects with one) that it is answered with
   */
  readonly admit?: (describe: () => ApiCall) => Promise<void> | undefined;
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
  server.on('upgrade', (request, socket, head) => handleUpgrade(parts, request, socket, head));
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

function handleUpgrade(
  parts: GatewayParts | undefined,
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
): void {
  const refusal = decideForeignOrigin(singleHeaders(request));
  const path = (request.url ?? '/').split('?', 1)[0] ?? '/';
  const route = parts?.upgrades?.find(({ prefix }) => path.startsWith(prefix));
  if (refusal !== undefined) refuseUpgrade(socket, '403 Forbidden', refusal);
  else if (route === undefined) refuseUpgrade(socket, '404 Not Found', `Nothing to open at ${path}.`);
  else route.upgrade(request, socket, head);
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
  const caller: Caller = { rawHeaders: request.rawHeaders, abandoned: () => response.closed };
  try {
    const overlays = parts.overlays.filter(({ service }) => service === scope.service);
    const head = { method: request.method ?? 'GET', url, headers };
    if (scope.service === 's3' && overlays.length === 0) {
      await parts.admit?.(() => describeCall(head, scope, noBody));
      return await streamToMoto(parts, request, response, scope);
    }
    const body = await readBody(request, maxApiBodyBytes);
    await parts.admit?.(() => describeCall(head, scope, body));
    if (overlays.length > 0) checkRegion(options, parts, scope);
    const awsRequest = buildAwsRequest(head, scope, body, options.accountId);
    await sendAnswer(response, await answer(parts, overlays, awsRequest, caller));
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

/** Who asks. */
type Caller = Required<Pick<MotoRequest, 'rawHeaders' | 'abandoned'>>;

async function answer(
  parts: GatewayParts,
  overlays: readonly Overlay[],
  request: AwsRequest,
  caller: Caller,
): Promise<AwsResponse> {
  const forward = (changed?: { body?: Buffer }) => forwardToMoto(parts, request, caller, changed?.body);
  for (const overlay of overlays) {
    const answered = await overlay.handle(request, forward);
    if (answered !== undefined) return answered;
  }
  return forward();
}

async function forwardToMoto(
  parts: GatewayParts,
  request: AwsRequest,
  caller: Caller,
  changed: Buffer | undefined,
): Promise<AwsResponse> {
  const body = changed ?? request.body;
  const hasBody = body.length > 0 || request.method === 'POST' || request.method === 'PUT';
  const response = await sendToMoto(parts, {
    method: request.method,
    url: request.url,
    ...caller,
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
    abandoned: () => response.closed,
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
