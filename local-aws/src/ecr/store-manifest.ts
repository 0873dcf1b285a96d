/** Adds a manifest to a repository after checking that all it refers to is there. Shared by registry and API. */
import type { BlobStore } from './blob-store.ts';
import { digestOf, type ImageIndex, type PutOutcome } from './image-index.ts';
import { type ReadManifest, readManifest } from './read-manifest.ts';
import type { RepositoryFacts } from './repository-lookup.ts';

export class ManifestError extends Error {
  readonly code: 'MANIFEST_INVALID' | 'MANIFEST_BLOB_UNKNOWN' | 'DIGEST_INVALID';
  constructor(code: ManifestError['code'], message: string) {
    super(message);
    this.name = 'ManifestError';
    this.code = code;
  }
}

export interface PushedManifest {
  readonly content: Buffer;
  readonly mediaType: string | undefined;
  readonly tag: string | undefined;
  /** The digest that the client says it has. */
  readonly expectedDigest: string | undefined;
}

/** @throws ManifestError */
export async function storeManifest(
  index: ImageIndex,
  blobs: BlobStore,
  repository: RepositoryFacts,
  pushed: PushedManifest,
  nowMs: number,
): Promise<{ readonly digest: string; readonly mediaType: string; readonly outcome: PutOutcome }> {
  const digest = digestOf(pushed.content);
  if (pushed.expectedDigest !== undefined && pushed.expectedDigest !== digest) {
    throw new ManifestError(
      'DIGEST_INVALID',
      `The manifest has digest ${digest}, not ${pushed.expectedDigest}`,
    );
  }
  const read = tryRead(pushed);
  await checkParts(index, blobs, repository.repositoryName, read);
  const sizeBytes =
    read.kind === 'image'
      ? [read.manifest.config, ...read.manifest.layers].reduce((sum, { size }) => sum + size, 0)
      : 0;
  const image = { digest, manifest: pushed.content, mediaType: read.mediaType, pushedAt: nowMs, sizeBytes };
  const outcome = index.put(repository.repositoryName, image, pushed.tag, repository.tagsImmutable);
  return { digest, mediaType: read.mediaType, outcome };
}

function tryRead(pushed: PushedManifest): ReadManifest {
  try {
    return readManifest(pushed.content, pushed.mediaType);
  } catch (error) {
    throw new ManifestError(
      'MANIFEST_INVALID',
      `The manifest is invalid: ${error instanceof Error ? error.message : error}`,
    );
  }
}

async function checkParts(
  index: ImageIndex,
  blobs: BlobStore,
  repository: string,
  read: ReadManifest,
): Promise<void> {
  if (read.kind === 'index') {
    // Entries such as attestations may be left out on purpose; what is run is checked when it is resolved.
    const known = read.entries.some(({ digest }) => index.find(repository, digest) !== undefined);
    if (!known)
      throw new ManifestError(
        'MANIFEST_BLOB_UNKNOWN',
        'None of the images of the index is in the repository',
      );
    return;
  }
  for (const part of [read.manifest.config, ...read.manifest.layers]) {
    const size = await blobs.size(part.digest);
    if (size === undefined)
      throw new ManifestError('MANIFEST_BLOB_UNKNOWN', `Blob ${part.digest} was not pushed`);
    if (size !== part.size) {
      throw new ManifestError(
        'MANIFEST_INVALID',
        `Blob ${part.digest} has ${size} bytes, the manifest says ${part.size}`,
      );
    }
  }
}
