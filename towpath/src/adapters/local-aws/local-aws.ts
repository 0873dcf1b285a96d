/**
 * The embedded AWS of one project, as a child or as a daemon: started, found again, asked, stopped.
 * What it does is the business of the `local-aws` workspace; the two share a folder and the HTTP of its gateway.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { type ErrorCode, TowpathError } from '../../domain/errors.ts';
import type { LocalAws, LocalAwsPort, LocalAwsStatus, LocalStartOptions } from '../../ports.ts';
import { isAlive } from '../process/process-identity.ts';

/** The first start on a computer may have to install moto. */
const START_TIMEOUT_MS = 240_000;
const STOP_TIMEOUT_MS = 30_000;
const STATUS_TIMEOUT_MS = 10_000;
const POLL_MS = 50;
const LOG_TAIL_LINES = 15;

export interface LocalAwsOptions {
  /** The daemon's entry file. */
  readonly entry: string;
  /** Folder that holds everything of this project's embedded AWS. */
  readonly stateDir: string;
  /** The project's region; the embedded AWS has this one only. */
  readonly region: string;
}

interface LocalFile {
  readonly endpoint: string;
  readonly pid: number;
  readonly speed: number;
  readonly region: string;
  readonly accountId: string;
}

export function createLocalAws(options: LocalAwsOptions): LocalAwsPort {
  const logFile = join(options.stateDir, 'daemon.log');
  let child: ChildProcess | undefined;
  let ended: Promise<string> = new Promise(() => undefined);

  return {
    async start(start) {
      const running = await findRunning(options.stateDir);
      if (running) return describe(running, false);
      await mkdir(options.stateDir, { recursive: true, mode: 0o700 });
      const log = openSync(logFile, 'a', 0o600);
      // An attached one hears of our end through its standard input, however we end.
      child = spawn(process.execPath, daemonArguments(options, start), {
        detached: true,
        stdio: [start.attached ? 'pipe' : 'ignore', start.attached ? 'pipe' : log, log],
      });
      closeSync(log);
      const exit = new Promise<string>((resolve) => {
        child?.once('exit', (code, signal) =>
          resolve(signal === null ? `exit code ${code}` : `signal ${signal}`),
        );
        child?.once('error', (error) => resolve(error.message));
      });
      ended = exit;
      await untilReady(child, exit, options.stateDir, logFile);
      const found = await findRunning(options.stateDir);
      if (!found) throw startFailed('it reported ready and left no trace', await tail(logFile));
      if (!start.attached) child.unref();
      return describe(found, true);
    },

    async stop() {
      const running = await findRunning(options.stateDir);
      if (!running) return 'not running';
      process.kill(running.pid, 'SIGTERM');
      const deadline = Date.now() + STOP_TIMEOUT_MS;
      while (isAlive(running.pid, undefined)) {
        if (Date.now() > deadline) {
          throw new TowpathError(
            'LOCAL_START_FAILED',
            `The embedded AWS (pid ${running.pid}) did not stop within ${STOP_TIMEOUT_MS / 1000} s.`,
            {
              hint: `kill -9 ${running.pid}; the next start cleans up`,
            },
          );
        }
        await delay(POLL_MS);
      }
      return 'stopped';
    },

    async find() {
      const running = await findRunning(options.stateDir);
      return running && describe(running, false);
    },

    async credentials(identity) {
      const text = await readFile(join(options.stateDir, 'identities.json'), 'utf8').catch(() => undefined);
      if (text === undefined) return undefined;
      const identities = JSON.parse(text) as Record<string, { accessKeyId: string; secretAccessKey: string }>;
      const keys = identities[identity];
      if (keys) return keys;
      throw new TowpathError(
        'USAGE',
        `The embedded AWS has no identity "${identity}"; it has: ${Object.keys(identities).join(', ')}.`,
        { hint: '--as developer' },
      );
    },

    ended: async () => {
      const reason = await ended;
      return [reason, ...(await tail(logFile))].join('\n');
    },

    async status() {
      const running = await findRunning(options.stateDir);
      if (!running) return undefined;
      const response = await fetch(`${running.endpoint}/_local/status`, {
        signal: AbortSignal.timeout(STATUS_TIMEOUT_MS),
      }).catch((cause: unknown) => {
        throw new TowpathError(
          'AWS_UNREACHABLE',
          `The embedded AWS (pid ${running.pid}) does not answer at ${running.endpoint}.`,
          {
            cause,
            hint: 'towpath local down, then towpath local up',
          },
        );
      });
      return (await response.json()) as LocalAwsStatus;
    },
  };
}

function daemonArguments(options: LocalAwsOptions, start: LocalStartOptions): string[] {
  const args = [options.entry, '--state-dir', options.stateDir, '--region', options.region];
  if (start.port !== undefined) args.push('--port', String(start.port));
  if (start.speed !== undefined) args.push('--speed', String(start.speed));
  if (start.attached) args.push('--exit-with-parent');
  return args;
}

/** The running daemon, from the file it keeps while it lives. A file of a dead one counts as none. */
export async function findRunning(stateDir: string): Promise<LocalFile | undefined> {
  try {
    const file = JSON.parse(await readFile(join(stateDir, 'local.json'), 'utf8')) as LocalFile;
    return isAlive(file.pid, undefined) ? file : undefined;
  } catch {
    return undefined;
  }
}

function describe(file: LocalFile, started: boolean): LocalAws {
  return {
    endpoint: file.endpoint,
    speed: file.speed,
    pid: file.pid,
    region: file.region,
    account: file.accountId,
    started,
  };
}

interface DaemonLine {
  readonly type?: string;
  readonly code?: string;
  readonly message?: string;
  readonly hint?: string;
}

/** Ready is raced against exit and time; the daemon's own error line is passed on. */
async function untilReady(
  child: ChildProcess,
  exit: Promise<string>,
  stateDir: string,
  logFile: string,
): Promise<void> {
  let reported: DaemonLine | undefined;
  // Whatever the outcome, no wait may go on after it: it would keep the command from ending.
  const timeout = new AbortController();
  const ready = child.stdout
    ? readyFromPipe(child, (line) => (reported = line))
    : readyFromFile(child.pid, stateDir, timeout.signal);
  const outcome = await Promise.race([
    ready.then(() => 'ready' as const),
    exit.then((reason) => ({ reason })),
    delay(
      START_TIMEOUT_MS,
      { reason: `not ready within ${START_TIMEOUT_MS / 1000} s` },
      { signal: timeout.signal },
    ),
  ]);
  timeout.abort();
  if (outcome === 'ready') return;
  child.kill('SIGTERM');
  const lines = await tail(logFile);
  reported ??= lines.map(parseLine).findLast((line) => line?.type === 'error');
  if (reported?.message === undefined) throw startFailed(outcome.reason, lines);
  throw new TowpathError(
    knownCode(reported.code),
    reported.message,
    reported.hint === undefined ? {} : { hint: reported.hint },
  );
}

function readyFromPipe(child: ChildProcess, onError: (line: DaemonLine) => void): Promise<void> {
  return new Promise((resolve) => {
    if (!child.stdout) return;
    createInterface({ input: child.stdout }).on('line', (text) => {
      const line = parseLine(text);
      if (line?.type === 'ready') resolve();
      if (line?.type === 'error') onError(line);
    });
  });
}

async function readyFromFile(pid: number | undefined, stateDir: string, over: AbortSignal): Promise<void> {
  const deadline = Date.now() + START_TIMEOUT_MS;
  while (Date.now() < deadline && !over.aborted) {
    if ((await findRunning(stateDir))?.pid === pid) return;
    await delay(POLL_MS);
  }
}

function parseLine(text: string): DaemonLine | undefined {
  try {
    return JSON.parse(text) as DaemonLine;
  } catch {
    return undefined;
  }
}

const DAEMON_CODES: readonly ErrorCode[] = ['PORT_BUSY', 'MOTO_NOT_FOUND', 'LOCAL_START_FAILED'];

function knownCode(code: string | undefined): ErrorCode {
  return DAEMON_CODES.find((known) => known === code) ?? 'LOCAL_START_FAILED';
}

function startFailed(reason: string, context: readonly string[]): TowpathError {
  return new TowpathError('LOCAL_START_FAILED', `The embedded AWS did not start: ${reason}.`, {
    context,
    hint: 'towpath local up --verbose',
  });
}

async function tail(file: string): Promise<readonly string[]> {
  const text = await readFile(file, 'utf8').catch(() => '');
  return text
    .split('\n')
    .filter((line) => line !== '')
    .slice(-LOG_TAIL_LINES);
}
