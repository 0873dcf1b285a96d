import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { MetricSample } from '../contract.ts';
import type { ServiceLoad } from '../ecs/service-load.ts';
import { createFakeClock } from '../ecs/test/fake-clock.ts';
import { decideShares, startServiceMetrics } from './service-metrics.ts';

const minuteMs = 60_000;

test('[target-tracking.cpu-utilization] CPU is what all tasks use of what all have reserved', () => {
  expect(
    decideShares([
      { reserved: 256, used: 256 },
      { reserved: 1024, used: 64 },
    ]),
  ).toEqual({ tasks: 2, all: 25, lowest: 6.25, highest: 100 });
  expect(decideShares([])).toBeUndefined();
});

test('no task counts for more than it has reserved, as on Fargate', () => {
  const task = fc.record({
    reserved: fc.integer({ min: 1, max: 4096 }),
    used: fc.integer({ min: 0, max: 9999 }),
  });
  fc.assert(
    fc.property(fc.array(task, { minLength: 1 }), (tasks) => {
      const shares = decideShares(tasks);
      expect(shares?.highest).toBeLessThanOrEqual(100);
      expect(shares?.all).toBeLessThanOrEqual((shares?.highest ?? 0) + 1e-9);
      expect(shares?.all).toBeGreaterThanOrEqual((shares?.lowest ?? 0) - 1e-9);
    }),
  );
});

async function measure(speed: number, forMs: number): Promise<readonly MetricSample[]> {
  const clock = createFakeClock(1_700_000_040_000, speed);
  const usage = () => ({ cpuUnits: 128, memoryMb: 384 });
  const load: ServiceLoad = {
    ...{ clusterName: 'c', serviceName: 's', desiredCount: 3, runningCount: 2, pendingCount: 1 },
    deploying: false,
    tasks: ['a', 'b'].map((id) => ({ id, cpuUnits: 256, memoryMb: 512, usage })),
  };
  const samples: MetricSample[] = [];
  const sink = { record: (more: readonly MetricSample[]) => void samples.push(...more) };
  const loop = startServiceMetrics({ clock, services: () => [load], sink, log: () => undefined });
  await clock.advance(forMs);
  const stopped = loop.stop();
  await clock.advance(0);
  await stopped;
  return samples;
}

test('[target-tracking.memory-utilization] CPU and memory are reported each minute, one value a task', async () => {
  const samples = await measure(1, 2 * minuteMs + 100);
  const cpu = samples.filter(({ name }) => name === 'CPUUtilization');
  expect(cpu).toHaveLength(2);
  expect(cpu[0]).toEqual({
    ...{ namespace: 'AWS/ECS', name: 'CPUUtilization', unit: 'Percent' },
    dimensions: { ClusterName: 'c', ServiceName: 's' },
    ...{ at: 1_700_000_100_000, count: 2, sum: 100, minimum: 50, maximum: 50 },
  });
  expect(samples.find(({ name }) => name === 'MemoryUtilization')).toMatchObject({ count: 2, sum: 150 });
  expect(samples.find(({ name }) => name === 'RunningTaskCount')).toMatchObject({
    ...{ namespace: 'ECS/ContainerInsights', minimum: 2, maximum: 2 },
  });
  expect(samples.find(({ name }) => name === 'DesiredTaskCount')).toMatchObject({ minimum: 3 });
});

test.each([10, 60, 600])('at speed %i no minute is left out', async (speed) => {
  const samples = await measure(speed, 20 * (minuteMs / speed) + 600);
  const ends = samples.filter(({ name }) => name === 'CPUUtilization').map(({ at }) => at);
  const gaps = ends.slice(1).map((at, i) => Math.round(at - (ends[i] ?? 0)));
  expect(ends.length).toBeGreaterThanOrEqual(19);
  expect(new Set(gaps)).toEqual(new Set([minuteMs / speed]));
});
