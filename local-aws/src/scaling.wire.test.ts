/** Target tracking on the composed embedded AWS: real tasks burn CPU, and capacity follows, as the APIs of AWS show it. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createBurningService, type LoadServer, startLoadServer } from '../bench/burning-service.ts';
import { createObserver, readCpuStatistics } from '../bench/observe-scaling.ts';
import { type Daemon, startDaemon } from './daemon.ts';

/** A minute takes 0.6 real seconds. */
const speed = 100;
const minuteMs = 60_000 / speed;
const startLimitMs = 60_000;
const phaseLimitMs = 40 * minuteMs;
const testLimitMs = 120_000;

const stateDir = mkdtempSync(join(tmpdir(), 'local-aws-scaling-'));
let load: LoadServer | undefined;
let daemon: Daemon | undefined;

const clientOf = ({ info }: Daemon) => ({
  endpoint: info.endpoint,
  region: info.region,
  credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
});

beforeAll(async () => {
  load = await startLoadServer();
  daemon = await startDaemon({
    ...{ stateDir, port: undefined, speed, region: 'us-east-1', environment: process.env },
    requirements: fileURLToPath(new URL('../requirements.txt', import.meta.url)),
  });
  await createBurningService(clientOf(daemon), load.url);
}, startLimitMs);
afterAll(async () => {
  await daemon?.stop();
  await load?.close();
  rmSync(stateDir, { recursive: true, force: true });
});

test(
  '[target-tracking.end-to-end] capacity follows the load of real tasks, out after 3 minutes and in after 15',
  async () => {
    if (load === undefined || daemon === undefined) throw new Error('nothing has started');
    const { endpoint } = daemon.info;
    const observe = createObserver(clientOf(daemon));
    const poll = { timeout: phaseLimitMs, interval: minuteMs / 2 };
    await expect.poll(async () => (await observe()).deployed, { ...poll, timeout: startLimitMs }).toBe(true);
    // At once, unless this is a second try.
    load.units = 0;
    await expect.poll(async () => (await observe()).desired, poll).toBe(1);

    let since = Date.now();
    const minutes = () => (Date.now() - since) / minuteMs;
    load.units = 400;
    await expect.poll(async () => (await observe()).desired, poll).toBeGreaterThan(1);
    expect(minutes()).toBeGreaterThan(2);
    await expect.poll(async () => (await observe()).running, poll).toBeGreaterThan(1);
    const { activities, events } = await observe();
    const [first] = [...activities].reverse();
    expect(first).toMatchObject({
      Description: 'Setting desired count to 2.',
      Cause: expect.stringMatching(
        /^monitor alarm TargetTracking-service\/bench\/burner-AlarmHigh-[0-9a-f-]{36} in state ALARM triggered policy cpu$/,
      ),
    });
    expect(events).toContainEqual(
      expect.stringContaining('Message: Successfully set desired count to 2. Waiting for change'),
    );
    expect((await readCpuStatistics(endpoint)).some(({ maximum }) => maximum > 70)).toBe(true);

    load.units = 0;
    since = Date.now();
    await expect.poll(async () => (await observe()).desired, poll).toBe(1);
    expect(minutes()).toBeGreaterThan(14);
    expect((await observe()).low).toBe('ALARM');
  },
  testLimitMs,
);
