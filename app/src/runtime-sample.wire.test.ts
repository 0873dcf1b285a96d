import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { type RuntimeSampler, startRuntimeSampler } from './runtime-sample.ts';

const STALL_MS = 150;

function stall(): void {
  const end = performance.now() + STALL_MS;
  while (performance.now() < end);
}

describe('startRuntimeSampler', () => {
  let sampler: RuntimeSampler | undefined;
  afterEach(() => {
    sampler?.stop();
    vi.restoreAllMocks();
  });

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

  it.each([
    [268_435_456, 268_435_456],
    [0, undefined],
    [2 ** 64, undefined],
  ])('of %d bytes that the system allows, says %d', (allowed, limit) => {
    vi.spyOn(process, 'constrainedMemory').mockReturnValue(allowed);
    sampler = startRuntimeSampler();
    expect(sampler.sample().memoryLimitBytes).toBe(limit);
  });

  it('seldom wakes an idle loop, and looks often again once it works', async () => {
    const pauses = { busyMs: 10, idleMs: 250 };
    sampler = startRuntimeSampler(pauses);
    await sleep(2 * pauses.idleMs);
    const planned = vi.spyOn(globalThis, 'setTimeout');
    const looksEvery = (ms: number) => planned.mock.calls.filter(([, pauseMs]) => pauseMs === ms).length;
    await sleep(4 * pauses.idleMs);
    expect(looksEvery(pauses.idleMs)).toBeGreaterThan(0);
    expect(looksEvery(pauses.busyMs)).toBe(0);
    for (let round = 0; round < 4; round += 1) {
      stall();
      await sleep(100);
    }
    expect(looksEvery(pauses.busyMs)).toBeGreaterThan(3);
  });
});
