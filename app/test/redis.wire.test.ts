/** The cache with a real Redis that is stopped and started during requests. Needs redis-server on the PATH. */
import { type ChildProcess, spawnSync } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { freePort } from '../../test/support/free-port.ts';
import { makeImageDir, startService } from './built-service.ts';
import { endProcess, REDIS_PASSWORD, startRedis } from './redis-server.ts';

const withRedis = spawnSync('redis-server', ['--version']).status === 0;
const WORKERS = 4;
const PAUSE_MS = 5;
const LOAD_MS = 400;
const MODE_TIMEOUT_MS = 10_000;
const POLL_MS = 25;

if (!withRedis) console.warn('redis-server is not installed: the cache is tested without a real Redis');

let imageDir = '';
beforeAll(async () => {
  imageDir = await makeImageDir();
}, 30_000);
afterAll(() => rm(imageDir, { recursive: true, force: true }));

const children: ChildProcess[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

function startOwnRedis(port: number): ChildProcess {
  const child = startRedis(port);
  children.push(child);
  return child;
}

async function untilMode(origin: string, mode: string): Promise<void> {
  const deadline = Date.now() + MODE_TIMEOUT_MS;
  while (Date.now() < deadline) {
    const { cache } = (await (await fetch(`${origin}/status`)).json()) as { cache: { mode: string } };
    if (cache.mode === mode) return;
    await sleep(POLL_MS);
  }
  throw new Error(`the cache did not turn to "${mode}" within ${MODE_TIMEOUT_MS} ms`);
}

/** Writes and reads back, over and over; every answer must be the value that the same worker has written. */
function startLoad(origin: string): { stop: () => Promise<void>; answers: string[]; failures: string[] } {
  const failures: string[] = [];
  const answers: string[] = [];
  let wanted = true;
  const worker = async (id: number): Promise<void> => {
    const url = `${origin}/cache/worker-${id}`;
    const headers = { 'content-type': 'text/plain' };
    for (let round = 0; wanted; round += 1) {
      const put = await fetch(url, { method: 'PUT', body: String(round), headers });
      const got = await fetch(url);
      const [stored, value] = [await put.json(), await got.text()] as [{ store: string }, string];
      if (put.status !== 200 || got.status !== 200 || value !== String(round)) {
        failures.push(`round ${round}: ${put.status} ${got.status} ${value}`);
      }
      answers.push(stored.store);
      await sleep(PAUSE_MS);
    }
  };
  const workers = Array.from({ length: WORKERS }, (_, id) => worker(id));
  const stop = async (): Promise<void> => {
    wanted = false;
    await Promise.all(workers);
  };
  return { stop, answers, failures };
}

describe('a Redis that dies and returns during requests', () => {
  it.runIf(withRedis)('fails no request, and is seen in status, metrics and log', async () => {
    const redisPort = await freePort();
    const redis = startOwnRedis(redisPort);
    const service = startService(imageDir, {
      REDIS_URL: `redis://:${REDIS_PASSWORD}@127.0.0.1:${redisPort}`,
      SHUTDOWN_DELAY_MS: '0',
    });
    children.push(service.process);
    const origin = `http://127.0.0.1:${(await service.logged('listening')).port}`;
    await untilMode(origin, 'redis');
    const load = startLoad(origin);
    await sleep(LOAD_MS);
    await endProcess(redis);
    await untilMode(origin, 'degraded');
    await sleep(LOAD_MS);
    expect(await (await fetch(`${origin}/metrics`)).text()).toContain('app_cache_mode{mode="degraded"} 1');
    expect((await fetch(`${origin}/readyz`)).status).toBe(200);
    startOwnRedis(redisPort);
    await untilMode(origin, 'redis');
    await sleep(LOAD_MS);
    await load.stop();
    expect(load.failures).toEqual([]);
    expect(new Set(load.answers)).toEqual(new Set(['redis', 'degraded']));
    service.process.kill('SIGTERM');
    expect(await service.exited).toEqual({ code: 0, signal: null });
    const modes = service.lines.filter(({ msg }) => msg === 'cache').map(({ mode }) => mode);
    expect(modes.at(0)).toBe('redis');
    expect(modes).toContain('degraded');
    expect(modes.at(-1)).toBe('redis');
    expect(JSON.stringify(service.lines)).not.toContain(REDIS_PASSWORD);
  });
});
