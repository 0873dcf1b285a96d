/**
 * Task driver `process`: a task is a process group on this computer, its image an unpacked folder,
 * its network interface a loopback address. No container engine, no isolation.
 */
import { mkdir, realpath, rm } from 'node:fs/promises';
import { constants } from 'node:os';
import path from 'node:path';
import {
  type Clock,
  type ImageStore,
  type RunningTask,
  type TaskDriver,
  type TaskExit,
  type TaskSpec,
  TaskStartError,
} from '../contract.ts';
import { openTaskGroups, type TaskGroups } from './cgroups.ts';
import { type CommandPlace, executeCommand } from './execute-command.ts';
import { GroupGuard } from './group-guard.ts';
import { ImageCache, type UnpackedImage } from './image-cache.ts';
import type { LogQueue } from './log-queue.ts';
import type { LogSink } from './log-sink.ts';
import { fillMemory } from './memory-filler.ts';
import { createSnapshots, type ProcessSnapshot } from './process-table.ts';
import { findProgram, placeArgument } from './program-lookup.ts';
import { stopTask } from './stop-task.ts';
import { decideTaskCommand, decideTaskEnvironment } from './task-command.ts';
import type { TaskGroup } from './task-group.ts';
import { openTaskLogs } from './task-logs.ts';
import { findPlace, type Place } from './task-place.ts';
import { type ProcessHandle, TaskProcess } from './task-process.ts';
import { cannotStart, decideStopTimeoutMs } from './task-start.ts';

const MEMORY_SAMPLE_MS = 500;
const SNAPSHOT_MAX_AGE_MS = 100;
const LOG_DELIVERY_AFTER_EXIT_MS = 5000;
/** A fork bomb ends here, threads included; ours, as AWS documents none for Fargate. */
const MAX_TASK_PROCESSES = 1024;
const DEFAULT_STOP_SIGNAL: NodeJS.Signals = 'SIGTERM';
export interface ProcessDriverOptions {
  readonly stateDir: string;
  readonly images: ImageStore;
  readonly logs: LogSink;
  readonly clock: Clock;
  readonly log: (line: string) => void;
  /** Told of each process when it starts and when it has ended, so that leftovers of a crash can be found. */
  readonly track: (child: { pid: number; startTime: string | undefined }, alive: boolean) => void;
  /** `none`: limits are measured even where the kernel could keep them. */
  readonly groups?: 'none';
}

export function createProcessDriver(options: ProcessDriverOptions): TaskDriver {
  return new ProcessDriver(options);
}

class ProcessDriver implements TaskDriver {
  readonly name = 'process';
  readonly description: string;
  readonly #options: ProcessDriverOptions;
  readonly #images: ImageCache;
  readonly #groups: TaskGroups | undefined;
  readonly #guard: GroupGuard;
  readonly #snapshot: () => ProcessSnapshot;
  readonly #tasks = new Map<TaskProcess, { readonly memoryMb: number; readonly exited: Promise<TaskExit> }>();
  #memoryTimer: NodeJS.Timeout | undefined;
  #setpriv: Promise<string | undefined> | undefined;
  /** Scratch folders of tasks that a killed process has left. */
  #leftoversRemoved: Promise<void> | undefined;
  #closed = false;

  constructor(options: ProcessDriverOptions) {
    this.#options = options;
    this.#images = new ImageCache(options.stateDir, options.images);
    this.#groups = options.groups === 'none' ? undefined : openTaskGroups(options.stateDir, options.log);
    this.description =
      this.#groups === undefined ? 'process (measured)' : `process (cgroup v${this.#groups.version} limits)`;
    this.#guard = new GroupGuard(options.log, this.#groups?.folders);
    this.#snapshot = createSnapshots(() => options.clock.now(), SNAPSHOT_MAX_AGE_MS);
  }

  async pull(image: string, platform?: string): Promise<{ readonly digest: string }> {
    const { digest } = await this.#images.load(image, platform);
    return { digest };
  }

  async start(spec: TaskSpec): Promise<RunningTask> {
    const image = await this.#images.load(spec.image);
    const place = await findPlace(spec);
    const queue = await openTaskLogs(spec, this.#options);
    const home = path.join(this.#options.stateDir, 'tasks', spec.taskId);
    let task: TaskProcess;
    try {
      this.#leftoversRemoved ??= this.#removeLeftovers(path.dirname(home));
      await this.#leftoversRemoved;
      await mkdir(home, { recursive: true });
      task = await this.#startProcess(spec, image, place, home, queue);
    } catch (error) {
      await queue?.close(0);
      await rm(home, { recursive: true, force: true });
      throw error instanceof TaskStartError ? error : cannotStart(String(error));
    }
    const exited = this.#supervise(task, spec, queue, home);
    if (this.#closed) {
      task.kill();
      throw cannotStart(`the driver was stopped while task ${spec.taskId} started`);
    }
    let stopping: Promise<TaskExit> | undefined;
    return {
      address: place.address,
      port: place.port,
      pid: task.pid,
      exited,
      usage: () => task.usage(),
      stop: () => {
        stopping ??= stopTask(
          task,
          exited,
          decideStopTimeoutMs(spec.stopTimeoutSeconds, this.#options.clock),
        );
        return stopping;
      },
      freeze: (frozen) => task.freeze(frozen),
      kill: () => task.kill(),
      fillMemory: () => fillMemory(task, spec.memoryMb, this.#options.log),
      execute: (command, options) => executeCommand(task, commandPlace(task, image), command, options ?? {}),
    };
  }

  async stopAll(withinMs: number): Promise<void> {
    this.#closed = true; // a task that is just starting must not slip through
    await Promise.all([...this.#tasks].map(([task, { exited }]) => stopTask(task, exited, withinMs)));
  }

  async #removeLeftovers(homes: string): Promise<void> {
    await rm(homes, { recursive: true, force: true });
    const names = (await this.#groups?.leftoversRemoved) ?? [];
    if (names.length > 0) this.#options.log(`removed groups of tasks that an earlier run had left: ${names}`);
  }

  #createGroup(spec: TaskSpec): TaskGroup | undefined {
    try {
      const { cpuUnits, memoryMb } = spec;
      return this.#groups?.create(spec.taskId, { cpuUnits, memoryMb, processes: MAX_TASK_PROCESSES });
    } catch (error) {
      this.#options.log(`the limits of task ${spec.taskId} are measured only: ${String(error)}`);
      return undefined;
    }
  }

  async #startProcess(
    spec: TaskSpec,
    image: UnpackedImage,
    place: Place,
    home: string,
    queue: LogQueue | undefined,
  ): Promise<TaskProcess> {
    const rootfs = await realpath(image.rootfs);
    const workingDirectory = path.join(rootfs, image.config.workingDirectory);
    if (workingDirectory !== rootfs && !workingDirectory.startsWith(rootfs + path.sep)) {
      throw cannotStart(`the working directory ${image.config.workingDirectory} leads out of the image`);
    }
    await mkdir(workingDirectory, { recursive: true });

    const [name, ...rest] = decideTaskCommand(spec, image.config);
    if (name === undefined) throw cannotStart('no command specified');
    const hostPath = process.env.PATH ?? '/usr/local/bin:/usr/bin:/bin';
    const program = await findProgram(name, { rootfs, workingDirectory, hostPath });
    if (program === undefined) throw cannotStart(notFound(name));
    const args = await Promise.all(rest.map((argument) => placeArgument(argument, rootfs)));
    this.#setpriv ??= findSetpriv(hostPath);
    const setpriv = await this.#setpriv;
    const group = this.#createGroup(spec);
    try {
      return await TaskProcess.start({
        program,
        args,
        workingDirectory,
        environment: decideTaskEnvironment({
          image: image.config.environment,
          task: { ...spec.environment, ...place.environment },
          host: { path: hostPath, lang: process.env.LANG, home },
        }),
        setpriv,
        group,
        stopSignal: knownSignal(image.config.stopSignal),
        snapshot: this.#snapshot,
        now: () => this.#options.clock.now(),
        onLine: (line) => queue?.add(line),
        onMember: (handle, alive) => this.#watch(handle, alive),
      });
    } catch (error) {
      await group?.remove();
      throw cannotStart(`exec: "${name}": ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  #supervise(
    task: TaskProcess,
    spec: TaskSpec,
    queue: LogQueue | undefined,
    home: string,
  ): Promise<TaskExit> {
    const finish = async (): Promise<TaskExit> => {
      const exit = await task.ended;
      this.#tasks.delete(task);
      if (!this.#anyMeasured()) this.#stopMemoryWatch();
      await queue?.close(LOG_DELIVERY_AFTER_EXIT_MS);
      await rm(home, { recursive: true, force: true }).catch(() => {});
      return exit;
    };
    const exited = finish();
    this.#tasks.set(task, { memoryMb: spec.memoryMb, exited });
    if (this.#anyMeasured()) this.#watchMemory();
    return exited;
  }

  /** A register that can't be written must not keep a task from ending. */
  #watch(handle: ProcessHandle, alive: boolean): void {
    if (alive) this.#guard.add(handle.pid);
    else this.#guard.remove(handle.pid);
    try {
      this.#options.track(handle, alive);
    } catch (error) {
      this.#options.log(`process ${handle.pid} could not be registered (alive: ${alive}): ${String(error)}`);
    }
  }

  /** Where the kernel keeps the limits of all tasks, nobody has to read the process table for them. */
  #anyMeasured(): boolean {
    return [...this.#tasks.keys()].some((task) => task.options.group === undefined);
  }

  #watchMemory(): void {
    this.#memoryTimer ??= setInterval(() => {
      const { rows } = this.#snapshot();
      for (const [task, { memoryMb }] of this.#tasks) task.enforceMemory(rows, memoryMb);
    }, MEMORY_SAMPLE_MS);
  }

  #stopMemoryWatch(): void {
    clearInterval(this.#memoryTimer);
    this.#memoryTimer = undefined;
  }
}

function commandPlace(task: TaskProcess, image: UnpackedImage): CommandPlace {
  const { workingDirectory, environment } = task.options;
  return { rootfs: image.rootfs, workingDirectory, hostPath: environment.PATH ?? '' };
}

async function findSetpriv(hostPath: string): Promise<string | undefined> {
  if (process.platform !== 'linux') return undefined;
  return findProgram('setpriv', { rootfs: '/', workingDirectory: '/', hostPath });
}

function knownSignal(name: string | undefined): NodeJS.Signals {
  return name !== undefined && name in constants.signals ? (name as NodeJS.Signals) : DEFAULT_STOP_SIGNAL;
}

function notFound(name: string): string {
  const why = name.includes('/')
    ? `stat ${name}: no such file or directory`
    : 'executable file not found in $PATH';
  return (
    `failed to create new container runtime task: failed to create shim task: OCI runtime create failed: ` +
    `runc create failed: unable to start container process: exec: "${name}": ${why}: unknown`
  );
}
