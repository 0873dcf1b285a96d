/**
 * Clean-up for a test whose process is killed, so that no `afterAll` of its runs: a process of its own waits for the
 * end of a pipe, which the system closes with the test, and does then what the test would have done.
 */
import { spawn } from 'node:child_process';
import { CLI, cleanEnvironment } from './run-cli.ts';

/** Runs in the other process: arguments are the command line's file and the folder. */
const SCRIPT = `
const [cli, folder] = process.argv.slice(1);
process.stdin.resume();
process.stdin.once('close', () => {
  require('node:child_process').spawnSync(process.execPath, [cli, 'local', 'down'], { cwd: folder, stdio: 'ignore', timeout: 60000 });
  require('node:fs').rmSync(folder, { recursive: true, force: true });
});
`;

/**
 * Takes down the embedded AWS of a project, and removes the project, should this process be killed.
 * @returns to be called when the test has done both itself
 */
export function cleanUpAfterDeath(folder: string): () => void {
  const child = spawn(process.execPath, ['-e', SCRIPT, CLI, folder], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
    env: cleanEnvironment(),
  });
  child.unref();
  // Nobody hears of it when it was ended before us: there is nothing left to do then.
  child.on('error', () => undefined);
  return () => {
    child.kill('SIGKILL');
  };
}
