/** Brings an image from the registry's files into the engine, without the engine knowing of the registry. */
import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import tar from 'tar-stream';
import type { ImageStore, OciManifest } from '../contract.ts';
import { type DockerEngine, EngineError } from './docker-engine.ts';

const LOAD_TIMEOUT_MS = 300_000;
const TAG_HEX = 32;

export interface EngineImage {
  /** What a container is made from. */
  readonly reference: string;
  /** False when the engine had it, as it has what it built itself. */
  readonly loaded: boolean;
}

export async function loadImage(
  engine: DockerEngine,
  images: ImageStore,
  image: { readonly repository: string; readonly digest: string; readonly manifest: OciManifest },
): Promise<EngineImage> {
  const { manifest, digest } = image;
  const tag = `towpath-local/${image.repository}:${digest.slice('sha256:'.length).slice(0, TAG_HEX)}`;
  // An engine names an image by the digest of its configuration, unless it keeps images in containerd.
  for (const reference of [manifest.config.digest, tag]) {
    if (await hasImage(engine, reference)) return { reference, loaded: false };
  }
  const archive = tar.pack();
  const packing = packArchive(archive, images, manifest, tag);
  const loading = engine.call<unknown>({
    method: 'POST',
    path: '/images/load',
    query: { quiet: '1' },
    archive: archive as unknown as NodeJS.ReadableStream,
    timeoutMs: LOAD_TIMEOUT_MS,
  });
  packing.catch((error: Error) => archive.destroy(error));
  await Promise.all([packing, loading]);
  if (!(await hasImage(engine, tag)))
    throw new Error(`the engine took the image and does not have it: ${tag}`);
  return { reference: tag, loaded: true };
}

async function hasImage(engine: DockerEngine, reference: string): Promise<boolean> {
  try {
    await engine.call({ method: 'GET', path: `/images/${encodeURIComponent(reference)}/json` });
    return true;
  } catch (error) {
    if (error instanceof EngineError && error.status === 404) return false;
    throw error;
  }
}

/** As `docker save` writes it: configuration and layers as files, and a list of them. */
async function packArchive(
  pack: tar.Pack,
  images: ImageStore,
  manifest: OciManifest,
  tag: string,
): Promise<void> {
  const configName = `${hexOf(manifest.config.digest)}.json`;
  const layers = [...new Set(manifest.layers.map(({ digest }) => digest))];
  const list = [
    {
      Config: configName,
      RepoTags: [tag],
      Layers: manifest.layers.map(({ digest }) => `${hexOf(digest)}/layer.tar`),
    },
  ];
  pack.entry({ name: 'manifest.json' }, JSON.stringify(list));
  pack.entry({ name: configName }, await readFile(images.blobPath(manifest.config.digest)));
  for (const digest of layers) {
    const path = images.blobPath(digest);
    const { size } = await stat(path);
    await pipeline(createReadStream(path), pack.entry({ name: `${hexOf(digest)}/layer.tar`, size }));
  }
  pack.finalize();
}

function hexOf(digest: string): string {
  return digest.slice(digest.indexOf(':') + 1);
}
