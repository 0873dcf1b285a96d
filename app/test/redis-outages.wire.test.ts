/** A Redis that dies and returns under a constant load. Needs redis-server on the PATH. */
import { spawnSync } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loseRedisUnderLoad } from '../bench/redis-outages.ts';
import { makeImageDir } from './built-service.ts';

const withRedis = spawnSync('redis-server', ['--version']).status === 0;
const DURATION_MS = 10_000;
const RATE_PER_SECOND = 100;

if (!withRedis) console.warn('redis-server is not installed: its death under load is not tested');

let imageDir = '';
beforeAll(async () => {
  imageDir = await makeImageDir();
}, 30_000);
afterAll(() => rm(imageDir, { recursive: true, force: true }));

describe('a Redis that is killed and started again under a constant load', () => {
  it.runIf(withRedis)(
    'fails no request; metrics, status and page say that it is away, and back',
    async () => {
      const { load, outages } = await loseRedisUnderLoad({
        imageDir,
        ratePerSecond: RATE_PER_SECOND,
        durationMs: DURATION_MS,
        upMs: 1_000,
        downMs: 2_000,
      });
      expect(load.errors).toEqual({});
      expect(load.statuses).toEqual({ 200: (DURATION_MS / 1_000) * RATE_PER_SECOND });
      expect(outages.length).toBeGreaterThanOrEqual(1);
    },
  );
});
