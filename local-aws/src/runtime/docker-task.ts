/** One container of a task, from its start to its end: output, use, freezing, stop. */

import { PassThrough } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type { TaskExit, TaskSpec } from '../contract.ts';
import { decideContainerExit } from './docker-container.ts';
import { type DockerEngine, EngineError } from './docker-engine.ts';
import { pipeFrames } from './docker-frames.ts';
import { pumpLines } from './log-pump.ts';
import { messageOf } from './resolve-image.ts';

const OUTPUT_AFTER_EXIT_MS = 2000;
/** A connection to the engine may break while the container lives. */
const MAX_WAITS = 3;
const WAIT_PAUSE_MS = 500;
const CPU_UNITS_PER_CORE = 1024;
const BYTES_PER_MB = 1024 * 1024;

interface ContainerState {
  readonly Running?: boolean;
  readonly Pid?: number;
  readonly ExitCode?: number;
  readonly OOMKilled?: boolean;
}

export interface ContainerSample {
  readonly atMs: number;
  readonly cpuNano: number;
  readonly memoryMb: number;
}

/** One line of the engine's statistics, of either version of control groups. Pure. */
export function parseSample(line: string, atMs: number): ContainerSample | undefined {
  try {
    const { cpu_stats: cpu, memory_stats: memory } = JSON.parse(line) as {
      cpu_stats?: { cpu_usage?: { total_usage?: number } };
      memory_stats?: { usage?: number; stats?: { total_inactive_file?: number; inactive_file?: number } };
    };
    const cpuNano = cpu?.cpu_usage?.total_usage;
    if (cpuNano === undefined || memory?.usage === undefined) return undefined;
    const cache = memory.stats?.total_inactive_file ?? memory.stats?.inactive_file ?? 0;
    return { atMs, cpuNano, memoryMb: Math.max(0, memory.usage - cache) / BYTES_PER_MB };
  } catch {
    return undefined;
  }
}

export class DockerTask {
  readonly id: string;
  readonly pid: number;
  /** Resolves when the container has ended and its output is read. Never rejects. */
  readonly ended: Promise<TaskExit>;
  readonly #engine: DockerEngine;
  #running = true;
  #frozen = false;
  #stopAsked = false;
  #latest: ContainerSample | undefined;
  #last: ContainerSample;

  /** @throws EngineError when the engine refuses to start it */
  static async start(options: {
    readonly engine: DockerEngine;
    readonly id: string;
    readonly spec: TaskSpec;
    readonly now: () => number;
    readonly onLine: (line: string) => void;
  }): Promise<DockerTask> {
    const { engine, id } = options;
    const query = { stream: '1', stdout: '1', stderr: '1' };
    // Before the start, so that no line is missed.
    const socket = await engine.attach(`/containers/${id}/attach`, query, {});
    const stdout = new PassThrough();
    const stderr = new PassThrough();
    pipeFrames(socket, stdout, stderr);
    const output = pumpLines([stdout, stderr], options.onLine);
    try {
      await engine.call({ method: 'POST', path: `/containers/${id}/start` });
      const state = await inspect(engine, id);
      return new DockerTask(options, state.Pid ?? 0, { done: output, cut: () => socket.destroy() });
    } catch (error) {
      socket.destroy();
      throw error;
    }
  }

  private constructor(
    options: { readonly engine: DockerEngine; readonly id: string; readonly now: () => number },
    pid: number,
    output: { readonly done: Promise<void>; readonly cut: () => void },
  ) {
    this.#engine = options.engine;
    this.id = options.id;
    this.pid = pid;
    this.#last = { atMs: options.now(), cpuNano: 0, memoryMb: 0 };
    void this.#sample(options.now);
    this.ended = this.#finish(output);
  }

  usage(): { cpuUnits: number; memoryMb: number } {
    const latest = this.#latest;
    const last = this.#last;
    if (latest === undefined || !this.#running) return { cpuUnits: 0, memoryMb: 0 };
    this.#last = latest;
    const elapsedNano = (latest.atMs - last.atMs) * 1e6;
    const usedNano = Math.max(0, latest.cpuNano - last.cpuNano);
    return {
      cpuUnits: elapsedNano > 0 ? (usedNano / elapsedNano) * CPU_UNITS_PER_CORE : 0,
      memoryMb: latest.memoryMb,
    };
  }

  freeze(frozen: boolean): void {
    if (!this.#running || this.#frozen === frozen) return;
    this.#frozen = frozen;
    this.#tell(frozen ? 'pause' : 'unpause');
    // As a signal that waits for a process that is stopped.
    if (!frozen && this.#stopAsked) this.signalStop();
  }

  /** The image's stop signal, to its first process. */
  signalStop(): void {
    this.#stopAsked = true;
    if (this.#running && !this.#frozen) void this.#signalByImage();
  }

  kill(): void {
    if (!this.#running) return;
    this.#tell('kill', { signal: 'SIGKILL' });
    // A paused container dies when it goes on.
    if (this.#frozen) this.#tell('unpause');
    this.#frozen = false;
  }

  async #signalByImage(): Promise<void> {
    const path = `/containers/${this.id}/json`;
    const answer = await this.#engine
      .call<{ Config?: { StopSignal?: string } }>({ method: 'GET', path })
      .catch(() => undefined); // then the wait ends, too
    if (this.#running) this.#tell('kill', { signal: answer?.Config?.StopSignal || 'SIGTERM' });
  }

  #tell(verb: 'pause' | 'unpause' | 'kill', query: Readonly<Record<string, string>> = {}): void {
    const call = { method: 'POST', path: `/containers/${this.id}/${verb}`, query } as const;
    this.#engine.call(call).catch(() => {}); // it has ended by itself, or the wait tells that the engine has
  }

  async #sample(now: () => number): Promise<void> {
    try {
      const lines = await this.#engine.lines(`/containers/${this.id}/stats?stream=true`);
      let rest = '';
      void this.ended.then(() => lines.destroy());
      for await (const chunk of lines) {
        const parts = (rest + String(chunk)).split('\n');
        rest = parts.pop() ?? '';
        for (const part of parts) this.#latest = parseSample(part, now()) ?? this.#latest;
      }
    } catch {
      // The container or the engine has ended: nothing to measure any more.
    }
  }

  async #finish(output: { readonly done: Promise<void>; readonly cut: () => void }): Promise<TaskExit> {
    const exit = await this.#wait();
    this.#running = false;
    const late = setTimeout(output.cut, OUTPUT_AFTER_EXIT_MS);
    await output.done;
    clearTimeout(late);
    return exit;
  }

  async #wait(): Promise<TaskExit> {
    let problem: unknown;
    for (let round = 0; round < MAX_WAITS; round += 1) {
      try {
        const path = `/containers/${this.id}/wait`;
        await this.#engine.call({ method: 'POST', path, timeoutMs: undefined });
        const state = await inspect(this.#engine, this.id);
        if (state.Running !== true) return decideContainerExit(state);
      } catch (error) {
        problem = error;
        if (error instanceof EngineError && error.status === 404) break;
      }
      await sleep(WAIT_PAUSE_MS);
    }
    const reason = `the container engine lost the container: ${messageOf(problem)}`;
    return { exitCode: undefined, signal: undefined, reason };
  }
}

async function inspect(engine: DockerEngine, id: string): Promise<ContainerState> {
  const path = `/containers/${id}/json`;
  const { State } = await engine.call<{ State?: ContainerState }>({ method: 'GET', path });
  return State ?? {};
}
