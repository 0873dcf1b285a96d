/** One operating-system process of a task, with everything that it starts: its output, its use, its end. */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { constants } from 'node:os';
import type { Readable } from 'node:stream';
import type { TaskExit } from '../contract.ts';
import { pumpLines } from './log-pump.ts';
import {
  type ProcessRow,
  type ProcessSnapshot,
  readProcessRow,
  readProcessTable,
  readProportionalMb,
  readResidentMb,
  selectTree,
} from './process-table.ts';

/** A process that left the task's group may hold its output open: no longer than this after the exit. */
const OUTPUT_AFTER_EXIT_MS = 1000;
const CPU_UNITS_PER_CORE = 1024;
export const OUT_OF_MEMORY = 'OutOfMemoryError: Container killed due to memory usage';

export interface TaskProcessOptions {
  readonly program: string;
  readonly args: readonly string[];
  readonly workingDirectory: string;
  readonly environment: Readonly<Record<string, string>>;
  /** Path of util-linux' setpriv, or undefined where there is none. */
  readonly setpriv: string | undefined;
  readonly stopSignal: NodeJS.Signals;
  readonly snapshot: () => ProcessSnapshot;
  readonly startedAtMs: number;
  readonly onLine: (line: string) => void;
}

type Child = ChildProcessByStdio<null, Readable, Readable>;

export class TaskProcess {
  readonly pid: number;
  readonly startTime: string | undefined;
  /** Resolves after the exit, when the output is read. Never rejects. */
  readonly ended: Promise<TaskExit>;
  readonly #options: TaskProcessOptions;
  #running = true;
  #killedFor: string | undefined;
  #cpuSeconds = 0;
  #measuredAt: number;

  /** @throws Error of the operating system when the program can't be executed */
  static async start(options: TaskProcessOptions): Promise<TaskProcess> {
    const wrapped = options.setpriv !== undefined;
    // setpriv becomes the program by exec, so the pid is the program's.
    const child = spawn(
      options.setpriv ?? options.program,
      wrapped ? ['--pdeathsig', 'KILL', '--', options.program, ...options.args] : options.args,
      {
        cwd: options.workingDirectory,
        env: { ...options.environment },
        detached: true, // its own session and group
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    );
    const { pid } = child;
    if (pid === undefined) {
      throw await new Promise<Error>((resolve) => child.once('error', resolve));
    }
    child.on('error', () => {}); // a failed kill; the exit tells the outcome
    return new TaskProcess(child, pid, options);
  }

  private constructor(child: Child, pid: number, options: TaskProcessOptions) {
    this.pid = pid;
    this.startTime = readProcessRow(pid)?.startTime;
    this.#options = options;
    this.#measuredAt = options.startedAtMs;
    const output = pumpLines([child.stdout, child.stderr], options.onLine);
    this.ended = new Promise((resolve) => {
      child.once('exit', (code, signal) => {
        this.#running = false;
        killGroup(pid);
        void this.#finish(child, output).then(() => resolve(describeExit(code, signal, this.#killedFor)));
      });
    });
  }

  get running(): boolean {
    return this.#running;
  }

  /** The stop signal, to the first process only: what it started is its own affair, as in a container. */
  signalStop(): void {
    if (this.#running) signal(this.pid, this.#options.stopSignal);
  }

  /** SIGKILL to the whole tree, also to those who left the group. */
  kill(reason?: string): void {
    if (!this.#running) return;
    this.#killedFor ??= reason;
    const tree = this.#tree(readProcessTable());
    signal(this.pid, 'SIGKILL');
    killGroup(this.pid);
    for (const row of tree) if (row.group !== this.pid) signal(row.pid, 'SIGKILL');
  }

  /** Kills the task when it has more memory than it may; `rows` is a fresh process table. */
  enforceMemory(rows: readonly ProcessRow[], limitMb: number): void {
    if (!this.#running) return;
    const tree = this.#tree(rows);
    // The sum counts shared pages several times: good enough to clear a task, not to kill one.
    if (readResidentMb(tree) <= limitMb) return;
    const exactMb = readProportionalMb(tree);
    if (exactMb > limitMb) this.kill(OUT_OF_MEMORY);
  }

  /** CPU units since the call before (since the start at first), and resident memory now. */
  usage(): { cpuUnits: number; memoryMb: number } {
    const { rows, takenAtMs } = this.#options.snapshot();
    const tree = this.#running ? this.#tree(rows) : [];
    const cpuSeconds = tree.reduce((sum, row) => sum + row.cpuSeconds, 0);
    // A child whose parent did not wait for it takes its seconds along: never below zero.
    const usedSeconds = Math.max(0, cpuSeconds - this.#cpuSeconds);
    const elapsedSeconds = (takenAtMs - this.#measuredAt) / 1000;
    this.#cpuSeconds = cpuSeconds;
    this.#measuredAt = takenAtMs;
    return {
      cpuUnits: elapsedSeconds > 0 ? (usedSeconds / elapsedSeconds) * CPU_UNITS_PER_CORE : 0,
      memoryMb: readResidentMb(tree),
    };
  }

  #tree(rows: readonly ProcessRow[]): ProcessRow[] {
    return selectTree(rows, this.pid);
  }

  async #finish(child: Child, output: Promise<void>): Promise<void> {
    const late = setTimeout(() => {
      child.stdout.destroy();
      child.stderr.destroy();
    }, OUTPUT_AFTER_EXIT_MS);
    await output;
    clearTimeout(late);
  }
}

/** Exit codes as a container runtime gives them: 128 + signal for a process that a signal ended. Pure. */
export function describeExit(
  code: number | null,
  signalName: NodeJS.Signals | null,
  reason: string | undefined,
): TaskExit {
  const exitCode = code ?? (signalName === null ? undefined : 128 + constants.signals[signalName]);
  return { exitCode, signal: signalName ?? undefined, reason };
}

function killGroup(group: number): void {
  signal(-group, 'SIGKILL');
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It has ended by itself.
  }
}
