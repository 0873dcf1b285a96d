/**
 * The OCI distribution API (docker push and pull) under /v2/ of the gateway.
 * Any credentials are accepted, none too; repositories must have been created through the ECR API.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { AwsError, type ControlPlane } from '../contract.ts';
import type { LocalRoute } from '../gateway/gateway-server.ts';
import { readBody } from '../gateway/read-body.ts';
import { BlobError, type BlobStore, isDigest } from './blob-store.ts';
import type { ImageIndex } from './image-index.ts';
import { maxManifestBytes } from './read-manifest.ts';
import { loadRepository } from './repository-lookup.ts';
import { ManifestError, storeManifest } from './store-manifest.ts';

export interface RegistryOptions {
  readonly control: ControlPlane;
  readonly index: ImageIndex;
  readonly blobs: BlobStore;
  readonly now: () => number;
  /** Called after a manifest was put, before the answer. */
  readonly onPush?: () => void;
}

interface Exchange extends RegistryOptions {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly method: string;
  readonly repository: string;
  readonly query: URLSearchParams;
}

class RegistryError extends Error {
  readonly status: number;
  readonly code: string;
  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

const repositoryPattern = '([a-z0-9][a-z0-9._/-]*)';
const routes: readonly {
  readonly pattern: RegExp;
  readonly answer: (exchange: Exchange, reference: string) => Promise<void>;
}[] = [
  { pattern: new RegExp(`^/v2/${repositoryPattern}/tags/list$`), answer: answerTags },
  { pattern: new RegExp(`^/v2/${repositoryPattern}/manifests/([^/]+)$`), answer: answerManifest },
  { pattern: new RegExp(`^/v2/${repositoryPattern}/blobs/uploads/?$`), answer: answerNewUpload },
  { pattern: new RegExp(`^/v2/${repositoryPattern}/blobs/uploads/([^/]+)$`), answer: answerUpload },
  { pattern: new RegExp(`^/v2/${repositoryPattern}/blobs/([^/]+)$`), answer: answerBlob },
];

export function createRegistryRoute(options: RegistryOptions): LocalRoute {
  return {
    prefix: '/v2/',
    handle: async (request, response) => {
      response.setHeader('docker-distribution-api-version', 'registry/2.0');
      try {
        await answerRequest(options, request, response);
      } catch (error) {
        if (response.headersSent) throw error;
        sendError(response, toRegistryError(error));
      }
    },
  };
}

async function answerRequest(
  options: RegistryOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const [path = '', query] = (request.url ?? '').split('?', 2);
  if (path === '/v2/' || path === '/v2')
    return send(response, 200, { 'content-type': 'application/json' }, '{}');
  for (const { pattern, answer } of routes) {
    const match = pattern.exec(decodeURIComponent(path));
    if (match === null) continue;
    const [, repository = '', reference = ''] = match;
    await loadRepository(options.control, repository);
    const method = request.method ?? 'GET';
    return answer(
      { ...options, request, response, method, repository, query: new URLSearchParams(query) },
      reference,
    );
  }
  throw new RegistryError(404, 'UNSUPPORTED', `No ${path} in this registry`);
}

async function answerTags(exchange: Exchange): Promise<void> {
  const tags = exchange.index.list(exchange.repository).flatMap((image) => [...image.tags]);
  const last = exchange.query.get('last') ?? '';
  const limit = Number(exchange.query.get('n') ?? tags.length);
  const page = tags
    .sort()
    .filter((tag) => tag > last)
    .slice(0, Number.isFinite(limit) ? limit : undefined);
  send(
    exchange.response,
    200,
    { 'content-type': 'application/json' },
    JSON.stringify({ name: exchange.repository, tags: page }),
  );
}

async function answerManifest(exchange: Exchange, reference: string): Promise<void> {
  if (exchange.method === 'PUT') return putManifest(exchange, reference);
  if (exchange.method !== 'GET' && exchange.method !== 'HEAD') throw unsupported(exchange);
  const image = exchange.index.find(exchange.repository, reference);
  if (image === undefined) {
    throw new RegistryError(
      404,
      'MANIFEST_UNKNOWN',
      `Requested image not found: ${exchange.repository} ${reference}`,
    );
  }
  const headers = { 'content-type': image.mediaType, 'docker-content-digest': image.digest };
  send(exchange.response, 200, headers, image.manifest);
}

async function putManifest(exchange: Exchange, reference: string): Promise<void> {
  const repository = await loadRepository(exchange.control, exchange.repository);
  const content = await readBody(exchange.request, maxManifestBytes);
  const byDigest = isDigest(reference);
  const pushed = {
    content,
    mediaType: exchange.request.headers['content-type'],
    tag: byDigest ? undefined : reference,
    expectedDigest: byDigest ? reference : undefined,
  };
  const { digest, outcome } = await storeManifest(
    exchange.index,
    exchange.blobs,
    repository,
    pushed,
    exchange.now(),
  );
  if (outcome === 'tag-immutable') {
    throw new RegistryError(
      400,
      'TAG_INVALID',
      `The image tag '${reference}' already exists in the '${exchange.repository}' repository and cannot be overwritten because the repository is immutable.`,
    );
  }
  exchange.onPush?.();
  const location = `/v2/${exchange.repository}/manifests/${digest}`;
  send(exchange.response, 201, { location, 'docker-content-digest': digest }, '');
}

async function answerBlob(exchange: Exchange, digest: string): Promise<void> {
  if (exchange.method !== 'GET' && exchange.method !== 'HEAD') throw unsupported(exchange);
  const size = await exchange.blobs.size(digest);
  if (size === undefined)
    throw new RegistryError(404, 'BLOB_UNKNOWN', `Blob ${digest} is not in ${exchange.repository}`);
  exchange.response.writeHead(200, {
    'content-type': 'application/octet-stream',
    'content-length': size,
    'docker-content-digest': digest,
  });
  if (exchange.method === 'HEAD') exchange.response.end();
  else await pipeline(exchange.blobs.open(digest), exchange.response);
}

async function answerNewUpload(exchange: Exchange): Promise<void> {
  if (exchange.method !== 'POST') throw unsupported(exchange);
  const mount = exchange.query.get('mount');
  if (mount !== null && (await exchange.blobs.size(mount)) !== undefined)
    return sendBlobCreated(exchange, mount);
  const uploadId = exchange.blobs.startUpload();
  const digest = exchange.query.get('digest');
  if (digest === null) return sendUploadState(exchange, uploadId, 0, 202);
  await exchange.blobs.append(uploadId, exchange.request, undefined);
  await exchange.blobs.finish(uploadId, digest);
  sendBlobCreated(exchange, digest);
}

async function answerUpload(exchange: Exchange, uploadId: string): Promise<void> {
  const { blobs, request } = exchange;
  switch (exchange.method) {
    case 'GET':
      return sendUploadState(exchange, uploadId, blobs.uploadedBytes(uploadId), 204);
    case 'DELETE':
      await blobs.cancel(uploadId);
      return send(exchange.response, 204, {}, '');
    case 'PATCH': {
      const received = await blobs.append(uploadId, request, startOfRange(request.headers['content-range']));
      return sendUploadState(exchange, uploadId, received, 202);
    }
    case 'PUT': {
      const digest = exchange.query.get('digest') ?? '';
      await blobs.append(uploadId, request, startOfRange(request.headers['content-range']));
      await blobs.finish(uploadId, digest);
      return sendBlobCreated(exchange, digest);
    }
    default:
      throw unsupported(exchange);
  }
}

/** `0-1023` or `bytes=0-1023` gives 0; undefined without a range. */
function startOfRange(range: string | undefined): number | undefined {
  const start = /^(?:bytes[= ])?(\d+)-/.exec(range ?? '')?.[1];
  return start === undefined ? undefined : Number(start);
}

function sendUploadState(exchange: Exchange, uploadId: string, received: number, status: number): void {
  const headers = {
    location: `/v2/${exchange.repository}/blobs/uploads/${uploadId}`,
    'docker-upload-uuid': uploadId,
    range: `0-${Math.max(received - 1, 0)}`,
  };
  send(exchange.response, status, headers, '');
}

function sendBlobCreated(exchange: Exchange, digest: string): void {
  const location = `/v2/${exchange.repository}/blobs/${digest}`;
  send(exchange.response, 201, { location, 'docker-content-digest': digest }, '');
}

function unsupported(exchange: Exchange): RegistryError {
  return new RegistryError(405, 'UNSUPPORTED', `${exchange.method} is not supported here`);
}

function toRegistryError(error: unknown): RegistryError {
  if (error instanceof RegistryError) return error;
  if (error instanceof BlobError) return new RegistryError(blobStatus(error), error.code, error.message);
  if (error instanceof ManifestError) {
    return new RegistryError(error.code === 'MANIFEST_BLOB_UNKNOWN' ? 404 : 400, error.code, error.message);
  }
  if (error instanceof AwsError && error.code === 'RepositoryNotFoundException') {
    return new RegistryError(404, 'NAME_UNKNOWN', error.message);
  }
  if (error instanceof AwsError) return new RegistryError(error.status, 'UNKNOWN', error.message);
  return new RegistryError(500, 'UNKNOWN', error instanceof Error ? error.message : String(error));
}

function blobStatus(error: BlobError): number {
  if (error.code === 'BLOB_UPLOAD_UNKNOWN') return 404;
  if (error.code === 'BLOB_UPLOAD_INVALID') return 416;
  return error.code === 'TOOMANYREQUESTS' ? 429 : 400;
}

function sendError(response: ServerResponse, error: RegistryError): void {
  const body = JSON.stringify({ errors: [{ code: error.code, message: error.message }] });
  send(response, error.status, { 'content-type': 'application/json', connection: 'close' }, body);
}

function send(
  response: ServerResponse,
  status: number,
  headers: Record<string, string>,
  body: string | Buffer,
): void {
  const length = status === 204 ? {} : { 'content-length': Buffer.byteLength(body) };
  response.writeHead(status, { ...headers, ...length });
  if (response.req.method === 'HEAD') response.end();
  else response.end(body);
}
