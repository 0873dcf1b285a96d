import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { type RuntimeSampler, startRuntimeSampler } from './runtime-sample.ts';

const STALL_MS = 150;

function stall(): void {
  const end = performance.now() + STALL_MS;
  while (performance.now() < end);
}

describe('startRuntimeSampler', () => {
  let sampler: RuntimeSampler | undefined;
  afterEach(() => sampler?.stop());

  it('measures memory and CPU, and sees a stalled event loop once', async () => {
    sampler = startRuntimeSampler();
    await sleep(100);
    stall();
    await sleep(50);
    const stalled = sampler.sample();
    expect(stalled.residentBytes).toBeGreaterThan(1_000_000);
    expect(stalled.heapUsedBytes).toBeLessThanOrEqual(stalled.residentBytes);
    expect(stalled.cpuSeconds).toBeGreaterThan(0);
    expect(stalled.lagP99Seconds).toBeGreaterThan(0.1);
    // The next sample starts anew; with nothing measured yet there is no lag either.
    expect(sampler.sample().lagP99Seconds).toBe(0);
  });
});
