/** Runs programs of the system for the tests. A program that is missing is a failure that names its package. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const TIMEOUT_MS = 30_000;

/** Debian packages of the programs that these tests call; `.ci/run` installs them. */
export const PACKAGES = {
  prometheus: 'prometheus',
  promtool: 'prometheus',
  'prometheus-redis-exporter': 'prometheus-redis-exporter',
  'redis-server': 'redis-server',
} as const;
export type Program = keyof typeof PACKAGES;

export function explainMissing(program: Program, error: NodeJS.ErrnoException): Error {
  if (error.code !== 'ENOENT') return error;
  return new Error(`${program} is not on the PATH. Install it: apt-get install ${PACKAGES[program]}`);
}

/** @returns standard output; rejects with both outputs when the program fails */
export async function runProgram(program: Program, args: readonly string[], cwd: string): Promise<string> {
  try {
    const { stdout } = await promisify(execFile)(program, args, { cwd, timeout: TIMEOUT_MS });
    return stdout;
  } catch (error) {
    const failure = error as NodeJS.ErrnoException & { stdout: string; stderr: string };
    if (failure.code === 'ENOENT') throw explainMissing(program, failure);
    throw new Error(`${program} ${args.join(' ')} failed:\n${failure.stdout}${failure.stderr}`);
  }
}
