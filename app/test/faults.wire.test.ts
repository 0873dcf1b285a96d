/** Injected faults on the built service, slow clients, and metrics through the log. */
import { rm } from 'node:fs/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { makeImageDir, type RunningService, startService } from './built-service.ts';

const CRASH_EXIT_CODE = 70;

let imageDir = '';
beforeAll(async () => {
  imageDir = await makeImageDir();
}, 30_000);
afterAll(() => rm(imageDir, { recursive: true, force: true }));

const running: RunningService[] = [];
afterEach(() => {
  for (const service of running.splice(0)) service.process.kill('SIGKILL');
});

async function start(
  env: Readonly<Record<string, string>>,
): Promise<{ service: RunningService; origin: string }> {
  const service = startService(imageDir, { SHUTDOWN_DELAY_MS: '0', ...env });
  running.push(service);
  return { service, origin: `http://127.0.0.1:${(await service.logged('listening')).port}` };
}

async function inject(origin: string, kind: string, settings: object = {}): Promise<number> {
  const headers = { 'content-type': 'application/json' };
  const body = JSON.stringify(settings);
  return (await fetch(`${origin}/faults/${kind}`, { method: 'PUT', headers, body })).status;
}

const statusOf = async (url: string): Promise<number> => (await fetch(url)).status;

describe('injected faults', () => {
  it('hit requests, spare probes, and end on demand', async () => {
    const { service, origin } = await start({ FAULTS: 'on' });
    await service.logged('ready');
    expect(await inject(origin, 'status', { status: 502 })).toBe(200);
    expect(await inject(origin, 'delay', { milliseconds: 150 })).toBe(200);
    const begin = performance.now();
    expect(await statusOf(`${origin}/version`)).toBe(502);
    expect(performance.now() - begin).toBeGreaterThan(140);
    expect(await statusOf(`${origin}/healthz`)).toBe(200);
    expect(await inject(origin, 'unready')).toBe(200);
    expect([await statusOf(`${origin}/readyz`), await statusOf(`${origin}/healthz`)]).toEqual([503, 200]);
    expect((await fetch(`${origin}/faults`, { method: 'DELETE' })).status).toBe(200);
    expect([await statusOf(`${origin}/version`), await statusOf(`${origin}/readyz`)]).toEqual([200, 200]);
  });

  it('end by themselves', async () => {
    const { origin } = await start({ FAULTS: 'on' });
    await inject(origin, 'status', { forSeconds: 1 });
    expect(await statusOf(`${origin}/version`)).toBe(503);
    await expect.poll(() => statusOf(`${origin}/version`), { timeout: 5_000 }).toBe(200);
  });

  it('burn, hold memory, and crash with an exit code of their own', async () => {
    const { service, origin } = await start({ FAULTS: 'on' });
    const memory = async () =>
      ((await (await fetch(`${origin}/status`)).json()) as { memoryBytes: number }).memoryBytes;
    const before = await memory();
    expect(await inject(origin, 'memory', { mebibytes: 100 })).toBe(200);
    expect(await inject(origin, 'cpu', { percent: 50 })).toBe(200);
    expect((await memory()) - before).toBeGreaterThan(80_000_000);
    expect(await statusOf(`${origin}/version`)).toBe(200);
    expect(await inject(origin, 'crash', { afterMilliseconds: 50 })).toBe(200);
    expect(await service.exited).toEqual({ code: CRASH_EXIT_CODE, signal: null });
    expect(service.lines.at(-1)).toMatchObject({ level: 'error', msg: 'crashed on purpose' });
  });

  it('are not there unless enabled, and end the start in production', async () => {
    const { origin } = await start({});
    expect([await inject(origin, 'crash'), await statusOf(`${origin}/faults`)]).toEqual([404, 404]);
    const production = startService(imageDir, { FAULTS: 'on', ENVIRONMENT: 'prod' });
    running.push(production);
    expect(await production.exited).toEqual({ code: 78, signal: null });
    expect(production.lines).toMatchObject([{ level: 'error', msg: expect.stringContaining('FAULTS="on"') }]);
  });
});

describe('metrics through the log', () => {
  it('come as one line for each interval', async () => {
    const { service, origin } = await start({ METRICS_INTERVAL_SECONDS: '1', ENVIRONMENT: 'qa' });
    await statusOf(`${origin}/version`);
    expect(await service.logged('metrics')).toMatchObject({
      _aws: {
        CloudWatchMetrics: [{ Namespace: 'Towpath/App', Dimensions: [['Application', 'Environment']] }],
      },
      Application: 'app',
      Environment: 'qa',
      Requests: 1,
      Duration: [expect.any(Number)],
    });
  });
});
