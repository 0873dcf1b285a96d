/** Tasks that are stopped and replaced under load, behind a real load balancer. Needs haproxy on the PATH. */
import { rm } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasHaproxy } from '../bench/haproxy.ts';
import { restartUnderLoad } from '../bench/restarts.ts';
import { makeImageDir } from './built-service.ts';

const withHaproxy = hasHaproxy();
const DURATION_MS = 20_000;
const RATE_PER_SECOND = 100;

if (!withHaproxy) console.warn('haproxy is not installed: restarts are tested without a real load balancer');

let imageDir = '';
beforeAll(async () => {
  imageDir = await makeImageDir();
}, 30_000);
afterAll(() => rm(imageDir, { recursive: true, force: true }));

describe('tasks that are stopped with SIGTERM and replaced under load', () => {
  it.runIf(withHaproxy)('lose no request', async () => {
    const { load, restarts, badEnds } = await restartUnderLoad({
      imageDir,
      ratePerSecond: RATE_PER_SECOND,
      durationMs: DURATION_MS,
      pauseMs: 500,
      probeIntervalMs: 250,
      shutdownDelayMs: 2_000,
    });
    expect(load.errors).toEqual({});
    expect(load.statuses).toEqual({ 200: (DURATION_MS / 1_000) * RATE_PER_SECOND });
    expect(badEnds).toEqual([]);
    expect(restarts).toBeGreaterThanOrEqual(2);
  });
});
