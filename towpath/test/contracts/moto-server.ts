/** A moto server for one test file: on a free port, stopped with the file, and gone when the tests are killed. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { findFreePort } from '../../../local-aws/src/free-port.ts';

const START_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 5_000;
const POLL_MS = 100;
const STDERR_TAIL_CHARS = 2_000;

export interface MotoServer {
  readonly endpoint: string;
  stop(): Promise<void>;
}

export async function startMoto(): Promise<MotoServer> {
  const port = await findFreePort();
  const endpoint = `http://127.0.0.1:${port}`;
  // On Linux the kernel ends it with this process, even when this one is killed without a chance to clean up.
  const guarded = process.platform === 'linux' && spawnSync('setpriv', ['--version']).status === 0;
  const command = ['moto_server', '-H', '127.0.0.1', '-p', String(port)];
  const [program = '', ...args] = guarded ? ['setpriv', '--pdeathsig', 'KILL', '--', ...command] : command;
  const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  const kill = (): void => void child.kill('SIGKILL');
  process.once('exit', kill);
  let errors = '';
  child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
    errors = (errors + chunk).slice(-STDERR_TAIL_CHARS);
  });
  let failure: string | undefined;
  child.once('error', (error) => {
    failure = `${error.message}; install it with: pip install 'moto[server]==5.2.1'`;
  });
  try {
    await waitUntilReady(
      child,
      endpoint,
      () => failure,
      () => errors,
    );
  } catch (error) {
    await stopChild(child);
    throw error;
  }
  return {
    endpoint,
    stop: async () => {
      await stopChild(child);
      process.off('exit', kill);
    },
  };
}

async function waitUntilReady(
  child: ChildProcess,
  endpoint: string,
  failure: () => string | undefined,
  errors: () => string,
): Promise<void> {
  for (let waitedMs = 0; waitedMs < START_TIMEOUT_MS; waitedMs += POLL_MS) {
    if (failure() !== undefined) throw new Error(`moto_server can't be started: ${failure()}`);
    if (child.exitCode !== null) throw new Error(`moto_server ended with ${child.exitCode}:\n${errors()}`);
    const answer = await fetch(`${endpoint}/moto-api/`, {
      signal: AbortSignal.timeout(START_TIMEOUT_MS),
    }).catch(() => undefined);
    await answer?.body?.cancel();
    if (answer?.ok) return;
    await sleep(POLL_MS);
  }
  throw new Error(`moto_server does not answer at ${endpoint} after ${START_TIMEOUT_MS} ms:\n${errors()}`);
}

async function stopChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
  await ended;
  clearTimeout(timer);
}
