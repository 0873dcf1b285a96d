/**
 * Task driver `process`: a task is a process group on this computer, its image an unpacked folder,
 * its network interface a loopback address. No container engine, no isolation.
 */
import { mkdir, realpath, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
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
import { GroupGuard } from './group-guard.ts';
import { ImageCache, type UnpackedImage } from './image-cache.ts';
import { LogQueue } from './log-queue.ts';
import { type LogSink, MissingLogGroupError } from './log-sink.ts';
import { createSnapshots, type ProcessSnapshot } from './process-table.ts';
import { findProgram, placeArgument } from './program-lookup.ts';
import { decideTaskCommand, decideTaskEnvironment, loopbackAddressOf } from './task-command.ts';
import { TaskProcess } from './task-process.ts';

const MEMORY_SAMPLE_MS = 500;
const SNAPSHOT_MAX_AGE_MS = 100;
const LOG_DELIVERY_AFTER_EXIT_MS = 5000;
const DEFAULT_STOP_SIGNAL: NodeJS.Signals = 'SIGTERM';
/**
 * `speed` shortens waits of AWS, while a program drains in real time: a scaled stop timeout does not go
 * below this, unless the task definition itself asks for less.
 */
export const MIN_STOP_TIMEOUT_MS = 3000;

export interface ProcessDriverOptions {
  readonly stateDir: string;
  readonly images: ImageStore;
  readonly logs: LogSink;
  readonly clock: Clock;
  readonly log: (line: string) => void;
  /** Told of each process when it starts and when it has ended, so that leftovers of a crash can be found. */
  readonly track: (child: { pid: number; startTime: string | undefined }, alive: boolean) => void;
}

export function createProcessDriver(options: ProcessDriverOptions): TaskDriver {
  return new ProcessDriver(options);
}

class ProcessDriver implements TaskDriver {
  readonly name = 'process';
  readonly #options: ProcessDriverOptions;
  readonly #images: ImageCache;
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
    this.#guard = new GroupGuard(options.log);
    this.#snapshot = createSnapshots(() => options.clock.now(), SNAPSHOT_MAX_AGE_MS);
  }

  async pull(image: string, platform?: string): Promise<{ readonly digest: string }> {
    const { digest } = await this.#images.load(image, platform);
    return { digest };
  }

  async start(spec: TaskSpec): Promise<RunningTask> {
    const image = await this.#images.load(spec.image);
    const place = await findPlace(spec);
    const queue = await this.#openLogs(spec);
    const home = path.join(this.#options.stateDir, 'tasks', spec.taskId);
    let task: TaskProcess;
    try {
      this.#leftoversRemoved ??= rm(path.dirname(home), { recursive: true, force: true });
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
        stopping ??= this.#stop(task, spec.stopTimeoutSeconds, exited);
        return stopping;
      },
    };
  }

  async stopAll(withinMs: number): Promise<void> {
    this.#closed = true; // a task that is just starting must not slip through
    const tasks = [...this.#tasks];
    for (const [task] of tasks) task.signalStop();
    const late = setTimeout(() => {
      for (const [task] of tasks) task.kill();
    }, withinMs);
    await Promise.all(tasks.map(([, { exited }]) => exited));
    clearTimeout(late);
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
        setpriv: await this.#setpriv,
        stopSignal: knownSignal(image.config.stopSignal),
        snapshot: this.#snapshot,
        startedAtMs: this.#options.clock.now(),
        onLine: (line) => queue?.add(line),
      });
    } catch (error) {
      throw cannotStart(`exec: "${name}": ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  #supervise(
    task: TaskProcess,
    spec: TaskSpec,
    queue: LogQueue | undefined,
    home: string,
  ): Promise<TaskExit> {
    const child = { pid: task.pid, startTime: task.startTime };
    this.#track(child, true);
    this.#guard.add(task.pid);
    const finish = async (): Promise<TaskExit> => {
      const exit = await task.ended;
      this.#tasks.delete(task);
      if (this.#tasks.size === 0) this.#stopMemoryWatch();
      this.#guard.remove(task.pid);
      this.#track(child, false);
      await queue?.close(LOG_DELIVERY_AFTER_EXIT_MS);
      await rm(home, { recursive: true, force: true }).catch(() => {});
      return exit;
    };
    const exited = finish();
    this.#tasks.set(task, { memoryMb: spec.memoryMb, exited });
    this.#watchMemory();
    return exited;
  }

  /** A register that can't be written must not keep a task from ending. */
  #track(child: { pid: number; startTime: string | undefined }, alive: boolean): void {
    try {
      this.#options.track(child, alive);
    } catch (error) {
      this.#options.log(`process ${child.pid} could not be registered (alive: ${alive}): ${String(error)}`);
    }
  }

  async #stop(task: TaskProcess, timeoutSeconds: number, exited: Promise<TaskExit>): Promise<TaskExit> {
    task.signalStop();
    const askedMs = timeoutSeconds * 1000;
    const timeoutMs = Math.min(askedMs, Math.max(this.#options.clock.scaled(askedMs), MIN_STOP_TIMEOUT_MS));
    const late = setTimeout(() => task.kill(), timeoutMs);
    try {
      return await exited;
    } finally {
      clearTimeout(late);
    }
  }

  /** @throws TaskStartError `ResourceInitializationError` as the awslogs driver fails on Fargate */
  async #openLogs(spec: TaskSpec): Promise<LogQueue | undefined> {
    const { log: target } = spec;
    if (target === undefined) return undefined;
    const { logs, clock, log } = this.#options;
    try {
      await logs.openStream(target.group, target.stream);
    } catch (error) {
      const cause =
        error instanceof MissingLogGroupError
          ? 'ResourceNotFoundException: The specified log group does not exist.'
          : error instanceof Error
            ? error.message
            : String(error);
      throw new TaskStartError(
        'ResourceInitializationError',
        `failed to validate logger args: create stream has been retried 1 times: failed to create Cloudwatch ` +
          `log stream: ${cause} (log group ${target.group}) : exit status 1`,
      );
    }
    return new LogQueue({
      put: (lines) => logs.put(target.group, target.stream, lines),
      now: () => clock.now(),
      onLost: (error, lines) =>
        log(
          `${lines} log lines of task ${spec.taskId} are lost, ${target.group} did not take them: ${String(error)}`,
        ),
    });
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

interface Place {
  readonly address: string;
  readonly port: number;
  /** Variables that make the task listen there. */
  readonly environment: Readonly<Record<string, string>>;
}

/** The task's own loopback address; where the system has only 127.0.0.1, a free port there takes its place. */
async function findPlace(spec: TaskSpec): Promise<Place> {
  const address = loopbackAddressOf(spec.privateIp) ?? '127.0.0.1';
  const port = spec.containerPort;
  const host = { HOST: address };
  if (port === undefined) return { address, port: 0, environment: host };
  const bound = await tryBind(address, port);
  if (bound.ok) return { address, port, environment: host };
  if (bound.code === 'EADDRNOTAVAIL') {
    const free = await tryBind('127.0.0.1', 0);
    if (free.ok) {
      const environment = { HOST: '127.0.0.1', PORT: String(free.port) };
      return { address: '127.0.0.1', port: free.port, environment };
    }
  }
  throw cannotStart(
    `port ${port} of ${address}, the address of task ${spec.taskId}, can't be bound (${bound.code}): ` +
      `another program listens there, or on every address`,
  );
}

type Bound = { readonly ok: true; readonly port: number } | { readonly ok: false; readonly code: string };

async function tryBind(address: string, port: number): Promise<Bound> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once('error', (error: NodeJS.ErrnoException) =>
      resolve({ ok: false, code: error.code ?? error.message }),
    );
    server.listen({ host: address, port, exclusive: true }, () => {
      const bound = server.address();
      const boundPort = typeof bound === 'object' && bound !== null ? bound.port : port;
      server.close(() => resolve({ ok: true, port: boundPort }));
    });
  });
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

function cannotStart(message: string): TaskStartError {
  return new TaskStartError('CannotStartContainerError', message);
}
