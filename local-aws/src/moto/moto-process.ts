/**
 * Runs moto as a child: started on a free loopback port, watched, and stopped. It is in a process group of its own,
 * so that Ctrl-C in a terminal reaches it through us only, and it dies with us even when we are killed.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { findFreePort } from '../free-port.ts';
import { findOnPath } from './find-moto.ts';

const readyTimeoutMs = 60_000;
const pollIntervalMs = 20;
const pollTimeoutMs = 2_000;
/** moto keeps nothing on disk, so there is nothing to wait long for. */
const stopTimeoutMs = 500;
const maxStarts = 3;
const tailLines = 40;
const maxLineCharacters = 2_000;

/** One line for each request: of no interest, and endless. */
const accessLine = /" \d{3} -$/;

export class MotoStartError extends Error {
  readonly hint: string;
  constructor(message: string, hint: string) {
    super(message);
    this.name = 'MotoStartError';
    this.hint = hint;
  }
}

export interface MotoProcessOptions {
  readonly program: string;
  /** Arguments before `-H HOST -p PORT`. */
  readonly args?: readonly string[];
  readonly region: string;
  readonly accountId: string;
  /** Folder with the `sitecustomize.py` that makes its identifiers repeatable. */
  readonly pythonPath?: string;
  /** Environment of this process; only what a Python program needs is passed on. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Told of the child's process id when it starts and when it has ended. */
  readonly track: (pid: number, alive: boolean) => void;
  /** Called after each spawn: from then on there is time, as moto takes most of a second to be ready. */
  readonly spawned?: () => void;
  readonly log: (line: string) => void;
}

export interface MotoProcess {
  readonly baseUrl: string;
  readonly pid: number;
  /** Why it ended by itself; undefined while it lives and after a deliberate stop. */
  failure(): string | undefined;
  /** Resolves when it ends by itself; never after a deliberate stop. */
  readonly crashed: Promise<string>;
  /** SIGTERM, after half a second SIGKILL. Idempotent. */
  stop(): Promise<void>;
}

/** @throws MotoStartError with the last lines that it wrote */
export async function startMoto(options: MotoProcessOptions): Promise<MotoProcess> {
  for (let start = 1; ; start += 1) {
    const port = await findFreePort();
    const outcome = await startOnPort(options, port);
    if ('process' in outcome) return outcome.process;
    // Another program may take the port between our look and moto's bind.
    const portTaken = outcome.tail.some((line) => /address already in use|is in use by another/i.test(line));
    if (!portTaken || start === maxStarts) throw startError(options, outcome);
  }
}

interface FailedStart {
  readonly reason: string;
  readonly tail: readonly string[];
}

function startError(options: MotoProcessOptions, failed: FailedStart): MotoStartError {
  const tail = failed.tail.slice(-8).join('\n  ');
  return new MotoStartError(
    `${options.program} did not start: ${failed.reason}${tail === '' ? '' : `\n  ${tail}`}`,
    `Check it by hand with: ${options.program} -p 5999. To install it: python3 -m pip install 'moto[server]==5.2.1'`,
  );
}

async function startOnPort(
  options: MotoProcessOptions,
  port: number,
): Promise<{ process: MotoProcess } | FailedStart> {
  const child = await spawnMoto(options, port);
  const tail: string[] = [];
  collectLines(child, tail, options.log);
  let stopping = false;
  let failure: string | undefined;
  const ended = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('exit', (code, signal) =>
      resolve(signal === null ? `it exited with code ${code}` : `it was ended by ${signal}`),
    );
  });
  if (child.pid !== undefined) options.track(child.pid, true);
  options.spawned?.();
  const { pid } = child;
  void ended.then(() => pid !== undefined && options.track(pid, false));

  const baseUrl = `http://127.0.0.1:${port}`;
  const abandoned = new AbortController();
  const reason = await Promise.race([ended, pollUntilReady(baseUrl, abandoned.signal)]);
  abandoned.abort();
  if (reason !== undefined || pid === undefined) {
    stopping = true;
    await stopGroup(child, ended);
    return { reason: reason ?? 'no process id', tail };
  }
  // The banner of a good start explains no later crash.
  tail.length = 0;
  const crashed = new Promise<string>((resolve) => {
    void ended.then((why) => {
      if (stopping) return;
      failure = [`moto: ${why}`, ...tail.slice(-3)].join(' | ');
      resolve(failure);
    });
  });
  const stop = async () => {
    stopping = true;
    await stopGroup(child, ended);
  };
  return { process: { baseUrl, pid, failure: () => failure, crashed, stop } };
}

async function spawnMoto(options: MotoProcessOptions, port: number): Promise<ChildProcess> {
  const { environment } = options;
  const path = environment.PATH ?? '/usr/bin:/bin';
  const setpriv = process.platform === 'linux' ? await findOnPath('setpriv', path) : undefined;
  const command = [options.program, ...(options.args ?? []), '-H', '127.0.0.1', '-p', String(port)];
  const [program = options.program, ...args] =
    setpriv === undefined ? command : [setpriv, '--pdeathsig', 'KILL', ...command];
  return spawn(program, args, {
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      PATH: path,
      HOME: environment.HOME ?? '/',
      LANG: environment.LANG ?? 'C.UTF-8',
      ...(environment.PYENV_ROOT !== undefined && { PYENV_ROOT: environment.PYENV_ROOT }),
      ...(environment.PYENV_VERSION !== undefined && { PYENV_VERSION: environment.PYENV_VERSION }),
      ...(environment.VIRTUAL_ENV !== undefined && { VIRTUAL_ENV: environment.VIRTUAL_ENV }),
      PYTHONUNBUFFERED: '1',
      ...(options.pythonPath !== undefined && { PYTHONPATH: options.pythonPath }),
      MOTO_ACCOUNT_ID: options.accountId,
      AWS_DEFAULT_REGION: options.region,
      // Web pages have no business here; see foreign-origin.ts.
      MOTO_DISABLE_GLOBAL_CORS: 'true',
    },
  });
}

/** Keeps the last lines for error messages; hands everything but the access lines to the log. */
function collectLines(child: ChildProcess, tail: string[], log: (line: string) => void): void {
  for (const stream of [child.stdout, child.stderr]) {
    let rest = '';
    stream?.setEncoding('utf8');
    stream?.on('data', (chunk: string) => {
      const lines = (rest + chunk).split('\n');
      rest = (lines.pop() ?? '').slice(-maxLineCharacters);
      for (const line of lines) {
        if (line.trim() === '' || accessLine.test(line)) continue;
        tail.push(line.slice(0, maxLineCharacters));
        if (tail.length > tailLines) tail.shift();
        log(`moto: ${line.slice(0, maxLineCharacters)}`);
      }
    });
  }
}

/** @returns undefined when ready or abandoned, else why it is not */
async function pollUntilReady(baseUrl: string, abandoned: AbortSignal): Promise<string | undefined> {
  const deadline = Date.now() + readyTimeoutMs;
  while (Date.now() < deadline) {
    if (abandoned.aborted) return undefined;
    try {
      const response = await fetch(`${baseUrl}/moto-api/`, { signal: AbortSignal.timeout(pollTimeoutMs) });
      await response.arrayBuffer();
      if (response.ok) return undefined;
    } catch {
      // Not listening yet.
    }
    await new Promise((resolve) => setTimeout(resolve, pollIntervalMs));
  }
  return `it did not answer within ${readyTimeoutMs / 1000} s`;
}

async function stopGroup(child: ChildProcess, ended: Promise<string>): Promise<void> {
  const { pid } = child;
  if (pid === undefined) return;
  if (child.exitCode === null && child.signalCode === null) {
    signalGroup(pid, 'SIGTERM');
    const timer = setTimeout(() => signalGroup(pid, 'SIGKILL'), stopTimeoutMs);
    await ended;
    clearTimeout(timer);
  }
}

function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
