/**
 * Production files as one tar: sorted, without times, owners or the modes of this computer,
 * so that the same files are the same bytes wherever and whenever they are packed.
 */
import { lstat, readdir, readFile, readlink } from 'node:fs/promises';
import { join, posix, relative, resolve, sep } from 'node:path';
import { pack as createPack, type Pack } from 'tar-stream';

/** Entries and bytes of one layer; a service that needs more is better built with a container engine. */
const MAX_ENTRIES = 50_000;
const MAX_LAYER_BYTES = 512 * 1024 * 1024;
const MAX_DEPTH = 64;

/** What Python leaves beside its source whenever that is run, with the time in it: never a part of it. */
const LEFT_BY_INTERPRETERS: ReadonlySet<string> = new Set(['__pycache__']);

const EXECUTABLE = 0o755;
const PLAIN = 0o644;

interface Entry {
  /** With slashes, relative to the folder of the source. */
  readonly name: string;
  readonly file: string;
  readonly kind: 'file' | 'folder' | 'link';
  readonly mode: number;
  readonly size: number;
}

/** Something about the files that a user must mend; the message names the file. */
export class BundleError extends Error {}

/**
 * @param source folder the names in `files` are relative to
 * @param files files or folders, each taken whole
 * @param workingDirectory where they lie in the image, e.g. `/app`
 * @throws {BundleError} for a file that is missing, outside of `source`, or too large
 */
export async function packLayer(
  source: string,
  files: readonly string[],
  workingDirectory: string,
): Promise<Buffer> {
  const entries = new Map<string, Entry>();
  for (const name of files) await collect(source, name, entries, 0);
  const bytes = [...entries.values()].reduce((sum, { size }) => sum + size, 0);
  if (bytes > MAX_LAYER_BYTES) {
    throw new BundleError(`the bundle has ${bytes} bytes; at most ${MAX_LAYER_BYTES} are packed`);
  }
  const sorted = [...entries.values()].sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  const pack = createPack();
  const chunks: Buffer[] = [];
  const collected = (async () => {
    for await (const chunk of pack) chunks.push(chunk as Buffer);
  })();
  const written = writeEntries(pack, source, sorted, workingDirectory);
  await Promise.all([collected, written]);
  return Buffer.concat(chunks);
}

async function collect(
  source: string,
  name: string,
  entries: Map<string, Entry>,
  depth: number,
): Promise<void> {
  if (depth > MAX_DEPTH) throw new BundleError(`${name} lies more than ${MAX_DEPTH} folders deep`);
  if (entries.size >= MAX_ENTRIES) throw new BundleError(`the bundle has more than ${MAX_ENTRIES} files`);
  const file = resolve(source, name);
  const inside = relative(source, file);
  if (inside.startsWith('..')) throw new BundleError(`${name} lies outside of ${source}`);
  const stats = await lstat(file).catch(() => undefined);
  if (stats === undefined) throw new BundleError(`${name} is not there after the build`);
  const key = inside.split(sep).join('/');
  if (stats.isDirectory()) {
    if (key !== '') entries.set(key, { name: key, file, kind: 'folder', mode: EXECUTABLE, size: 0 });
    for (const child of await readdir(file)) {
      if (LEFT_BY_INTERPRETERS.has(child)) continue;
      await collect(source, join(inside, child), entries, depth + 1);
    }
  } else if (stats.isSymbolicLink()) {
    entries.set(key, { name: key, file, kind: 'link', mode: EXECUTABLE, size: 0 });
  } else if (stats.isFile()) {
    // Only whether the owner may run it is kept: the rest depends on the umask of this computer.
    const mode = stats.mode & 0o100 ? EXECUTABLE : PLAIN;
    entries.set(key, { name: key, file, kind: 'file', mode, size: stats.size });
  } else {
    throw new BundleError(`${name} is neither a file nor a folder`);
  }
}

async function writeEntries(
  pack: Pack,
  source: string,
  entries: readonly Entry[],
  workingDirectory: string,
): Promise<void> {
  const root = posix.join('/', workingDirectory).slice(1).replace(/\/$/, '');
  try {
    for (const folder of parentsOf(root, entries)) await write(pack, folder, 'directory', EXECUTABLE);
    for (const entry of entries) {
      const name = root === '' ? entry.name : `${root}/${entry.name}`;
      if (entry.kind === 'folder') await write(pack, name, 'directory', entry.mode);
      else if (entry.kind === 'link')
        await write(pack, name, 'symlink', entry.mode, await targetOf(source, entry));
      else await write(pack, name, 'file', entry.mode, await readFile(entry.file));
    }
    pack.finalize();
  } catch (error) {
    pack.destroy(error instanceof Error ? error : new Error(String(error)));
    throw error;
  }
}

/** The working directory itself, and folders above files that were named one by one. */
function parentsOf(root: string, entries: readonly Entry[]): readonly string[] {
  const present = new Set(
    entries.filter(({ kind }) => kind === 'folder').map(({ name }) => posix.join(root, name)),
  );
  const parents = new Set<string>();
  for (const path of [`${root}/.`, ...entries.map(({ name }) => posix.join(root, name))]) {
    for (
      let parent = posix.dirname(path);
      parent !== '.' && parent !== '/' && parent !== '';
      parent = posix.dirname(parent)
    ) {
      if (!present.has(parent)) parents.add(parent);
    }
  }
  return [...parents].sort();
}

/** A link that leads out of the bundle would point at nothing, or at something else, in the container. */
async function targetOf(source: string, entry: Entry): Promise<string> {
  const target = await readlink(entry.file);
  const inside = relative(source, resolve(entry.file, '..', target));
  if (inside.startsWith('..') || target.startsWith('/')) {
    throw new BundleError(`${entry.name} is a link to ${target}, outside of the bundle`);
  }
  return target.split(sep).join('/');
}

function write(
  pack: Pack,
  name: string,
  type: 'file' | 'directory' | 'symlink',
  mode: number,
  content?: Buffer | string,
): Promise<void> {
  const header = { name, type, mode, mtime: new Date(0), uid: 0, gid: 0 };
  return new Promise((resolve, reject) => {
    const done = (error?: Error | null): void => (error ? reject(error) : resolve());
    if (typeof content === 'string') pack.entry({ ...header, linkname: content }, done);
    else if (content === undefined) pack.entry(header, done);
    else pack.entry({ ...header, size: content.length }, content, done);
  });
}
