/** The processes of one task: the first one and whatever it starts, commands that run beside it; their use, their end. */
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
import { type MemberCommand, spawnMember } from './spawn-member.ts';
import type { TaskGroup } from './task-group.ts';

/** A process that left the task's group may hold its output open: no longer than this after the exit. */
const OUTPUT_AFTER_EXIT_MS = 1000;
/** A tree that forks while it is frozen or killed is looked at again, this often at most. */
const MAX_SIGNAL_ROUNDS = 10;
const CPU_UNITS_PER_CORE = 1024;
export const OUT_OF_MEMORY = 'OutOfMemoryError: Container killed due to memory usage';

export interface ProcessHandle {
  readonly pid: number;
  readonly startTime: string | undefined;
}

export interface TaskProcessOptions extends MemberCommand {
  readonly workingDirectory: string;
  readonly environment: Readonly<Record<string, string>>;
  /** Path of util-linux' setpriv, or undefined where there is none. */
  readonly setpriv: string | undefined;
  /** Its resource group; undefined where the system allows none. */
  readonly group: TaskGroup | undefined;
  readonly stopSignal: NodeJS.Signals;
  readonly snapshot: () => ProcessSnapshot;
  readonly now: () => number;
  readonly onLine: (line: string) => void;
  /** Told of the first process and of each command beside it, at start and end. */
  readonly onMember: (handle: ProcessHandle, alive: boolean) => void;
}

/** A process that runs in the task without descending from its first one. */
export interface TaskMember {
  readonly pid: number;
  readonly child: Awaited<ReturnType<typeof spawnMember>>['child'];
  readonly exited: Promise<TaskExit>;
  kill(): void;
}

export class TaskProcess {
  readonly pid: number;
  /** Resolves after the exit, when the output is read. Never rejects. */
  readonly ended: Promise<TaskExit>;
  readonly #options: TaskProcessOptions;
  /** Leaders of sessions that belong to the task beside the first one. */
  readonly #members = new Set<number>();
  #running = true;
  #killedFor: string | undefined;
  #cpuSeconds = 0;
  #measuredAt: number;

  /** @throws Error of the operating system when the program can't be executed */
  static async start(options: TaskProcessOptions): Promise<TaskProcess> {
    const groups = options.group?.joinFiles ?? [];
    const { child, pid } = await spawnMember({ ...options, groups, stdin: 'ignore' });
    return new TaskProcess(child, pid, options);
  }

  private constructor(child: TaskMember['child'], pid: number, options: TaskProcessOptions) {
    this.pid = pid;
    this.#options = options;
    this.#measuredAt = options.now();
    const handle = { pid, startTime: readProcessRow(pid)?.startTime };
    options.onMember(handle, true);
    const streams = [child.stdout, child.stderr].filter((stream) => stream !== null);
    const output = pumpLines(streams, options.onLine);
    this.ended = new Promise((resolve) => {
      child.once('exit', (code, signalName) => {
        const outOfMemory = code !== 0 && (options.group?.outOfMemoryKills() ?? 0) > 0;
        const exit = describeExit(
          code,
          signalName,
          this.#killedFor ?? (outOfMemory ? OUT_OF_MEMORY : undefined),
        );
        this.#running = false;
        for (const leader of [pid, ...this.#members]) signal(-leader, 'SIGKILL');
        void this.#finish(streams, output).then(() => {
          options.onMember(handle, false);
          resolve(exit);
        });
      });
    });
  }

  get running(): boolean {
    return this.#running;
  }

  get options(): Pick<TaskProcessOptions, 'environment' | 'workingDirectory' | 'group'> {
    return this.#options;
  }

  /** The stop signal, to the first process only: what it started is its own affair, as in a container. */
  signalStop(): void {
    if (this.#running) signal(this.pid, this.#options.stopSignal);
  }

  /** SIGKILL to the whole tree, also to those who left the group. */
  kill(reason?: string): void {
    if (!this.#running) return;
    this.#killedFor ??= reason;
    this.#signalTree('SIGKILL');
  }

  /** SIGSTOP or SIGCONT to the whole tree; a stopped process still dies of SIGKILL. */
  freeze(frozen: boolean): void {
    if (this.#running) this.#signalTree(frozen ? 'SIGSTOP' : 'SIGCONT');
  }

  /**
   * Starts a process that counts as the task's, with its environment and working directory.
   * @throws Error of the operating system; also when the task has ended
   */
  async startMember(
    command: MemberCommand,
    environment: Readonly<Record<string, string>> = {},
  ): Promise<TaskMember> {
    if (!this.#running) throw new Error('the task has ended');
    const { child, pid } = await spawnMember({
      ...command,
      workingDirectory: this.#options.workingDirectory,
      environment: { ...this.#options.environment, ...environment },
      setpriv: this.#options.setpriv,
      groups: this.#options.group?.joinFiles ?? [],
      stdin: 'pipe',
    });
    const handle = { pid, startTime: readProcessRow(pid)?.startTime };
    this.#members.add(pid);
    this.#options.onMember(handle, true);
    const exited = new Promise<TaskExit>((resolve) => {
      child.once('exit', (code, signalName) => {
        signal(-pid, 'SIGKILL');
        this.#members.delete(pid);
        this.#options.onMember(handle, false);
        resolve(describeExit(code, signalName, undefined));
      });
    });
    child.stdin?.on('error', () => {}); // a command may end without reading all of its input
    const kill = (): void => {
      for (const row of selectTree(readProcessTable(), pid)) signal(row.pid, 'SIGKILL');
      signal(pid, 'SIGKILL');
    };
    // The task may have ended in between: nothing runs on without it.
    if (!this.#running) kill();
    return { pid, child, exited, kill };
  }

  /** Kills the task when it has more memory than it may; `rows` is a fresh process table. */
  enforceMemory(rows: readonly ProcessRow[], limitMb: number): void {
    if (!this.#running || this.#options.group !== undefined) return;
    const tree = this.#tree(rows);
    // The sum counts shared pages several times: good enough to clear a task, not to kill one.
    if (readResidentMb(tree) <= limitMb) return;
    const exactMb = readProportionalMb(tree);
    if (exactMb > limitMb) this.kill(OUT_OF_MEMORY);
  }

  /** CPU units since the call before (since the start at first), and resident memory now. */
  usage(): { cpuUnits: number; memoryMb: number } {
    const { group, snapshot, now } = this.#options;
    const { rows, takenAtMs } = group === undefined ? snapshot() : { rows: [], takenAtMs: now() };
    const tree = this.#running && group === undefined ? this.#tree(rows) : [];
    const cpuSeconds = group?.cpuSeconds() ?? tree.reduce((sum, row) => sum + row.cpuSeconds, 0);
    // A child whose parent did not wait for it takes its seconds along: never below zero.
    const usedSeconds = Math.max(0, cpuSeconds - this.#cpuSeconds);
    const elapsedSeconds = (takenAtMs - this.#measuredAt) / 1000;
    this.#cpuSeconds = cpuSeconds;
    this.#measuredAt = takenAtMs;
    return {
      cpuUnits: elapsedSeconds > 0 ? (usedSeconds / elapsedSeconds) * CPU_UNITS_PER_CORE : 0,
      memoryMb: group === undefined ? readResidentMb(tree) : groupMemoryMb(group),
    };
  }

  #tree(rows: readonly ProcessRow[]): ProcessRow[] {
    const trees = [this.pid, ...this.#members].flatMap((leader) => selectTree(rows, leader));
    return [...new Map(trees.map((row) => [row.pid, row])).values()];
  }

  /** Everyone who belongs to the task now and whoever is forked meanwhile. */
  #signalTree(name: NodeJS.Signals): void {
    const reached = new Set<number>();
    for (let round = 0; round < MAX_SIGNAL_ROUNDS; round += 1) {
      const tree = this.#tree(readProcessTable()).map((row) => row.pid);
      const fresh = [...tree, ...(this.#options.group?.pids() ?? [])].filter((pid) => !reached.has(pid));
      if (fresh.length === 0) break;
      for (const pid of fresh) {
        reached.add(pid);
        signal(pid, name);
      }
    }
    // Where there is no process table.
    if (reached.size === 0) signal(-this.pid, name);
  }

  async #finish(streams: readonly Readable[], output: Promise<void>): Promise<void> {
    // First, as a child that left the session may hold the output open.
    await this.#options.group?.remove();
    const late = setTimeout(() => {
      for (const stream of streams) stream.destroy();
    }, OUTPUT_AFTER_EXIT_MS);
    await output;
    clearTimeout(late);
  }
}

/**
 * The kernel charges a file's pages to whoever reads them first, so those of the host's programs are charged to none
 * of the tasks. On Fargate they are the image's, and each task has its own: what is resident counts, if it is more.
 */
function groupMemoryMb(group: TaskGroup): number {
  return Math.max(group.memoryMb(), readResidentMb(group.pids().map((pid) => ({ pid }))));
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

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It has ended by itself.
  }
}
