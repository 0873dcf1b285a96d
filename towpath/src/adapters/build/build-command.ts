/** Runs a program of a build: bounded in time, its last lines kept for the case that it fails. */
import { spawn } from 'node:child_process';
import { TowpathError } from '../../domain/errors.ts';

const BUILD_TIMEOUT_MS = 20 * 60_000;
const KILL_GRACE_MS = 5_000;
const TAIL_LINES = 40;
/** Output kept while a build runs; only its end is ever shown. */
const MAX_OUTPUT_CHARS = 256 * 1024;

export interface BuildCommand {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
  /** Variables beside those of this process. */
  readonly env?: Readonly<Record<string, string>>;
  /** Written to the program's standard input; nothing when left out. */
  readonly input?: string;
  readonly timeoutMs?: number;
}

export interface BuildOutput {
  readonly code: number | undefined;
  readonly stdout: string;
  /** Last lines of both streams, in the order they came. */
  readonly tail: readonly string[];
  /** Why it could not be started or did not end by itself, e.g. `ENOENT`, `SIGKILL`. */
  readonly failure: string | undefined;
}

/** Resolves however the program ends. On a signal to this process the program gets it too. */
export function runBuildCommand(run: BuildCommand): Promise<BuildOutput> {
  return new Promise((resolve) => {
    const child = spawn(run.command, run.args, {
      cwd: run.cwd,
      env: { ...process.env, ...run.env },
      stdio: [run.input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    });
    let stdout = '';
    let both = '';
    const keep = (kept: string, chunk: string): string => (kept + chunk).slice(-MAX_OUTPUT_CHARS);
    child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
      stdout = keep(stdout, chunk);
      both = keep(both, chunk);
    });
    child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
      both = keep(both, chunk);
    });
    // A program that ends without reading its input must not end this one.
    child.stdin?.on('error', () => undefined);
    if (run.input !== undefined) child.stdin?.end(run.input);

    let timedOut = false;
    const timeoutMs = run.timeoutMs ?? BUILD_TIMEOUT_MS;
    const timer = setTimeout(() => {
      timedOut = true;
      child.kill('SIGTERM');
      setTimeout(() => child.kill('SIGKILL'), KILL_GRACE_MS).unref();
    }, timeoutMs);
    const killOnExit = (): void => void child.kill('SIGTERM');
    process.once('exit', killOnExit);

    const finish = (code: number | undefined, failure: string | undefined): void => {
      clearTimeout(timer);
      process.off('exit', killOnExit);
      const tail = both
        .split('\n')
        .map((line) => line.trimEnd())
        .filter((line) => line !== '')
        .slice(-TAIL_LINES);
      resolve({ code, stdout, tail, failure });
    };
    child.once('error', (error: NodeJS.ErrnoException) => finish(undefined, error.code ?? error.message));
    child.once('close', (code, signal) => {
      if (timedOut) finish(undefined, `no end after ${timeoutMs / 1000} s`);
      else finish(code ?? undefined, signal ?? undefined);
    });
  });
}

/** The failure of a build as a user sees it; undefined when it succeeded. */
export function buildFailure(run: BuildCommand, output: BuildOutput): TowpathError | undefined {
  if (output.code === 0 && output.failure === undefined) return undefined;
  const line = [run.command, ...run.args].join(' ');
  const how = output.failure ?? `exit code ${output.code}`;
  return new TowpathError('BUILD_FAILED', `The build ended with ${how}: ${line} (in ${run.cwd})`, {
    hint: `run it by hand: (cd ${run.cwd} && ${line})`,
    context: output.tail,
  });
}
