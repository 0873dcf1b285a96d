/** Puts the registry together: one image index and one blob store behind the ECR API, the OCI API and the task drivers. */
import { arch } from 'node:os';
import { join } from 'node:path';
import type { ControlPlane, ImageStore, OciManifest, Overlay } from '../contract.ts';
import type { LocalRoute } from '../gateway/gateway-server.ts';
import { openBlobStore } from './blob-store.ts';
import { createEcrOverlay } from './ecr-overlay.ts';
import { ImageIndex, type ImageIndexSnapshot, type StoredImage } from './image-index.ts';
import { chooseByPlatform, readManifest } from './read-manifest.ts';
import { createRegistryRoute } from './registry-route.ts';

export interface ImageRegistryOptions {
  readonly stateDir: string;
  readonly control: ControlPlane;
  readonly endpoint: () => string;
  readonly now: () => number;
  /** Called after each change by way of the OCI API, before its answer. */
  readonly onPush?: () => void;
}

export interface ImageRegistry {
  /** The index, for the next start; blobs are files already. */
  snapshot(): ImageIndexSnapshot;
  restore(saved: ImageIndexSnapshot): void;
  /** Removes what no image refers to. Only before the first request. */
  removeUnusedBlobs(): Promise<void>;
  readonly images: ImageStore;
  readonly overlay: Overlay;
  readonly route: LocalRoute;
}

export async function openImageRegistry(options: ImageRegistryOptions): Promise<ImageRegistry> {
  const index = new ImageIndex();
  const blobs = await openBlobStore(join(options.stateDir, 'registry'));
  const parts = { ...options, index, blobs };
  return {
    snapshot: () => index.snapshot(),
    restore: (saved) => index.restore(saved),
    removeUnusedBlobs: () => blobs.keepOnly(new Set(index.all().flatMap(partsOf))),
    overlay: createEcrOverlay(parts),
    route: createRegistryRoute(parts),
    images: {
      blobPath: (digest) => blobs.path(digest),
      resolve: async (repository, reference) => {
        const image = index.find(repository, reference);
        const manifest = image === undefined ? undefined : runnableManifest(index, repository, image.digest);
        return image === undefined || manifest === undefined ? undefined : { digest: image.digest, manifest };
      },
    },
  };
}

function partsOf(image: StoredImage): readonly string[] {
  const read = readManifest(image.manifest, image.mediaType);
  return read.kind === 'image'
    ? [read.manifest.config, ...read.manifest.layers].map(({ digest }) => digest)
    : [];
}

/** The manifest itself, or for an index the one of this computer's architecture; undefined when there is none. */
function runnableManifest(index: ImageIndex, repository: string, digest: string): OciManifest | undefined {
  const image = index.find(repository, digest);
  if (image === undefined) return undefined;
  const read = readManifest(image.manifest, image.mediaType);
  if (read.kind === 'image') return read.manifest;
  const entry = chooseByPlatform(read.entries, 'linux', arch() === 'x64' ? 'amd64' : arch());
  const chosen = entry === undefined ? undefined : index.find(repository, entry.digest);
  if (chosen === undefined) return undefined;
  const inner = readManifest(chosen.manifest, chosen.mediaType);
  return inner.kind === 'image' ? inner.manifest : undefined;
}
