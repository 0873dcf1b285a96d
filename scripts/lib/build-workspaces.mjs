/** Builds the workspaces whose sources changed since their last build, side by side. */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runChild } from './run-child.mjs';
import { exitCodeOf, SetupError } from './setup-error.mjs';
import { stage } from './stage.mjs';

const BUILD_LIMIT_MS = 120_000;
const NOT_SOURCES = new Set(['node_modules', 'dist', '.towpath', 'coverage']);

/** Folders whose sources a build reads besides its own. */
const READS_ALSO = {
  towpath: ['local-aws', 'session-protocol'],
  'local-aws': ['session-protocol'],
  'local-stack': ['local-aws'],
};

/** @param root the repository's root */
export async function buildWorkspaces(root) {
  const { workspaces } = readJson(join(root, 'package.json'));
  const stale = workspaces
    .filter((name) => readJson(join(root, name, 'package.json')).scripts?.build !== undefined)
    .map((name) => ({ name, hash: hashOfSources(root, name) }))
    .filter(({ name, hash }) => !isBuilt(root, name, hash));
  if (stale.length === 0) return;
  await stage(`build ${stale.map(({ name }) => name).join(', ')}`, async () => {
    const outcomes = await Promise.all(stale.map((workspace) => build(root, workspace)));
    const failures = outcomes.filter((outcome) => outcome !== undefined);
    if (failures.length > 0) throw new SetupError(failures.join('\n'));
  });
}

/** @returns a message when the build failed */
async function build(root, { name, hash }) {
  const record = recordPath(root, name);
  rmSync(record, { force: true });
  const result = await runChild(process.execPath, ['build.mjs'], {
    cwd: join(root, name),
    output: 'capture',
    timeoutMs: BUILD_LIMIT_MS,
  });
  if (result.code !== 0) {
    const reason = result.timedOut
      ? `took longer than ${BUILD_LIMIT_MS / 1000} s`
      : `exited ${exitCodeOf(result)}`;
    return `${result.output.trimEnd()}\nThe build of ${name} ${reason}. Run it alone: cd ${name} && node build.mjs`;
  }
  mkdirSync(join(root, 'node_modules'), { recursive: true });
  writeFileSync(record, `${hash}\n`);
  return undefined;
}

function isBuilt(root, name, hash) {
  const record = recordPath(root, name);
  const output = join(root, name, 'dist');
  return (
    existsSync(record) &&
    readFileSync(record, 'utf8').trim() === hash &&
    existsSync(output) &&
    readdirSync(output).length > 0
  );
}

/** Beside the packages, not in `dist`: what lies there would become part of a release. */
function recordPath(root, name) {
  return join(root, 'node_modules', `.towpath-build-${name}`);
}

function hashOfSources(root, name) {
  const hash = createHash('sha256').update(readFileSync(join(root, 'package-lock.json')));
  for (const folder of [name, ...(READS_ALSO[name] ?? [])]) {
    for (const path of sourceFiles(join(root, folder), folder)) {
      hash.update(`\0${path}\0`).update(readFileSync(join(root, path)));
    }
  }
  return hash.digest('hex');
}

/** Paths relative to the root, in a fixed order. */
function sourceFiles(directory, prefix) {
  return readdirSync(directory, { withFileTypes: true })
    .filter((entry) => !NOT_SOURCES.has(entry.name) && !entry.name.includes('.test.'))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      const path = `${prefix}/${entry.name}`;
      if (entry.isDirectory()) return sourceFiles(join(directory, entry.name), path);
      return entry.isFile() ? [path] : [];
    });
}

function readJson(path) {
  return JSON.parse(readFileSync(path, 'utf8'));
}
