/**
 * Task driver `docker`: a task is a container of the release's real image, in a network of its own, reached on the
 * task's loopback address. Limits, memory and signals are the engine's business.
 */
import type { Clock, ImageStore, RunningTask, TaskDriver, TaskExit, TaskSpec } from '../contract.ts';
import { executeInContainer, fillContainer } from './docker-command.ts';
import { decideContainer, decideStartMessage, STATE_LABEL } from './docker-container.ts';
import { type DockerEngine, EngineError } from './docker-engine.ts';
import { loadImage } from './docker-image.ts';
import {
  forgetEngine,
  networkNameOf,
  recordEngine,
  removeLabelled,
  stateValueOf,
} from './docker-leftovers.ts';
import { type DockerNetwork, openDockerNetwork } from './docker-network.ts';
import { DockerTask } from './docker-task.ts';
import type { LogSink } from './log-sink.ts';
import { cannotPull, messageOf, resolveImage } from './resolve-image.ts';
import { stopTask } from './stop-task.ts';
import { openTaskLogs } from './task-logs.ts';
import { findPlace } from './task-place.ts';
import { cannotStart, decideStopTimeoutMs } from './task-start.ts';

const LOG_DELIVERY_AFTER_EXIT_MS = 5000;

export interface DockerDriverOptions {
  readonly engine: DockerEngine;
  readonly stateDir: string;
  readonly images: ImageStore;
  readonly logs: LogSink;
  readonly clock: Clock;
  readonly log: (line: string) => void;
  /** The gateway's address, as tasks have it in their variables. */
  readonly endpoint: () => string;
}

export function createDockerDriver(options: DockerDriverOptions): TaskDriver {
  return new DockerDriver(options);
}

class DockerDriver implements TaskDriver {
  readonly name = 'docker';
  readonly description: string;
  readonly #options: DockerDriverOptions;
  readonly #state: string;
  readonly #tasks = new Map<DockerTask, Promise<TaskExit>>();
  readonly #loading = new Map<string, Promise<string>>();
  /** Tags that this run has given. */
  readonly #tags = new Set<string>();
  /** Containers of an engine that stopped answering; removed when it answers again. */
  readonly #lost = new Set<string>();
  #network: Promise<DockerNetwork> | undefined;
  #closed = false;

  constructor(options: DockerDriverOptions) {
    this.#options = options;
    this.description = `docker (${options.engine.socketPath})`;
    this.#state = stateValueOf(options.stateDir);
    recordEngine(options.stateDir, options.engine.socketPath);
    // What a killed run left goes at once, and a failure shows with the first task.
    this.#openNetwork().catch((error) => options.log(messageOf(error)));
  }

  async pull(image: string, platform?: string): Promise<{ readonly digest: string }> {
    const { digest } = await this.#load(image, platform);
    return { digest };
  }

  async start(spec: TaskSpec): Promise<RunningTask> {
    const { engine, clock, endpoint } = this.#options;
    const image = await this.#load(spec.image, undefined);
    const place = await findPlace(spec);
    const network = await this.#openNetwork();
    const queue = await openTaskLogs(spec, this.#options);
    const settings = decideContainer(spec, image.reference, {
      address: place.address,
      port: place.port,
      network: network.name,
      gateway: { outside: endpoint(), inside: network.endpoint },
      state: this.#state,
    });
    let id: string | undefined;
    let task: DockerTask;
    try {
      const query = { name: `towpath-${this.#state}-${spec.taskId}` };
      const created = await engine.call<{ Id: string }>({
        method: 'POST',
        path: '/containers/create',
        query,
        json: settings,
      });
      id = created.Id;
      const onLine = (line: string) => queue?.add(line);
      task = await DockerTask.start({ engine, id, spec, now: () => clock.now(), onLine });
    } catch (error) {
      await queue?.close(0);
      if (id !== undefined) await this.#remove(id);
      // An engine that was set up anew has no network of ours any more.
      if (error instanceof EngineError && error.status === 404) await this.#closeNetwork();
      throw cannotStart(decideStartMessage(messageOf(error)));
    }
    const exited = this.#supervise(task, queue);
    if (this.#closed) {
      task.kill();
      throw cannotStart(`the driver was stopped while task ${spec.taskId} started`);
    }
    return this.#describe(task, spec, place, exited);
  }

  async stopAll(withinMs: number): Promise<void> {
    this.#closed = true; // a task that is just starting must not slip through
    await Promise.all([...this.#tasks].map(([task, exited]) => stopTask(task, exited, withinMs)));
    await this.#closeNetwork();
    for (const id of this.#lost) await this.#remove(id);
    for (const tag of this.#tags) {
      const path = `/images/${encodeURIComponent(tag)}`;
      await this.#options.engine.call({ method: 'DELETE', path }).catch(() => undefined);
    }
    if (this.#lost.size === 0) forgetEngine(this.#options.stateDir);
  }

  #describe(
    task: DockerTask,
    spec: TaskSpec,
    place: { readonly address: string; readonly port: number },
    exited: Promise<TaskExit>,
  ): RunningTask {
    const { engine, clock } = this.#options;
    let stopping: Promise<TaskExit> | undefined;
    return {
      address: place.address,
      port: place.port,
      pid: task.pid,
      exited,
      usage: () => task.usage(),
      stop: () => {
        stopping ??= stopTask(task, exited, decideStopTimeoutMs(spec.stopTimeoutSeconds, clock));
        return stopping;
      },
      freeze: (frozen) => task.freeze(frozen),
      kill: () => task.kill(),
      fillMemory: () => fillContainer(engine, task.id, spec.memoryMb),
      execute: (command, options) => executeInContainer(engine, task.id, command, options ?? {}),
    };
  }

  #supervise(task: DockerTask, queue: Awaited<ReturnType<typeof openTaskLogs>>): Promise<TaskExit> {
    const finish = async (): Promise<TaskExit> => {
      const exit = await task.ended;
      await queue?.close(LOG_DELIVERY_AFTER_EXIT_MS);
      await this.#remove(task.id);
      this.#tasks.delete(task);
      return exit;
    };
    const exited = finish();
    this.#tasks.set(task, exited);
    return exited;
  }

  async #remove(id: string): Promise<void> {
    try {
      const path = `/containers/${id}`;
      await this.#options.engine.call({ method: 'DELETE', path, query: { force: '1', v: '1' } });
      this.#lost.delete(id);
    } catch (error) {
      if (error instanceof EngineError && error.status === 404) this.#lost.delete(id);
      else this.#lost.add(id);
    }
  }

  async #closeNetwork(): Promise<void> {
    const network = await this.#network?.catch(() => undefined);
    this.#network = undefined;
    await network?.close();
  }

  /** Made at the start, and again after an engine that was gone. */
  #openNetwork(): Promise<DockerNetwork> {
    this.#network ??= this.#startNetwork().catch((error) => {
      this.#network = undefined;
      throw cannotStart(`the network of the tasks: ${messageOf(error)}`);
    });
    return this.#network;
  }

  async #startNetwork(): Promise<DockerNetwork> {
    const { engine, endpoint, log } = this.#options;
    const label = `${STATE_LABEL}=${this.#state}`;
    const removed = await removeLabelled(engine, label);
    if (removed > 0) log(`removed ${removed} containers that an earlier run had left`);
    return openDockerNetwork(engine, networkNameOf(this.#state), { [STATE_LABEL]: this.#state }, endpoint);
  }

  async #load(image: string, platform: string | undefined): Promise<{ digest: string; reference: string }> {
    const { engine, images } = this.#options;
    for (const id of this.#lost) await this.#remove(id);
    const resolved = await resolveImage(images, image, platform);
    // Tasks of one deployment start side by side: the first loads, the others wait for it.
    let loading = this.#loading.get(resolved.digest);
    if (loading === undefined) {
      loading = loadImage(engine, images, resolved)
        .then(({ reference, loaded }) => {
          if (loaded) this.#tags.add(reference);
          return reference;
        })
        .finally(() => this.#loading.delete(resolved.digest));
      this.#loading.set(resolved.digest, loading);
    }
    try {
      return { digest: resolved.digest, reference: await loading };
    } catch (error) {
      throw cannotPull(`failed to load ${image} into the container engine: ${messageOf(error)}`);
    }
  }
}
