/**
 * Pushes an image through the OCI distribution API, so that no container engine is needed.
 * Source: OCI distribution-spec 1.1, "Pushing blobs monolithically" and "Pushing manifests".
 */
import { TowpathError } from '../../domain/errors.ts';
import type { Clock } from '../../ports.ts';
import { RELEASE_TAG_PREFIX } from '../aws/bootstrap-documents.ts';
import type { Blob, OciImage } from './oci-image.ts';
import type { RegistryAccess } from './registry-access.ts';

const ATTEMPTS = 4;
/** Wait before attempt n+1: this times 2 to the power of n-1. */
const RETRY_WAIT_MS = 250;
const REQUEST_TIMEOUT_MS = 30_000;
/** A layer may be large and the line slow. */
const UPLOAD_TIMEOUT_MS = 10 * 60_000;
const TAG_HEX_DIGITS = 32;
const MAX_ERROR_CHARS = 500;

export interface RegistryClientOptions {
  readonly access: RegistryAccess;
  readonly repository: string;
  /** The environment whose bootstrap makes the repository. */
  readonly firstEnvironment: string;
  readonly clock: Clock;
}

export interface RegistryClient {
  /** @returns false when the registry has this digest already; then nothing is sent */
  push(image: OciImage): Promise<boolean>;
}

/** Tag of a pushed image: derived from a digest, so that an immutable tag can't be in the way. */
export function tagOfDigest(digest: string): string {
  return `${RELEASE_TAG_PREFIX}${digest.replace(/^sha256:/, '').slice(0, TAG_HEX_DIGITS)}`;
}

export function createRegistryClient(options: RegistryClientOptions): RegistryClient {
  const base = `${options.access.baseUrl}/v2/${options.repository}`;
  return {
    async push(image) {
      const { digest } = image.manifest;
      if (await has(options, `${base}/manifests/${digest}`)) return false;
      await Promise.all(image.blobs.map((blob) => pushBlob(options, base, blob)));
      await pushManifest(options, base, image);
      return true;
    },
  };
}

async function has(options: RegistryClientOptions, url: string): Promise<boolean> {
  const accept =
    'application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json, */*';
  const response = await retrying(options, `HEAD ${url}`, () =>
    send(options, url, { method: 'HEAD', headers: { accept } }, REQUEST_TIMEOUT_MS),
  );
  if (response.status === 404) return false;
  if (!response.ok) throw await refused(options, 'HEAD', url, response);
  return true;
}

async function pushBlob(options: RegistryClientOptions, base: string, blob: Blob): Promise<void> {
  if (await has(options, `${base}/blobs/${blob.digest}`)) return;
  // An upload that broke can't be gone on with: each attempt opens one of its own.
  const response = await retrying(options, `upload of ${blob.digest}`, async () => {
    const start = `${base}/blobs/uploads/`;
    const opened = await send(
      options,
      start,
      { method: 'POST', headers: { 'content-length': '0' } },
      REQUEST_TIMEOUT_MS,
    );
    const location = opened.headers.get('location');
    if (opened.status !== 202 || location === null) return opened;
    const upload = new URL(location, start);
    upload.searchParams.set('digest', blob.digest);
    const headers = {
      'content-type': 'application/octet-stream',
      'content-length': String(blob.bytes.length),
    };
    return send(options, upload.href, { method: 'PUT', headers, body: blob.bytes }, UPLOAD_TIMEOUT_MS);
  });
  if (response.status !== 201) throw await refused(options, 'PUT', `${base}/blobs/${blob.digest}`, response);
}

async function pushManifest(options: RegistryClientOptions, base: string, image: OciImage): Promise<void> {
  const { digest, bytes } = image.manifest;
  const url = `${base}/manifests/${tagOfDigest(digest)}`;
  const response = await retrying(options, `PUT ${url}`, () =>
    send(
      options,
      url,
      { method: 'PUT', headers: { 'content-type': image.mediaType }, body: bytes },
      REQUEST_TIMEOUT_MS,
    ),
  );
  if (response.ok) return;
  // Somebody pushed the same image meanwhile, and its immutable tag stands.
  if (await has(options, `${base}/manifests/${digest}`)) return;
  throw await refused(options, 'PUT', url, response);
}

async function send(
  { access }: RegistryClientOptions,
  url: string,
  init: { method: string; headers: Record<string, string>; body?: Buffer },
  timeoutMs: number,
): Promise<Response> {
  // The login belongs to the registry alone; an upload that is handed on elsewhere carries its own signature.
  const mine = new URL(url).origin === new URL(access.baseUrl).origin;
  const login = `Basic ${Buffer.from(`${access.user}:${access.password}`).toString('base64')}`;
  return fetch(url, {
    method: init.method,
    headers: mine ? { ...init.headers, authorization: login } : init.headers,
    signal: AbortSignal.timeout(timeoutMs),
    ...(init.body === undefined ? {} : { body: new Uint8Array(init.body) }),
  });
}

/** Repeats what a registry may recover from: no answer, 429, 5xx. The last answer is returned as it is. */
async function retrying(
  { clock, access }: RegistryClientOptions,
  what: string,
  attempt: () => Promise<Response>,
): Promise<Response> {
  for (let count = 1; ; count += 1) {
    let failure: unknown;
    try {
      const response = await attempt();
      const passing = response.status === 429 || response.status >= 500;
      if (!passing || count >= ATTEMPTS) return response;
      await response.body?.cancel();
    } catch (error) {
      failure = error;
    }
    if (failure !== undefined && count >= ATTEMPTS) {
      throw new TowpathError(
        'PUSH_FAILED',
        `The registry ${access.baseUrl} did not answer ${ATTEMPTS} times (${what}): ${reasonOf(failure)}`,
        {
          hint: 'check the network, then run the same command again: what arrived is not sent twice',
          cause: failure,
        },
      );
    }
    await clock.sleep(RETRY_WAIT_MS * 2 ** (count - 1));
  }
}

async function refused(
  { repository, firstEnvironment }: RegistryClientOptions,
  method: string,
  url: string,
  response: Response,
): Promise<TowpathError> {
  const body = (await response.text().catch(() => '')).slice(0, MAX_ERROR_CHARS);
  const code = /"code"\s*:\s*"(\w+)"/.exec(body)?.[1];
  const missing = code === 'NAME_UNKNOWN';
  return new TowpathError(
    missing ? 'NOT_BOOTSTRAPPED' : 'PUSH_FAILED',
    missing
      ? `The image repository ${repository} does not exist`
      : `The registry answered ${response.status} to ${method} ${url}${body === '' ? '' : `: ${body}`}`,
    {
      hint: missing
        ? `towpath bootstrap ${firstEnvironment}`
        : 'check the right to push (ecr:PutImage, ecr:UploadLayerPart), then run it again',
    },
  );
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { cause } = error;
  if (cause instanceof Error && 'code' in cause && typeof cause.code === 'string') return cause.code;
  return error.message;
}
