/**
 * A copy of the repository's files in a temporary folder, with packages and built output linked, so that a journey
 * can change the app or the configuration without touching the tree.
 */
import { execFileSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { ROOT } from './run-cli.ts';

export interface TempProject {
  /** Root of the copy. */
  readonly path: string;
  remove(): void;
}

const GIT_LIMIT_MS = 30_000;
/** Left out: nothing of a journey needs them, and they are most of the files. */
const LEFT_OUT = /^(?:docs|test)\//;
/** Not in git; each package is linked, so that what is written beside them stays in the copy. */
const PACKAGES = [
  'node_modules',
  'app/node_modules',
  'towpath/node_modules',
  'local-aws/node_modules',
  'local-stack/node_modules',
];
/** Copied: a build in the copy must not replace what others run. The app's is left to the build under test. */
const BUILT = ['towpath/dist', 'local-aws/dist', 'local-stack/dist'];
/** Vite's, and of no use to a project. */
const SCRATCH = /^\.vite/;

/** Files that git tracks, or would (new and not ignored), as they are now. */
export function tempProject(): TempProject {
  const path = realpathSync(mkdtempSync(join(tmpdir(), 'towpath-project-')));
  const remove = () => rmSync(path, { recursive: true, force: true });
  try {
    for (const file of repositoryPaths()) {
      mkdirSync(dirname(join(path, file)), { recursive: true });
      cpSync(join(ROOT, file), join(path, file), { verbatimSymlinks: true });
    }
    for (const name of PACKAGES) linkPackages(join(ROOT, name), join(path, name));
    for (const name of BUILT) {
      if (existsSync(join(ROOT, name))) cpSync(join(ROOT, name), join(path, name), { recursive: true });
    }
    git(path, ['init', '--quiet', '--initial-branch=main']);
    git(path, ['add', '--all']);
    git(path, [...AUTHOR, 'commit', '--quiet', '--message', 'A copy for a test']);
    return { path, remove };
  } catch (error) {
    remove();
    throw error;
  }
}

const AUTHOR = ['-c', 'user.name=Test', '-c', 'user.email=test@example.com', '-c', 'commit.gpgsign=false'];

/** Folders are linked; links (to the workspaces, which are copied) and files (what set-up notes there) are copied. */
function linkPackages(source: string, target: string): void {
  if (!existsSync(source)) return;
  mkdirSync(target);
  for (const entry of readdirSync(source, { withFileTypes: true })) {
    const [from, to] = [join(source, entry.name), join(target, entry.name)];
    if (SCRATCH.test(entry.name)) continue;
    if (entry.isDirectory()) symlinkSync(from, to, 'dir');
    else cpSync(from, to, { verbatimSymlinks: true });
  }
}

function repositoryPaths(): readonly string[] {
  return git(ROOT, ['ls-files', '-z', '--cached', '--others', '--exclude-standard'])
    .split('\0')
    .filter((file) => file !== '' && !LEFT_OUT.test(file))
    .filter((file) => lstatSync(join(ROOT, file), { throwIfNoEntry: false }) !== undefined);
}

function git(cwd: string, args: readonly string[]): string {
  return execFileSync('git', args, { cwd, encoding: 'utf8', timeout: GIT_LIMIT_MS });
}
