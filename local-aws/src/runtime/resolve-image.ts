/** From an image reference to what the registry has of it, with the failures of a pull. */
import { readFile } from 'node:fs/promises';
import { type ImageStore, type OciManifest, TaskStartError } from '../contract.ts';
import { type ImageConfig, parseImageConfig, SUPPORTED_PLATFORMS } from './image-config.ts';
import { parseImageReference } from './image-reference.ts';

export interface ResolvedImage {
  readonly repository: string;
  readonly digest: string;
  readonly manifest: OciManifest;
  readonly config: ImageConfig;
}

/** @throws TaskStartError `CannotPullContainerError`, worded as by AWS and without the code in front */
export async function resolveImage(
  images: ImageStore,
  image: string,
  platform: string | undefined,
): Promise<ResolvedImage> {
  const parsed = parseImageReference(image);
  if (parsed === undefined) throw cannotPull(`invalid reference format: ${image}`);
  const found = await images.resolve(parsed.repository, parsed.reference).catch((error) => {
    throw cannotPull(`failed to resolve ref ${image}: ${messageOf(error)}`);
  });
  if (found === undefined) {
    throw cannotPull(
      `pull image manifest has been retried 1 time(s): failed to resolve ref ${image}: ${image}: not found`,
    );
  }
  const config = await readConfig(images, image, found.manifest);
  const fits =
    platform === undefined ? SUPPORTED_PLATFORMS.includes(config.platform) : config.platform === platform;
  if (!fits) {
    throw cannotPull(
      `pull image manifest has been retried 1 time(s): image Manifest does not contain descriptor matching ` +
        `platform '${platform ?? 'linux/amd64'}' (image ${image} is for ${config.platform})`,
    );
  }
  return { repository: parsed.repository, digest: found.digest, manifest: found.manifest, config };
}

async function readConfig(images: ImageStore, image: string, manifest: OciManifest): Promise<ImageConfig> {
  try {
    return parseImageConfig(await readFile(images.blobPath(manifest.config.digest), 'utf8'));
  } catch (error) {
    throw cannotPull(`failed to read the configuration of ${image}: ${messageOf(error)}`);
  }
}

export function cannotPull(message: string): TaskStartError {
  return new TaskStartError('CannotPullContainerError', message);
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
