/**
 * Which task this process is, from the ECS task metadata endpoint version 4.
 * Outside ECS nothing is known, and that is no error: the service runs all the same.
 */

export interface TaskIdentity {
  readonly taskArn: string | undefined;
  /** Last part of the task ARN. */
  readonly taskId: string | undefined;
  /** Availability zone, for example `us-east-1a`. */
  readonly zone: string | undefined;
  /** Digest of the running image, `sha256:` and 64 hexadecimal digits. */
  readonly imageDigest: string | undefined;
  /** Above it the container is killed. */
  readonly memoryLimitBytes: number | undefined;
}

export const UNKNOWN_IDENTITY: TaskIdentity = {
  taskArn: undefined,
  taskId: undefined,
  zone: undefined,
  imageDigest: undefined,
  memoryLimitBytes: undefined,
};

export interface LoadedIdentity {
  readonly identity: TaskIdentity;
  /** Why the identity is not known, for the log. */
  readonly problem: string | undefined;
}

/** The endpoint is link-local and answers in milliseconds; a start must not wait longer for a nicety. */
export const METADATA_TIMEOUT_MS = 2_000;
const SHORT_DIGEST_CHARS = 12;
const BYTES_PER_MIB = 1_048_576;
const DIGEST = /sha256:[0-9a-f]{64}/;

type Fields = Readonly<Record<string, unknown>>;

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function textOf(fields: Fields | undefined, name: string): string | undefined {
  const value = fields?.[name];
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** `Limits.Memory` of a container or of the task, which is in MiB. */
function memoryLimitOf(fields: Fields | undefined): number | undefined {
  const mebibytes = isFields(fields?.Limits) ? fields.Limits.Memory : undefined;
  return typeof mebibytes === 'number' && mebibytes > 0 ? mebibytes * BYTES_PER_MIB : undefined;
}

/**
 * Our own container among those of the task: the one whose id ends the metadata URI (as on Fargate),
 * else the first that the task definition lists. Containers that ECS adds (a pause container) have another type.
 */
function ownContainer(containers: readonly Fields[], metadataUri: string): Fields | undefined {
  const ownId = metadataUri.slice(metadataUri.lastIndexOf('/') + 1);
  return (
    containers.find((container) => textOf(container, 'DockerId') === ownId) ??
    containers.find((container) => (textOf(container, 'Type') ?? 'NORMAL') === 'NORMAL')
  );
}

/**
 * Picks the identity out of the answer of `$ECS_CONTAINER_METADATA_URI_V4/task`; unknown or odd parts stay undefined.
 * A digest in the image reference is what was asked for by digest, so it goes before `ImageID`.
 */
export function parseTaskMetadata(document: unknown, metadataUri: string): TaskIdentity {
  if (!isFields(document)) return UNKNOWN_IDENTITY;
  const taskArn = textOf(document, 'TaskARN');
  const containers = Array.isArray(document.Containers) ? document.Containers.filter(isFields) : [];
  const container = ownContainer(containers, metadataUri);
  const digest =
    DIGEST.exec(textOf(container, 'Image') ?? '') ?? DIGEST.exec(textOf(container, 'ImageID') ?? '');
  return {
    taskArn,
    taskId: taskArn?.slice(taskArn.lastIndexOf('/') + 1),
    zone: textOf(document, 'AvailabilityZone'),
    imageDigest: digest?.[0],
    memoryLimitBytes: memoryLimitOf(container) ?? memoryLimitOf(document),
  };
}

/** The first twelve digits of a digest, as people compare them. */
export function shortDigest(digest: string | undefined): string | undefined {
  return digest?.slice('sha256:'.length, 'sha256:'.length + SHORT_DIGEST_CHARS);
}

/**
 * Asks the metadata endpoint once. Never rejects: what went wrong is in `problem`.
 * @param metadataUri value of `ECS_CONTAINER_METADATA_URI_V4`, undefined outside ECS
 */
export async function loadTaskIdentity(
  metadataUri: string | undefined,
  fetchUrl: typeof fetch = fetch,
  timeoutMs: number = METADATA_TIMEOUT_MS,
): Promise<LoadedIdentity> {
  if (metadataUri === undefined) return { identity: UNKNOWN_IDENTITY, problem: undefined };
  const url = `${metadataUri}/task`;
  try {
    const response = await fetchUrl(url, { signal: AbortSignal.timeout(timeoutMs), redirect: 'error' });
    if (!response.ok) {
      await response.body?.cancel();
      return { identity: UNKNOWN_IDENTITY, problem: `${url} answered ${response.status}` };
    }
    return { identity: parseTaskMetadata(await response.json(), metadataUri), problem: undefined };
  } catch (error) {
    const reason = error instanceof Error ? describe(error, timeoutMs) : String(error);
    return { identity: UNKNOWN_IDENTITY, problem: `${url}: ${reason}` };
  }
}

function describe(error: Error, timeoutMs: number): string {
  if (error.name === 'TimeoutError') return `no answer within ${timeoutMs} ms`;
  // fetch hides the reason, for example ECONNREFUSED, one level down.
  return error.cause instanceof Error ? error.cause.message : error.message;
}
