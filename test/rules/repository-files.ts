/** The files of the repository as git sees them, ignored ones left out; what all rules look at. */
import { execFileSync } from 'node:child_process';
import { lstatSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

export interface RepositoryFile {
  /** Relative to the root, with `/`. */
  readonly path: string;
  readonly text: string;
}

const BINARY = /\.(?:png|jpe?g|gif|ico|woff2?|pdf|zip|gz|wasm)$/;
const GIT_LIMIT_MS = 20_000;

let cache: readonly RepositoryFile[] | undefined;

/** Text files that are tracked, or new and not ignored: a rule speaks before the commit, not after. */
export function repositoryFiles(): readonly RepositoryFile[] {
  cache ??= execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: ROOT,
    encoding: 'utf8',
    timeout: GIT_LIMIT_MS,
  })
    .split('\0')
    .filter((path) => path !== '' && !BINARY.test(path) && isFile(join(ROOT, path)))
    .sort()
    .map((path) => ({ path, text: readFileSync(join(ROOT, path), 'utf8') }));
  return cache;
}

/** A link has no text of its own, and what it leads to is looked at where it lies. */
function isFile(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
}
