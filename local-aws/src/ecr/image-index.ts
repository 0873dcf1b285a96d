/**
 * Which images a repository holds, under which digests and tags. In memory, with snapshots for the next start.
 * No I/O here.
 */
import { createHash } from 'node:crypto';

export interface StoredImage {
  readonly digest: string;
  /** The manifest's bytes exactly as pushed; the digest is over them. */
  readonly manifest: Buffer;
  readonly mediaType: string;
  readonly tags: Set<string>;
  /** Milliseconds since the epoch. */
  readonly pushedAt: number;
  /** Config and layers as stored, that is compressed; 0 for an index. */
  readonly sizeBytes: number;
}

/** Repositories with their images, the newest last; manifests in base64. */
export interface ImageIndexSnapshot {
  readonly repositories: Readonly<Record<string, readonly SavedImage[]>>;
}

type SavedImage = Omit<StoredImage, 'manifest' | 'tags'> & {
  readonly manifest: string;
  readonly tags: readonly string[];
};

export type PutOutcome = 'created' | 'same' | 'tag-immutable';

export function digestOf(content: Buffer): string {
  return `sha256:${createHash('sha256').update(content).digest('hex')}`;
}

/** AWS allows 100 000 images in a repository; this many manifests (≤ 4 MB each) still fit into memory. */
const maxImagesPerRepository = 10_000;

export class ImageIndex {
  readonly #repositories = new Map<string, Map<string, StoredImage>>();

  /** @param reference digest or tag */
  find(repository: string, reference: string): StoredImage | undefined {
    const images = this.#repositories.get(repository);
    const byDigest = images?.get(reference);
    if (byDigest !== undefined || images === undefined) return byDigest;
    for (const image of images.values()) if (image.tags.has(reference)) return image;
    return undefined;
  }

  /** Newest last. */
  list(repository: string): readonly StoredImage[] {
    return [...(this.#repositories.get(repository)?.values() ?? [])];
  }

  /**
   * @param immutable tags can't be moved to another image
   * @returns `same` when nothing changed: this very image had this tag already
   * @throws Error when the repository is full
   */
  put(
    repository: string,
    image: Omit<StoredImage, 'tags'>,
    tag: string | undefined,
    immutable: boolean,
  ): PutOutcome {
    const holder = tag === undefined ? undefined : this.find(repository, tag);
    if (holder !== undefined && holder.digest !== image.digest && immutable) return 'tag-immutable';
    const images = this.#repositories.get(repository) ?? new Map<string, StoredImage>();
    this.#repositories.set(repository, images);
    const known = images.get(image.digest);
    if (known !== undefined && (tag === undefined || known.tags.has(tag))) return 'same';
    if (known === undefined && images.size >= maxImagesPerRepository) {
      throw new Error(`repository ${repository} holds ${images.size} images, the most that are allowed`);
    }
    if (tag !== undefined) holder?.tags.delete(tag);
    const stored = known ?? { ...image, tags: new Set<string>() };
    if (tag !== undefined) stored.tags.add(tag);
    images.set(image.digest, stored);
    return 'created';
  }

  /** By digest the image goes with all its tags; by tag only the tag, and the image with its last tag. */
  remove(repository: string, reference: string): StoredImage | undefined {
    const images = this.#repositories.get(repository);
    const image = this.find(repository, reference);
    if (images === undefined || image === undefined) return undefined;
    if (reference === image.digest) images.delete(image.digest);
    else {
      image.tags.delete(reference);
      if (image.tags.size === 0) images.delete(image.digest);
    }
    return image;
  }

  forget(repository: string): void {
    this.#repositories.delete(repository);
  }

  /** Everything, for the blobs that are still needed. */
  all(): readonly StoredImage[] {
    return [...this.#repositories.values()].flatMap((images) => [...images.values()]);
  }

  snapshot(): ImageIndexSnapshot {
    const save = (image: StoredImage): SavedImage => ({
      ...image,
      manifest: image.manifest.toString('base64'),
      tags: [...image.tags],
    });
    const repositories = [...this.#repositories].map(([name, images]) => [
      name,
      [...images.values()].map(save),
    ]);
    return { repositories: Object.fromEntries(repositories) };
  }

  restore({ repositories }: ImageIndexSnapshot): void {
    for (const [name, images] of Object.entries(repositories)) {
      const restored = images.map((image): [string, StoredImage] => [
        image.digest,
        { ...image, manifest: Buffer.from(image.manifest, 'base64'), tags: new Set(image.tags) },
      ]);
      this.#repositories.set(name, new Map(restored));
    }
  }
}
