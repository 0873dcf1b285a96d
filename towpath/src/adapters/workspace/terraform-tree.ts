/** The files that make up an environment's Terraform, as a release's hash covers them. */
import type { Dirent } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { isTracked } from './git.ts';

const MAX_DEPTH = 8;
const MAX_FILES = 2000;
/** `tests` never reach AWS, and `envs` are not the release's: they follow the configuration. */
const SKIPPED_FOLDERS: ReadonlySet<string> = new Set(['tests', 'envs', 'node_modules']);
/** A root of its own: the roles of CI in an account are no part of what an environment runs. */
const SKIPPED_ROOTS: ReadonlySet<string> = new Set(['infra/ci']);
const LOCK_FILE = '.terraform.lock.hcl';

export interface TreeFile {
  /** Relative to the project's root, with `/`. */
  readonly path: string;
  readonly content: string;
}

/** `*.tf`, `*.tf.json` and templates below `infra/`, and the provider lock file where git tracks it. By path. */
export async function readTerraformTree(root: string): Promise<readonly TreeFile[]> {
  const paths: string[] = [];
  await collect(root, 'infra', 0, paths);
  if (await isTracked(root, `infra/${LOCK_FILE}`)) paths.push(`infra/${LOCK_FILE}`);
  const files = await Promise.all(
    paths.sort().map(async (path) => {
      const content = await readIfThere(join(root, path));
      return content === undefined ? [] : [{ path, content }];
    }),
  );
  return files.flat();
}

async function collect(root: string, folder: string, depth: number, paths: string[]): Promise<void> {
  if (depth > MAX_DEPTH) {
    throw new Error(`${folder} lies more than ${MAX_DEPTH} folders below infra/: move it up`);
  }
  for (const entry of await listFolder(join(root, folder))) {
    const path = `${folder}/${entry.name}`;
    if (await isFolder(entry, join(root, path))) {
      if (!entry.name.startsWith('.') && !SKIPPED_FOLDERS.has(entry.name) && !SKIPPED_ROOTS.has(path)) {
        await collect(root, path, depth + 1, paths);
      }
    } else if (/\.(tf|tf\.json|tftpl)$/.test(entry.name)) {
      paths.push(path);
      if (paths.length > MAX_FILES) throw new Error(`infra/ holds more than ${MAX_FILES} Terraform files`);
    }
  }
}

/** Links are followed, as Terraform follows them; a circle of them ends at the greatest depth. */
async function isFolder(entry: Dirent, path: string): Promise<boolean> {
  if (!entry.isSymbolicLink()) return entry.isDirectory();
  const target = await stat(path).catch(absent);
  return target?.isDirectory() ?? false;
}

async function listFolder(path: string) {
  return readdir(path, { withFileTypes: true })
    .catch(absent)
    .then((entries) => entries ?? []);
}

export async function readIfThere(path: string): Promise<string | undefined> {
  return readFile(path, 'utf8').catch(absent);
}

/** An absent file or folder is an answer; any other failure is one. */
function absent(error: NodeJS.ErrnoException): undefined {
  if (error.code === 'ENOENT') return undefined;
  throw error;
}
