/**
 * Finds the `moto_server` program, or installs it into a virtual environment of the state directory.
 */
import { execFile } from 'node:child_process';
import { access, constants, rm } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const venvTimeoutMs = 60_000;
const installTimeoutMs = 300_000;

export class MotoMissingError extends Error {
  readonly code = 'MOTO_NOT_FOUND';
  readonly hint: string;
  constructor(message: string, hint: string) {
    super(message);
    this.name = 'MotoMissingError';
    this.hint = hint;
  }
}

export interface FindMotoOptions {
  readonly stateDir: string;
  /** Pinned requirements file, given to pip. */
  readonly requirements: string;
  readonly path: string;
  readonly log: (line: string) => void;
}

/**
 * @returns path of an executable `moto_server`
 * @throws MotoMissingError with the command that installs it
 */
export async function findMoto(options: FindMotoOptions): Promise<string> {
  const installed = await findOnPath('moto_server', options.path);
  if (installed !== undefined) return installed;
  const venv = join(options.stateDir, 'venv');
  const program = join(venv, 'bin', 'moto_server');
  if (await isExecutable(program)) return program;
  const python = await findOnPath('python3', options.path);
  const hint = `Install it with: python3 -m pip install 'moto[server]==5.2.1'`;
  if (python === undefined) {
    throw new MotoMissingError(
      'moto_server, the control plane of the embedded AWS, is not installed, and neither is python3.',
      hint,
    );
  }
  options.log(`moto_server is not on the PATH: installing it into ${venv}`);
  try {
    await run(python, ['-m', 'venv', venv], { timeout: venvTimeoutMs });
    const pip = join(venv, 'bin', 'python3');
    await run(pip, ['-m', 'pip', 'install', '--quiet', '-r', options.requirements], {
      timeout: installTimeoutMs,
    });
  } catch (error) {
    // A half-made environment would be taken for a good one next time.
    await rm(venv, { recursive: true, force: true });
    const reason = lastErrors(error instanceof Error ? error.message : String(error));
    throw new MotoMissingError(
      `moto_server is not on the PATH and could not be installed into ${venv}: ${reason}`,
      hint,
    );
  }
  if (await isExecutable(program)) return program;
  throw new MotoMissingError(`pip installed no moto_server into ${venv}.`, hint);
}

/** pip's own errors, without its warnings about retries; else the last lines. */
function lastErrors(output: string): string {
  const lines = output.trim().split('\n');
  const errors = lines
    .filter((line) => line.startsWith('ERROR:'))
    .map((line) => line.slice('ERROR: '.length));
  return (errors.length > 0 ? errors : lines).slice(-2).join(' ');
}

export async function findOnPath(name: string, path: string): Promise<string | undefined> {
  for (const folder of path.split(delimiter)) {
    if (folder !== '' && (await isExecutable(join(folder, name)))) return join(folder, name);
  }
  return undefined;
}

async function isExecutable(file: string): Promise<boolean> {
  try {
    await access(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
