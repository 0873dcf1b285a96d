/** Unpacked images on disk, each unpacked once; the folder of an image appears complete or not at all. */
import { randomUUID } from 'node:crypto';
import { access, mkdir, readdir, readFile, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { type ImageStore, type OciManifest, TaskStartError } from '../contract.ts';
import { type ImageConfig, parseImageConfig, SUPPORTED_PLATFORMS } from './image-config.ts';
import { parseImageReference } from './image-reference.ts';
import { MAX_LAYER_ENTRIES, MAX_UNPACKED_BYTES, unpackLayer } from './layer-unpack.ts';

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
    const parsed = parseImageReference(image);
    if (parsed === undefined) throw cannotPull(`invalid reference format: ${image}`);
    const found = await this.#images.resolve(parsed.repository, parsed.reference).catch((error) => {
      throw cannotPull(`failed to resolve ref ${image}: ${messageOf(error)}`);
    });
    if (found === undefined) {
      throw cannotPull(
        `pull image manifest has been retried 1 time(s): failed to resolve ref ${image}: ${image}: not found`,
      );
    }
    const config = await this.#readConfig(image, found.manifest);
    const fits =
      platform === undefined ? SUPPORTED_PLATFORMS.includes(config.platform) : config.platform === platform;
    if (!fits) {
      throw cannotPull(
        `pull image manifest has been retried 1 time(s): image Manifest does not contain descriptor matching ` +
          `platform '${platform ?? 'linux/amd64'}' (image ${image} is for ${config.platform})`,
      );
    }
    // Tasks of one deployment start side by side: the first unpacks, the others wait for it.
    let unpacking = this.#underway.get(found.digest);
    if (unpacking === undefined) {
      unpacking = this.#unpack(found.digest, found.manifest).finally(() =>
        this.#underway.delete(found.digest),
      );
      this.#underway.set(found.digest, unpacking);
    }
    try {
      return { digest: found.digest, rootfs: await unpacking, config };
    } catch (error) {
      throw cannotPull(`failed to extract layers of ${image}: ${messageOf(error)}`);
    }
  }

  async #readConfig(image: string, manifest: OciManifest): Promise<ImageConfig> {
    try {
      return parseImageConfig(await readFile(this.#images.blobPath(manifest.config.digest), 'utf8'));
    } catch (error) {
      throw cannotPull(`failed to read the configuration of ${image}: ${messageOf(error)}`);
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

function cannotPull(message: string): TaskStartError {
  return new TaskStartError('CannotPullContainerError', message);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

async function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}
