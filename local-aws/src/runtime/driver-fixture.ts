/**
 * For tests of task drivers: a process driver with images and logs of its own, specs of tasks, a sink that keeps what they
 * say, and waits with an end.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock, RunningTask, TaskDriver, TaskSpec } from '../contract.ts';
import { FixtureImageStore } from './image-fixture.ts';
import { type LogLine, type LogSink, MissingLogGroupError } from './log-sink.ts';
import { createProcessDriver, type ProcessDriverOptions } from './process-driver.ts';

const WAIT_LIMIT_MS = 8000;

export class MemoryLogSink implements LogSink {
  readonly lines: LogLine[] = [];
  async openStream(group: string): Promise<void> {
    if (group === '/missing') throw new MissingLogGroupError(group);
  }
  async put(_group: string, _stream: string, lines: readonly LogLine[]): Promise<void> {
    this.lines.push(...lines);
  }
  get messages(): string[] {
    return this.lines.map((line) => line.message);
  }
  says(text: string): () => boolean {
    return () => this.messages.some((line) => line.includes(text));
  }
  /** Process ids that tasks wrote as `pid 123`. */
  get pids(): number[] {
    return this.messages.flatMap((line) => (line.startsWith('pid ') ? [Number(line.slice(4))] : []));
  }
}

/** Real time with AWS-side intervals a tenth. */
export const clock: Clock = {
  now: () => Date.now(),
  scaled: (awsMs) => awsMs / 10,
  sleep: (ms) => sleep(ms),
};

let lastHost = 10;

export function specOf(image: string, changes: Partial<TaskSpec> = {}): TaskSpec {
  lastHost += 1;
  return {
    taskArn: `arn:aws:ecs:us-east-1:123456789012:task/c/${lastHost}`,
    taskId: `task${lastHost}`,
    clusterName: 'c',
    family: 'web',
    revision: 1,
    zone: 'us-east-1a',
    privateIp: `10.250.${process.pid % 250}.${lastHost}`,
    image,
    containerName: 'web',
    environment: {},
    secretNames: [],
    containerPort: undefined,
    cpuUnits: 256,
    memoryMb: 512,
    stopTimeoutSeconds: 30,
    log: { group: '/ecs/web', stream: 'web/1' },
    ...changes,
  };
}

export interface ProcessDriverFixture {
  readonly stateDir: string;
  readonly images: FixtureImageStore;
  readonly logs: MemoryLogSink;
  readonly driver: TaskDriver;
  /** @returns the name of an image whose program is this module */
  addImage(script: string, config?: object, tag?: string): Promise<string>;
  /** Starts a task of such an image. */
  start(script: string, changes?: Partial<TaskSpec>, config?: object): Promise<RunningTask>;
  /** Ends all tasks, and leaves nothing behind. */
  close(): Promise<void>;
}

/** @param name of the folder for temporary files */
export async function openProcessDriver(
  name: string,
  options: Partial<Pick<ProcessDriverOptions, 'track' | 'groups'>> = {},
): Promise<ProcessDriverFixture> {
  const stateDir = await mkdtemp(path.join(tmpdir(), `${name}-`));
  const images = new FixtureImageStore(path.join(stateDir, 'blobs'));
  const logs = new MemoryLogSink();
  const silent = { log: () => {}, track: () => {} };
  const driver = createProcessDriver({ stateDir, images, logs, clock, ...silent, ...options });
  const addImage = (script: string, config: object = {}, tag = 'v1') =>
    images.add('shop/web', tag, {
      layers: [[{ name: 'app/main.mjs', content: script }]],
      config: { WorkingDir: '/app', Cmd: ['node', 'main.mjs'], ...config },
    });
  return {
    ...{ stateDir, images, logs, driver, addImage },
    start: async (script, changes = {}, config = {}) =>
      driver.start(specOf(await addImage(script, config), changes)),
    async close() {
      await driver.stopAll(0);
      await rm(stateDir, { recursive: true, force: true });
    },
  };
}

export async function until(
  what: string,
  holds: () => boolean | Promise<boolean>,
  limitMs = WAIT_LIMIT_MS,
): Promise<void> {
  const deadline = Date.now() + limitMs;
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error(`not within ${limitMs} ms: ${what}`);
    await sleep(25);
  }
}

export function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

export async function textOf(stream: NodeJS.ReadableStream | undefined): Promise<string> {
  let text = '';
  for await (const chunk of stream ?? []) text += String(chunk);
  return text;
}
