/**
 * Two tasks behind a load balancer under a constant load, of which one after the other is stopped with SIGTERM, out of
 * the blue, and replaced: what ECS does on every deployment, but without taking the task out of the load balancer first.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { constantLoad, type LoadReport, type LoadRequest } from '../../test/support/constant-load.ts';
import { freePort } from '../../test/support/free-port.ts';
import { type RunningService, startService } from '../test/built-service.ts';
import { type Haproxy, startHaproxy } from './haproxy.ts';
import { stopWithUs } from './stop-with-us.ts';

const TASKS = 2;
const UP_LIMIT_MS = 20_000;
/** A request without an answer for this long has failed. */
const REQUEST_TIMEOUT_MS = 10_000;

export interface RestartsOptions {
  /** Holds the built service. */
  readonly imageDir: string;
  readonly ratePerSecond: number;
  readonly durationMs: number;
  /** From the moment that a task takes requests until the other one is stopped. */
  readonly pauseMs: number;
  readonly probeIntervalMs: number;
  /** Of the service; the time in which the load balancer must notice. */
  readonly shutdownDelayMs: number;
  readonly onRestart?: (restarts: number) => void;
}

export interface RestartsReport {
  readonly load: LoadReport;
  readonly restarts: number;
  /** Ends of tasks other than exit code 0; there should be none. */
  readonly badEnds: readonly string[];
}

const BODY = 'x'.repeat(512);

function requestAt(index: number): LoadRequest {
  const path = `/cache/key-${index % 50}`;
  if (index % 4 === 0) return { method: 'PUT', path, body: BODY, headers: { 'content-type': 'text/plain' } };
  return { path: index % 4 === 1 ? '/version' : '/' };
}

export async function restartUnderLoad(options: RestartsOptions): Promise<RestartsReport> {
  const { imageDir, ratePerSecond, durationMs, probeIntervalMs, shutdownDelayMs } = options;
  const ports = await Promise.all(Array.from({ length: TASKS }, freePort));
  const start = (index: number): RunningService =>
    startService(imageDir, {
      PORT: String(ports[index]),
      SHUTDOWN_DELAY_MS: String(shutdownDelayMs),
    });
  const tasks: RunningService[] = [];
  const kill = (): void => {
    for (const task of tasks) task.process.kill('SIGKILL');
  };
  const forget = stopWithUs(kill);
  const haproxy = await startHaproxy(ports, probeIntervalMs);
  try {
    for (let index = 0; index < TASKS; index += 1) tasks.push(start(index));
    for (let index = 0; index < TASKS; index += 1) await haproxy.untilUp(index, UP_LIMIT_MS);
    const load = constantLoad({
      url: `${haproxy.origin}/`,
      requestAt,
      ratePerSecond,
      durationMs,
      requestTimeoutMs: REQUEST_TIMEOUT_MS,
    });
    const replaced = await replaceInTurn(options, haproxy, tasks, start);
    return { load: await load, ...replaced };
  } finally {
    forget();
    kill();
    await Promise.all(tasks.map(({ exited }) => exited));
    await haproxy.stop();
  }
}

/** One at a time, and the next only when the load balancer sends requests to the new one. */
async function replaceInTurn(
  { durationMs, pauseMs, shutdownDelayMs, onRestart }: RestartsOptions,
  haproxy: Haproxy,
  tasks: RunningService[],
  start: (index: number) => RunningService,
): Promise<Pick<RestartsReport, 'restarts' | 'badEnds'>> {
  const badEnds: string[] = [];
  // The last one comes back while the load still goes on.
  const deadline = performance.now() + durationMs - 2 * (pauseMs + shutdownDelayMs);
  let restarts = 0;
  for (let index = 0; performance.now() < deadline; index = (index + 1) % TASKS) {
    await sleep(pauseMs);
    tasks[index]?.process.kill('SIGTERM');
    const end = await tasks[index]?.exited;
    if (end?.code !== 0) badEnds.push(JSON.stringify(end));
    tasks[index] = start(index);
    await haproxy.untilUp(index, UP_LIMIT_MS);
    restarts += 1;
    onRestart?.(restarts);
  }
  return { restarts, badEnds };
}
