/** Runs a command in a task of its own, with the release that the environment runs; ends when the command ends. */
import { TowpathError } from '../domain/errors.ts';
import { commandToFill } from '../domain/next-command.ts';
import type { OneOffLook, OneOffPort, Ports } from '../ports.ts';
import { enter } from './select-environment.ts';

const POLL_MS = 1_000;
/** Logs arrive after the end: read on until nothing new comes so many times, and not for ever. */
const QUIET_READS_AT_END = 3;
const MAX_READS_AT_END = 30;
const DEFAULT_LIMIT_MS = 60 * 60_000;
/** After a stop was asked for; stopTimeoutSeconds is at most 120. */
const STOP_LIMIT_MS = 180_000;

export interface RunOptions {
  readonly command: readonly string[];
  /** The task is stopped after this; an hour when undefined. */
  readonly limitMs: number | undefined;
  /** A line of the command's log. */
  line(text: string): void;
  readonly signal: AbortSignal;
}

export interface RunResult {
  readonly environment: string;
  readonly task: string;
  readonly command: readonly string[];
  readonly exitCode: number;
}

/** @throws TowpathError `NOT_DEPLOYED`, `RUN_FAILED`, `ABORTED` */
export async function run(ports: Ports, environmentName: string, options: RunOptions): Promise<RunResult> {
  const { environment, cloud } = await enter(ports, environmentName);
  const { command, signal } = options;
  const task = await cloud.oneOff.start(command);
  if (task === undefined) {
    throw new TowpathError('NOT_DEPLOYED', `${environment.name} runs nothing yet.`, {
      hint: commandToFill(environment),
    });
  }
  ports.notifier.notify({ type: 'note', text: `task ${task}: ${command.join(' ')}` });
  try {
    const look = await follow(ports, cloud.oneOff, task, options);
    return { environment: environment.name, task, command, exitCode: exitCodeOf(task, look) };
  } catch (error) {
    if (!signal.aborted) throw error;
    await cloud.oneOff.stop(task, 'towpath run was interrupted');
    throw new TowpathError('ABORTED', `Interrupted: task ${task} was told to stop.`, {
      cause: error,
      hint: `what \`${command.join(' ')}\` had done by then stays done`,
    });
  }
}

async function follow(
  ports: Pick<Ports, 'clock'>,
  port: OneOffPort,
  task: string,
  { limitMs = DEFAULT_LIMIT_MS, line, signal }: RunOptions,
): Promise<OneOffLook> {
  let cursor: string | undefined;
  const readLog = async (): Promise<number> => {
    const { lines, cursor: next } = await port.log(task, cursor);
    cursor = next;
    for (const text of lines) line(text);
    return lines.length;
  };
  const startedAt = ports.clock.now().getTime();
  let stopped = false;
  for (;;) {
    signal.throwIfAborted();
    const look = await port.look(task);
    if (look === undefined) throw lost(task);
    await readLog();
    if (look.status === 'STOPPED') {
      await readToTheEnd(ports, readLog, signal);
      if (stopped) throw tooLong(task, limitMs);
      return look;
    }
    const elapsedMs = ports.clock.now().getTime() - startedAt;
    if (elapsedMs > limitMs + STOP_LIMIT_MS) throw tooLong(task, limitMs);
    if (elapsedMs > limitMs && !stopped) {
      stopped = true;
      await port.stop(task, 'towpath run: its time was up');
    }
    await ports.clock.sleep(POLL_MS, signal);
  }
}

async function readToTheEnd(
  { clock }: Pick<Ports, 'clock'>,
  readLog: () => Promise<number>,
  signal: AbortSignal,
): Promise<void> {
  let quiet = 0;
  for (let reads = 0; reads < MAX_READS_AT_END && quiet < QUIET_READS_AT_END; reads += 1) {
    quiet = (await readLog()) === 0 ? quiet + 1 : 0;
    await clock.sleep(POLL_MS / 2, signal);
  }
}

function exitCodeOf(task: string, { exitCode, reason }: OneOffLook): number {
  if (exitCode !== undefined) return exitCode;
  throw new TowpathError(
    'RUN_FAILED',
    `Task ${task} ended without an exit code: ${reason ?? 'no reason given'}.`,
    {
      hint: 'mend what the reason names, then run the same command again',
    },
  );
}

function lost(task: string): TowpathError {
  return new TowpathError('RUN_FAILED', `ECS knows task ${task} no longer; its outcome is not known.`, {
    hint: 'look into its log: the stream ends with the id of the task',
  });
}

function tooLong(task: string, limitMs: number): TowpathError {
  return new TowpathError(
    'RUN_FAILED',
    `Task ${task} was stopped: it ran for more than ${limitMs / 60_000} min.`,
    {
      hint: 'give it longer with --timeout',
    },
  );
}
