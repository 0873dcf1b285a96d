import { expect, test } from 'vitest';
import type { MetricSample } from '../contract.ts';
import { createFakeClock } from '../ecs/test/fake-clock.ts';
import { minuteAt, startOfMinute } from './aws-minute.ts';
import { FakeCloudWatch } from './fake-cloudwatch.ts';
import { createMetricPublisher, decidePublishingPauseMs } from './metric-publisher.ts';
import { MetricStore } from './metric-store.ts';
import { maxValues, mergeObservations, statisticOf, thinOut } from './statistic.ts';

const clock = createFakeClock(1_700_000_040_000);
const now = minuteAt(clock, clock.now());

function sample(minute: number, value: number, changes: Partial<MetricSample> = {}): MetricSample {
  return {
    ...{ namespace: 'AWS/ECS', name: 'm', dimensions: { B: '2', A: '1' }, unit: 'Count' },
    at: startOfMinute(clock, minute + 1),
    ...{ count: 1, sum: value, minimum: value, maximum: value },
    ...changes,
  };
}
const id = { namespace: 'AWS/ECS', name: 'm', dimensions: { A: '1', B: '2' } };

test('a sample belongs to the minute that ends with it, whatever the order of dimensions', () => {
  const store = new MetricStore(clock);
  store.record([sample(now - 1, 4), sample(now - 1, 8), sample(now, 1)]);
  expect(store.observed(id, now - 1, 1)).toEqual({ count: 2, sum: 12, minimum: 4, maximum: 8 });
  expect(store.observed(id, now - 1, 2)?.count).toBe(3);
  expect(store.observed(id, now - 2, 1)).toBeUndefined();
  expect(store.has({ ...id, name: 'other' })).toBe(false);
});

test('it keeps a day of a metric, an hour of all single values, and a thousand metrics', () => {
  const store = new MetricStore(clock);
  const values = Array.from({ length: 1_001 }, (_, i) => i);
  for (let back = 1_500; back >= 0; back -= 1) store.record([sample(now - back, 1, { values })]);
  expect(store.observed(id, now - 1_441, 1)).toBeUndefined();
  expect(store.observed(id, now - 1_440, 1)).toBeDefined();
  const older = store.observed(id, now - 61, 1);
  expect(older?.values).toHaveLength(100);
  expect(statisticOf({ ...older, ...{ count: 1, sum: 1, minimum: 0, maximum: 1_000 } }, 'p95')).toBeCloseTo(
    950,
    -1,
  );
  expect(store.observed(id, now - 60, 1)?.values).toEqual(values);
  expect(store.observed(id, now - 100_000, 200_000)?.count).toBe(1_441);
  for (let i = 0; i < 1_000; i += 1) store.record([sample(now, 1, { name: `n${i}` })]);
  expect(store.has(id)).toBe(false);
  expect(store.has({ ...id, name: 'n0' })).toBe(true);
});

test('percentiles lie between the nearest values, also of thinned ones', () => {
  const values = Array.from({ length: 101 }, (_, i) => i);
  const observed = { count: 101, sum: 5_050, minimum: 0, maximum: 100, values };
  expect(['p0', 'p50', 'p99.5', 'p100', 'Average'].map((name) => statisticOf(observed, name))).toEqual([
    0, 50, 99.5, 100, 50,
  ]);
  expect(statisticOf({ ...observed, values: undefined }, 'p95')).toBeUndefined();
  const many = thinOut(Array.from({ length: 50_000 }, (_, i) => i));
  expect(many).toHaveLength(maxValues);
  expect(statisticOf({ ...observed, values: many }, 'p95')).toBeCloseTo(47_499, -2);
});

test('each single value stands for as many as any other, however many were kept of each side', () => {
  const side = (count: number, value: number, kept: number) => ({
    ...{ count, sum: count * value, minimum: value, maximum: value + 1 },
    values: Array.from({ length: kept }, () => value),
  });
  // 10 000 fast answers of which 100 are kept, and 1 000 slow ones that were all kept: one in eleven is slow.
  const merged = mergeObservations(side(10_000, 1, 100), side(1_000, 9, 1_000));
  expect(['p50', 'p90', 'p92'].map((name) => statisticOf(merged, name))).toEqual([1, 1, 9]);
  const few = mergeObservations(side(1, 5, 1), side(10_000, 1, 100));
  expect(few?.values).toContain(5);
});

test('a statistic set has percentiles only where all its values are the same', () => {
  const set = { count: 3, sum: 12, minimum: 4, maximum: 4 };
  expect(statisticOf(set, 'p95')).toBe(4);
  expect(statisticOf({ ...set, maximum: 5 }, 'p95')).toBeUndefined();
});

test('metrics are handed on in batches, summed up over the pause', async () => {
  const control = new FakeCloudWatch();
  const fake = createFakeClock(1_700_000_040_000, 60);
  const lines: string[] = [];
  const publisher = createMetricPublisher({ clock: fake, control, log: (line) => lines.push(line) });
  for (let i = 0; i < 150; i += 1) publisher.record([sample(now, i, { name: `n${i}` })]);
  publisher.record([sample(now, 7, { name: 'n1' })]);
  await fake.advance(1_100);
  const puts = control.of('PutMetricData');
  expect(puts).toHaveLength(2);
  expect(puts[0]).toMatchObject({
    Namespace: 'AWS/ECS',
    'MetricData.member.2.MetricName': 'n1',
    'MetricData.member.2.StatisticValues.SampleCount': '2',
    'MetricData.member.2.StatisticValues.Sum': '8',
    'MetricData.member.2.StatisticValues.Minimum': '1',
    'MetricData.member.2.StatisticValues.Maximum': '7',
    'MetricData.member.2.Dimensions.member.1.Name': 'A',
    'MetricData.member.2.Dimensions.member.2.Name': 'B',
  });

  control.failure = 'gone';
  for (let i = 0; i < 3; i += 1) {
    publisher.record([sample(now, 1)]);
    await fake.advance(1_000);
  }
  expect(lines).toEqual(['publishing metrics: gone']);
  control.failure = undefined;
  await fake.advance(1_000);
  expect(control.of('PutMetricData')).toHaveLength(2);
  const stopped = publisher.stop();
  await fake.advance(0);
  await stopped;
});

test('the more lies in the control plane, the longer the pause: a day of twenty metrics stays below 100 000', () => {
  let [elapsedMs, published] = [0, 0];
  while (elapsedMs < 86_400_000) {
    elapsedMs += decidePublishingPauseMs(1_000, published);
    published += 20;
  }
  expect(published).toBeLessThan(100_000);
  expect(decidePublishingPauseMs(60_000, 0)).toBe(60_000);
});
