/**
 * The service with a real Redis that is killed and started again under a constant load of reads and writes, and what
 * its metrics, its status and its page say meanwhile. Needs redis-server on the PATH.
 */
import type { ChildProcess } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { constantLoad, type LoadReport, type LoadRequest } from '../../test/support/constant-load.ts';
import { freePort } from '../../test/support/free-port.ts';
import { type RunningService, startService } from '../test/built-service.ts';
import { REDIS_PASSWORD, startRedis } from '../test/redis-server.ts';
import { stopWithUs } from './stop-with-us.ts';

/** Each is written anew while Redis is away, which comes back empty: at 100 requests a second within 400 ms. */
const KEYS = 20;
const SEEN_LIMIT_MS = 30_000;
const POLL_MS = 25;
const LAST_LINES = 5;
const REQUEST_TIMEOUT_MS = 10_000;

export interface OutagesOptions {
  /** Holds the built service. */
  readonly imageDir: string;
  readonly ratePerSecond: number;
  readonly durationMs: number;
  /** How long Redis is there, and how long it is away, each time. */
  readonly upMs: number;
  readonly downMs: number;
  readonly onOutage?: (outage: Outage) => void;
}

export interface Outage {
  /** From the death of Redis until metrics, status and page said so. */
  readonly seenAfterMs: number;
  /** From the start of Redis until all three said that it is used again. */
  readonly recoveredAfterMs: number;
}

export interface OutagesReport {
  readonly load: LoadReport;
  readonly outages: readonly Outage[];
}

function requestAt(index: number): LoadRequest {
  const path = `/cache/key-${Math.floor(index / 2) % KEYS}`;
  if (index % 2 === 1) return { path };
  return { method: 'PUT', path, body: `value ${index}`, headers: { 'content-type': 'text/plain' } };
}

/** How the three places put the modes of the cache into words. */
const SHOWN = {
  redis: { metric: 'app_cache_mode{mode="redis"} 1', page: />Redis</ },
  degraded: { metric: 'app_cache_mode{mode="degraded"} 1', page: />memory, Redis is away</ },
} as const;

async function shows(origin: string, mode: keyof typeof SHOWN): Promise<boolean> {
  const read = async (path: string, accept: string): Promise<string> =>
    (await fetch(`${origin}${path}`, { headers: { accept } })).text();
  const [metrics, status, page] = await Promise.all([
    read('/metrics', '*/*'),
    read('/status', 'application/json'),
    read('/', 'text/html'),
  ]);
  const { cache } = JSON.parse(status) as { cache: { mode: string } };
  return metrics.includes(SHOWN[mode].metric) && cache.mode === mode && SHOWN[mode].page.test(page);
}

/** Milliseconds until all three places show the mode. */
async function untilShown(
  service: RunningService,
  origin: string,
  mode: keyof typeof SHOWN,
): Promise<number> {
  const begin = performance.now();
  while (performance.now() - begin < SEEN_LIMIT_MS) {
    if (await shows(origin, mode)) return performance.now() - begin;
    await sleep(POLL_MS);
  }
  const said = service.lines.filter(({ msg }) => msg === 'cache').slice(-LAST_LINES);
  throw new Error(
    `metrics, status and page did not all show "${mode}" within ${SEEN_LIMIT_MS} ms; the service said ${JSON.stringify(said)}`,
  );
}

export async function loseRedisUnderLoad(options: OutagesOptions): Promise<OutagesReport> {
  const { imageDir, ratePerSecond, durationMs, upMs, downMs, onOutage } = options;
  const redisPort = await freePort();
  const children: ChildProcess[] = [];
  const kill = (): void => {
    for (const child of children) child.kill('SIGKILL');
  };
  const forget = stopWithUs(kill);
  const own = (child: ChildProcess): ChildProcess => {
    children.push(child);
    return child;
  };
  try {
    let redis = own(startRedis(redisPort));
    const service = startService(imageDir, {
      REDIS_URL: `redis://:${REDIS_PASSWORD}@127.0.0.1:${redisPort}`,
      SHUTDOWN_DELAY_MS: '0',
    });
    own(service.process);
    const origin = `http://127.0.0.1:${(await service.logged('listening')).port}`;
    await untilShown(service, origin, 'redis');
    const load = constantLoad({
      url: origin,
      requestAt,
      ratePerSecond,
      durationMs,
      requestTimeoutMs: REQUEST_TIMEOUT_MS,
    });
    const deadline = performance.now() + durationMs - upMs - downMs;
    const outages: Outage[] = [];
    while (performance.now() < deadline) {
      await sleep(upMs);
      redis.kill('SIGKILL');
      const seenAfterMs = await untilShown(service, origin, 'degraded');
      await sleep(downMs);
      redis = own(startRedis(redisPort));
      const outage = { seenAfterMs, recoveredAfterMs: await untilShown(service, origin, 'redis') };
      outages.push(outage);
      onOutage?.(outage);
    }
    return { load: await load, outages };
  } finally {
    forget();
    kill();
  }
}
