/**
 * A background process of ours (the embedded AWS, the local development stack): started as a child or as a daemon, found
 * again by the file that it keeps while it lives, stopped. What they share is a state directory, JSON lines on standard
 * output (`ready`, `error` and others) and `--exit-with-parent`.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { type ErrorCode, TowpathError } from '../../domain/errors.ts';
import { isAlive } from './process-identity.ts';

const POLL_MS = 50;
const LOG_TAIL_LINES = 15;

const execute = promisify(execFile);

export interface DaemonSpec {
  /** As messages name it: `The embedded AWS`. */
  readonly title: string;
  readonly stateDir: string;
  /** In the state directory while it runs; holds `pid` and more. */
  readonly infoFile: string;
  /** In the state directory; what it prints beside its JSON lines. */
  readonly logFile: string;
  readonly startLimitMs: number;
  readonly stopLimitMs: number;
  /** Codes of its own errors that are passed on; others become the first of them. */
  readonly errorCodes: readonly [ErrorCode, ...ErrorCode[]];
  /** Said after a failure that explains itself no further. */
  readonly failureHint: string;
}

/** One line of its standard output. */
export interface DaemonLine {
  readonly type?: string;
  readonly code?: string;
  readonly message?: string;
  readonly hint?: string;
}

export interface StartedDaemon {
  /** Resolves when it has ended: with the reason and the last lines of its log, or undefined when it was asked to end. */
  ended(): Promise<string | undefined>;
}

export interface DaemonInfo {
  readonly pid: number;
}

/**
 * Resolves when it is ready: it says so when attached, and its file does when not.
 * @param attached it hears of our end through its standard input, however we end
 * @param onLine told each line of an attached one
 * @param signal ends the start: rejects with its reason when the process has ended
 */
export async function startDaemonProcess(
  spec: DaemonSpec,
  args: readonly string[],
  attached: boolean,
  onLine: (line: DaemonLine) => void = () => undefined,
  signal?: AbortSignal,
): Promise<StartedDaemon> {
  signal?.throwIfAborted();
  await mkdir(spec.stateDir, { recursive: true, mode: 0o700 });
  const log = openSync(join(spec.stateDir, spec.logFile), 'a', 0o600);
  const child = spawn(process.execPath, attached ? [...args, '--exit-with-parent'] : [...args], {
    detached: true,
    stdio: [attached ? 'pipe' : 'ignore', attached ? 'pipe' : log, log],
  });
  closeSync(log);
  const exit = new Promise<Exit>((resolve) => {
    child.once('exit', (code, signal) =>
      resolve({ asked: code === 0, reason: signal === null ? `exit code ${code}` : `signal ${signal}` }),
    );
    child.once('error', ({ message }) => resolve({ asked: false, reason: message }));
  });
  const end = () => void child.kill('SIGTERM');
  signal?.addEventListener('abort', end, { once: true });
  try {
    await untilReady(spec, child, exit, onLine);
  } catch (error) {
    // It ended because it was asked to.
    signal?.throwIfAborted();
    throw error;
  } finally {
    signal?.removeEventListener('abort', end);
  }
  if (!attached) child.unref();
  return {
    async ended() {
      const { asked, reason } = await exit;
      return asked ? undefined : [reason, ...(await tailOfLog(spec))].join('\n');
    },
  };
}

/** Our programs end with 0 when they were asked to, by a signal or over HTTP, and never by themselves. */
interface Exit {
  readonly asked: boolean;
  readonly reason: string;
}

/** What the running one keeps in its file. A file of a dead one counts as none. */
export async function findDaemon<Info extends DaemonInfo>({
  stateDir,
  infoFile,
}: Pick<DaemonSpec, 'stateDir' | 'infoFile'>): Promise<Info | undefined> {
  try {
    const info = JSON.parse(await readFile(join(stateDir, infoFile), 'utf8')) as Info;
    return isAlive(info.pid, undefined) ? info : undefined;
  } catch {
    return undefined;
  }
}

export async function stopDaemon(spec: DaemonSpec): Promise<'stopped' | 'not running'> {
  const running = await findDaemon(spec);
  if (!running) return 'not running';
  process.kill(running.pid, 'SIGTERM');
  const deadline = Date.now() + spec.stopLimitMs;
  while (isAlive(running.pid, undefined)) {
    if (Date.now() > deadline) {
      throw new TowpathError(
        spec.errorCodes[0],
        `${spec.title} (pid ${running.pid}) did not stop within ${spec.stopLimitMs / 1000} s.`,
        { hint: `kill -9 ${running.pid}; the next start cleans up` },
      );
    }
    await delay(POLL_MS);
  }
  return 'stopped';
}

/**
 * Runs the daemon's program for one thing that is done without a daemon, within the time that a stop may take.
 * @param args the program's entry file and its arguments
 * @param failure what did not happen, for the error: `The state was not removed`
 * @returns whether it found anything to do
 */
export async function runDaemonOnce(
  spec: DaemonSpec,
  args: readonly string[],
  failure: string,
): Promise<boolean> {
  const { stdout } = await execute(process.execPath, args, { timeout: spec.stopLimitMs }).catch(
    (cause: { readonly stdout?: string; readonly stderr?: string; readonly message: string }) => {
      const line = parseDaemonLine((cause.stdout ?? '').trim());
      const reason = line?.message ?? (cause.stderr || cause.message);
      const hint = line?.hint === undefined ? {} : { hint: line.hint };
      throw new TowpathError(spec.errorCodes[0], `${failure}: ${reason.trim()}`, hint);
    },
  );
  const answer = parseDaemonLine(stdout.trim()) as { readonly found?: boolean } | undefined;
  return answer?.found === true;
}

export function startFailed(spec: DaemonSpec, reason: string, context: readonly string[]): TowpathError {
  return new TowpathError(spec.errorCodes[0], `${spec.title} did not start: ${reason}.`, {
    context,
    hint: spec.failureHint,
  });
}

export async function tailOfLog({
  stateDir,
  logFile,
}: Pick<DaemonSpec, 'stateDir' | 'logFile'>): Promise<readonly string[]> {
  const text = await readFile(join(stateDir, logFile), 'utf8').catch(() => '');
  return text
    .split('\n')
    .filter((line) => line !== '')
    .slice(-LOG_TAIL_LINES);
}

function parseDaemonLine(text: string): DaemonLine | undefined {
  try {
    return JSON.parse(text) as DaemonLine;
  } catch {
    return undefined;
  }
}

/** Ready is raced against exit and time; the daemon's own error line is passed on. */
async function untilReady(
  spec: DaemonSpec,
  child: ChildProcess,
  exit: Promise<Exit>,
  onLine: (line: DaemonLine) => void,
): Promise<void> {
  let reported: DaemonLine | undefined;
  // Whatever the outcome, no wait may go on after it: it would keep the command from ending.
  const over = new AbortController();
  const ready = child.stdout
    ? readyFromPipe(child, (line) => {
        if (line.type === 'error') reported = line;
        onLine(line);
      })
    : readyFromFile(spec, child.pid, over.signal);
  const { startLimitMs } = spec;
  const outcome = await Promise.race([
    ready.then(() => 'ready' as const),
    exit,
    delay(startLimitMs, { reason: `not ready within ${startLimitMs / 1000} s` }, { signal: over.signal }),
  ]);
  over.abort();
  if (outcome === 'ready') return;
  child.kill('SIGTERM');
  const lines = await tailOfLog(spec);
  reported ??= lines.map(parseDaemonLine).findLast((line) => line?.type === 'error');
  if (reported?.message === undefined) throw startFailed(spec, outcome.reason, lines);
  const { code, message, hint } = reported;
  const known = spec.errorCodes.find((each) => each === code) ?? spec.errorCodes[0];
  throw new TowpathError(known, message, hint === undefined ? {} : { hint });
}

function readyFromPipe(child: ChildProcess, onLine: (line: DaemonLine) => void): Promise<void> {
  return new Promise((resolve) => {
    if (!child.stdout) return;
    createInterface({ input: child.stdout }).on('line', (text) => {
      const line = parseDaemonLine(text);
      if (line === undefined) return;
      onLine(line);
      if (line.type === 'ready') resolve();
    });
  });
}

async function readyFromFile(spec: DaemonSpec, pid: number | undefined, over: AbortSignal): Promise<void> {
  const deadline = Date.now() + spec.startLimitMs;
  while (Date.now() < deadline && !over.aborted) {
    if ((await findDaemon(spec))?.pid === pid) return;
    await delay(POLL_MS);
  }
}
