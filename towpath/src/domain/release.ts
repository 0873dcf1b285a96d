/** A release: an immutable bundle named by the hash of its contents. */
import { createHash } from 'node:crypto';

export interface ReleaseContents {
  /** `sha256:<64 hex>` of the image manifest. */
  readonly imageDigest: string;
  /** SHA-256 (hex) over the Terraform tree: `*.tf` and a tracked provider lock file. */
  readonly terraformHash: string;
  /** Full commit id, with `-dirty` appended when the source had uncommitted changes; `none` outside git. */
  readonly sourceCommit: string;
}

export interface Release extends ReleaseContents {
  /** `r-` and the first 12 hex digits of the hash of the contents. */
  readonly id: string;
}

export function makeRelease(contents: ReleaseContents): Release {
  const canonical = [contents.imageDigest, contents.terraformHash, contents.sourceCommit].join('\n');
  const id = `r-${createHash('sha256').update(canonical).digest('hex').slice(0, 12)}`;
  return { id, ...contents };
}

/** Hash of a file tree: order-independent of how the files were found, sensitive to path and content. */
export function hashTree(files: readonly { readonly path: string; readonly content: string }[]): string {
  const hash = createHash('sha256');
  const sorted = [...files].sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
  for (const file of sorted) {
    hash.update(`${file.path}\0${createHash('sha256').update(file.content).digest('hex')}\n`);
  }
  return hash.digest('hex');
}

/** `repository@sha256:...`: how a release's image is named in a task definition. */
export function imageReference(repositoryUri: string, digest: string): string {
  return `${repositoryUri}@${digest}`;
}

/** The digest in an image reference, if it is pinned by one. */
export function digestOf(image: string): string | undefined {
  const at = image.lastIndexOf('@');
  return at < 0 ? undefined : image.slice(at + 1);
}

/** A digest short enough for people: the first 12 hex digits. */
export function shortDigest(digest: string): string {
  return digest.replace(/^sha256:/, '').slice(0, 12);
}
