/** Unpacked images on disk, each unpacked once; the folder of an image appears complete or not at all. */
import { randomUUID } from 'node:crypto';
import { access, mkdir, readdir, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import type { ImageStore, OciManifest } from '../contract.ts';
import type { ImageConfig } from './image-config.ts';
import { MAX_LAYER_ENTRIES, MAX_UNPACKED_BYTES, unpackLayer } from './layer-unpack.ts';
import { cannotPull, messageOf, resolveImage } from './resolve-image.ts';

const UNPACKING = '.unpacking-';

export interface UnpackedImage {
  readonly digest: string;
  readonly rootfs: string;
  readonly config: ImageConfig;
}

export class ImageCache {
  readonly #directory: string;
  readonly #images: ImageStore;
  readonly #underway = new Map<string, Promise<string>>();
  #leftoversRemoved: Promise<void> | undefined;

  constructor(stateDir: string, images: ImageStore) {
    this.#directory = path.join(stateDir, 'images');
    this.#images = images;
  }

  /** @throws TaskStartError `CannotPullContainerError`, worded as by AWS and without the code in front */
  async load(image: string, platform?: string): Promise<UnpackedImage> {
    const found = await resolveImage(this.#images, image, platform);
    // Tasks of one deployment start side by side: the first unpacks, the others wait for it.
    let unpacking = this.#underway.get(found.digest);
    if (unpacking === undefined) {
      unpacking = this.#unpack(found.digest, found.manifest).finally(() =>
        this.#underway.delete(found.digest),
      );
      this.#underway.set(found.digest, unpacking);
    }
    try {
      return { digest: found.digest, rootfs: await unpacking, config: found.config };
    } catch (error) {
      throw cannotPull(`failed to extract layers of ${image}: ${messageOf(error)}`);
    }
  }

  async #unpack(digest: string, manifest: OciManifest): Promise<string> {
    this.#leftoversRemoved ??= this.#removeLeftovers();
    await this.#leftoversRemoved;
    const home = path.join(this.#directory, digest.replace(':', '-'));
    const rootfs = path.join(home, 'rootfs');
    if (await exists(rootfs)) return rootfs;

    const scratch = path.join(this.#directory, `${UNPACKING}${randomUUID()}`);
    try {
      await mkdir(path.join(scratch, 'rootfs'), { recursive: true });
      const budget = { bytes: MAX_UNPACKED_BYTES, entries: MAX_LAYER_ENTRIES };
      for (const layer of manifest.layers) {
        const blob = { path: this.#images.blobPath(layer.digest), mediaType: layer.mediaType };
        await unpackLayer(blob, path.join(scratch, 'rootfs'), budget);
      }
      await rename(scratch, home);
    } finally {
      await rm(scratch, { recursive: true, force: true });
    }
    return rootfs;
  }

  /** What a killed process left half unpacked. */
  async #removeLeftovers(): Promise<void> {
    await mkdir(this.#directory, { recursive: true });
    for (const name of await readdir(this.#directory)) {
      if (name.startsWith(UNPACKING))
        await rm(path.join(this.#directory, name), { recursive: true, force: true });
    }
  }
}

async function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}
