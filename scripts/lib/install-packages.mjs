/** Installs npm packages exactly as the lock file says, and only when it changed since the last time. */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runChild } from './run-child.mjs';
import { exitCodeOf, SetupError } from './setup-error.mjs';
import { stage } from './stage.mjs';

const INSTALL_LIMIT_MS = 600_000;
const SHOWN_LINES = 40;

/** @param root the repository's root */
export async function installPackages(root) {
  const hash = createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex');
  const record = join(root, 'node_modules', '.towpath-lock-hash');
  if (existsSync(record) && readFileSync(record, 'utf8').trim() === hash) return;
  if (!isInstalled(root)) await stage('npm ci', () => npmCi(root));
  writeFileSync(record, `${hash}\n`);
}

/** Whether what lies in node_modules is what the lock file asks for, say after a developer's `npm install`. */
function isInstalled(root) {
  const installed = readPackages(join(root, 'node_modules', '.package-lock.json'));
  const locked = readPackages(join(root, 'package-lock.json'));
  if (installed === undefined || locked === undefined) return false;
  return Object.entries(locked)
    .filter(([path]) => path.startsWith('node_modules/'))
    .every(([path, { version, optional }]) => {
      // Packages for other platforms are locked, yet not installed.
      if (installed[path] === undefined) return optional === true;
      return installed[path].version === version;
    });
}

function readPackages(path) {
  return existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')).packages : undefined;
}

async function npmCi(root) {
  // Under `npm start` this is the very npm that was called; otherwise the one on the PATH.
  const npm = process.env.npm_execpath;
  const [command, args] = npm?.endsWith('.js') ? [process.execPath, [npm, 'ci']] : ['npm', ['ci']];
  const result = await runChild(command, args, { cwd: root, output: 'capture', timeoutMs: INSTALL_LIMIT_MS });
  if (result.code === 0) return;
  const reason = result.timedOut
    ? `did not end within ${INSTALL_LIMIT_MS / 1000} s`
    : `exited ${exitCodeOf(result)}`;
  const tail = result.output.trimEnd().split('\n').slice(-SHOWN_LINES).join('\n');
  throw new SetupError(
    `${tail}\n\`npm ci\` ${reason}. Is the npm registry reachable (\`npm ping\`)? Then run the same command again.`,
    exitCodeOf(result) || 1,
  );
}
