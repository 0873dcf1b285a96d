/** What git knows of the project's files. Outside a repository, or without git, it knows nothing. */
import { execFile } from 'node:child_process';

const GIT_TIMEOUT_MS = 20_000;
const GIT_MAX_OUTPUT_BYTES = 16 * 1024 * 1024;
/** Exit code of git for everything that it can't do here: no repository, no commit yet, not trusted. */
const GIT_CANNOT = 128;

/** @returns standard output; undefined when git is absent or this is no (readable) repository */
function git(cwd: string, args: readonly string[]): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    const options = {
      cwd,
      timeout: GIT_TIMEOUT_MS,
      maxBuffer: GIT_MAX_OUTPUT_BYTES,
      // Looking must not take the index lock from a git command that runs beside us.
      env: { ...process.env, GIT_OPTIONAL_LOCKS: '0', LC_ALL: 'C' },
    };
    execFile('git', args, options, (error, stdout, stderr) => {
      if (!error) resolve(stdout);
      else if (error.code === 'ENOENT' || error.code === GIT_CANNOT) resolve(undefined);
      else reject(new Error(`git ${args.join(' ')} failed in ${cwd}: ${stderr.trim() || error.message}`));
    });
  });
}

/** Full id of the commit, `-dirty` appended when files below `root` differ from it; `none` when there is none. */
export async function readSourceCommit(root: string): Promise<string> {
  const [commit, changes] = await Promise.all([
    git(root, ['rev-parse', '--verify', 'HEAD^{commit}']),
    git(root, ['status', '--porcelain', '--untracked-files=normal', '--', '.']),
  ]);
  if (commit === undefined || changes === undefined) return 'none';
  return changes === '' ? commit.trim() : `${commit.trim()}-dirty`;
}

export async function isTracked(root: string, path: string): Promise<boolean> {
  const listed = await git(root, ['ls-files', '--', path]);
  return listed !== undefined && listed.trim() !== '';
}
