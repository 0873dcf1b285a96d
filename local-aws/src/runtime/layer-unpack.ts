/**
 * Unpacks one image layer over the layers below it, and never writes outside of the given folder.
 * Ownership, device files and setuid bits are left out: tasks run as the user who runs the embedded AWS.
 */
import { createReadStream, createWriteStream } from 'node:fs';
import { chmod, link, lstat, mkdir, readdir, readlink, realpath, rm, symlink } from 'node:fs/promises';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import tar from 'tar-stream';

/** Fargate's own ephemeral storage is 20 GiB; what the process driver runs is a program bundle. */
export const MAX_UNPACKED_BYTES = 4 * 1024 ** 3;
export const MAX_LAYER_ENTRIES = 200_000;
const MAX_PATH_BYTES = 4096;

const GZIP_TYPES: ReadonlySet<string> = new Set([
  'application/vnd.oci.image.layer.v1.tar+gzip',
  'application/vnd.docker.image.rootfs.diff.tar.gzip',
]);
const PLAIN_TYPES: ReadonlySet<string> = new Set([
  'application/vnd.oci.image.layer.v1.tar',
  'application/vnd.docker.image.rootfs.diff.tar',
]);

/** An entry's bytes; they must be read, or resumed away, before the next entry comes. */
type Content = AsyncIterable<Uint8Array> & { resume(): unknown };

/** What is left of the limits; shared by the layers of one image. */
export interface UnpackBudget {
  bytes: number;
  entries: number;
}

interface LayerState {
  readonly root: string;
  readonly budget: UnpackBudget;
  /** Absolute paths that this layer has written; an opaque whiteout spares them. */
  readonly written: Set<string>;
  readonly symlinks: string[];
}

/** @throws Error naming the entry that is refused */
export async function unpackLayer(
  layer: { readonly path: string; readonly mediaType: string },
  root: string,
  budget: UnpackBudget,
): Promise<void> {
  const state: LayerState = {
    root: await realpath(root),
    budget,
    written: new Set(),
    symlinks: [],
  };
  const extract = tar.extract();
  const reading = GZIP_TYPES.has(layer.mediaType)
    ? pipeline(createReadStream(layer.path), createGunzip(), extract)
    : PLAIN_TYPES.has(layer.mediaType)
      ? pipeline(createReadStream(layer.path), extract)
      : Promise.reject(new Error(`layer media type ${layer.mediaType} is not supported`));
  const writing = (async () => {
    try {
      for await (const entry of extract) {
        // tar-stream's own types leave out that an entry is async iterable.
        await unpackEntry(entry.header, entry as unknown as Content, state);
      }
    } catch (error) {
      extract.destroy(error instanceof Error ? error : new Error(String(error)));
      throw error;
    }
  })();
  const [written, read] = await Promise.allSettled([
    writing,
    reading.catch((error) => {
      extract.destroy();
      throw error;
    }),
  ]);
  // The writer's error names the entry; the reader's is its echo unless the reader failed first.
  const echo = 'Stream was destroyed';
  const failures = [written, read].flatMap((one) => (one.status === 'rejected' ? [one.reason as Error] : []));
  const failure = failures.find((one) => !one.message.includes(echo)) ?? failures[0];
  if (failure !== undefined) throw failure;
  for (const link of state.symlinks) await refuseEscapingLink(link, state.root);
}

async function unpackEntry(header: tar.Header, content: Content, state: LayerState): Promise<void> {
  state.budget.entries -= 1;
  if (state.budget.entries < 0) throw new Error(`the image has more than ${MAX_LAYER_ENTRIES} entries`);
  const target = placeInside(state.root, header.name);
  if (target === state.root) {
    content.resume();
    return;
  }
  const parent = await makeParent(target, state.root);
  const at = path.join(parent, path.basename(target));
  const name = path.basename(target);

  if (name === '.wh..wh..opq') {
    await emptyLowerLayers(parent, state.written);
  } else if (name.startsWith('.wh.')) {
    await rm(placeInside(parent, name.slice('.wh.'.length)), { recursive: true, force: true });
  } else {
    await writeEntry(at, header, content, state);
    state.written.add(at);
  }
  content.resume();
}

async function writeEntry(
  at: string,
  header: tar.Header,
  content: Content,
  state: LayerState,
): Promise<void> {
  const mode = (header.mode ?? 0o644) & 0o777;
  switch (header.type) {
    case 'directory': {
      const existing = await lstat(at).catch(() => undefined);
      if (existing !== undefined && !existing.isDirectory()) await rm(at, { force: true });
      await mkdir(at, { recursive: true });
      await chmod(at, mode | 0o700);
      return;
    }
    case 'symlink': {
      const to = header.linkname ?? '';
      if (path.isAbsolute(to)) throw new Error(`${header.name} is an absolute symlink to ${to}`);
      placeInside(state.root, path.relative(state.root, path.resolve(path.dirname(at), to)), header.name);
      await rm(at, { recursive: true, force: true });
      await symlink(to, at);
      state.symlinks.push(at);
      return;
    }
    case 'link': {
      const from = placeInside(state.root, header.linkname ?? '', header.name);
      const real = await realpath(from);
      placeInside(state.root, path.relative(state.root, real), header.name);
      await rm(at, { recursive: true, force: true });
      await link(real, at);
      return;
    }
    case 'file':
    case 'contiguous-file':
      await rm(at, { recursive: true, force: true });
      state.budget.bytes -= header.size ?? 0;
      if (state.budget.bytes < 0) {
        throw new Error(`the image unpacks to more than ${MAX_UNPACKED_BYTES} bytes`);
      }
      await pipeline(content, createWriteStream(at, { flags: 'wx', mode: mode | 0o600 }));
      return;
    default:
      // Device files and fifos: a process on the host has those of the host.
      return;
  }
}

/** @throws Error when the path leads out of the root */
function placeInside(root: string, name: string, shown = name): string {
  if (Buffer.byteLength(name) > MAX_PATH_BYTES)
    throw new Error(`a path is longer than ${MAX_PATH_BYTES} bytes`);
  if (name.split('/').includes('..') && shown === name) throw new Error(`${shown} leads out of the image`);
  const target = path.resolve(root, `./${name}`);
  if (target !== root && !target.startsWith(root + path.sep))
    throw new Error(`${shown} leads out of the image`);
  return target;
}

/** Makes the parent folder and returns its real path, which may lie behind a link of a lower layer. */
async function makeParent(target: string, root: string): Promise<string> {
  const parent = path.dirname(target);
  const segments = path
    .relative(root, parent)
    .split(path.sep)
    .filter((segment) => segment !== '');
  let at = root;
  for (const segment of segments) {
    const next = path.join(at, segment);
    const made = await mkdir(next).then(
      () => true,
      (error: NodeJS.ErrnoException) => {
        if (error.code === 'EEXIST') return false;
        throw error;
      },
    );
    at = made ? next : await realpath(next);
    if (at !== root && !at.startsWith(root + path.sep)) throw new Error(`${next} leads out of the image`);
    if (!made && !(await lstat(at)).isDirectory()) {
      await rm(at, { force: true });
      await mkdir(at);
    }
  }
  return at;
}

async function emptyLowerLayers(directory: string, written: ReadonlySet<string>): Promise<void> {
  for (const name of await readdir(directory)) {
    const at = path.join(directory, name);
    if (!written.has(at)) await rm(at, { recursive: true, force: true });
  }
}

/** A chain of links can leave the image although each one alone does not: it is followed step by step. */
async function refuseEscapingLink(link: string, root: string): Promise<void> {
  // A later entry may have taken its place.
  const to = await readlink(link).catch(() => '');
  let at = path.dirname(link);
  for (const step of to.split('/')) {
    // What does not exist can't be a link: its name is taken as it stands.
    at = await realpath(`${at}/${step}`).catch(() => path.resolve(at, step));
    if (at === root || at.startsWith(root + path.sep)) continue;
    throw new Error(`the symlink ${path.relative(root, link)} leads out of the image`);
  }
}
