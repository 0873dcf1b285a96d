/** Lines in the embedded metric format, whole and broken. */
import { expect, it } from 'vitest';
import type { ControlPlane, MetricSample } from '../contract.ts';
import { createFakeClock } from '../ecs/test/fake-clock.ts';
import { readEmbeddedMetrics } from './embedded-metrics.ts';
import { readLine } from './filter-pattern.ts';
import { createLogMetrics } from './log-metrics.ts';

const line = (changes: object = {}, directive: object = {}) => ({
  _aws: {
    Timestamp: 1,
    CloudWatchMetrics: [
      {
        Namespace: 'Shop',
        Dimensions: [['Service'], ['Service', 'Zone']],
        Metrics: [{ Name: 'Duration', Unit: 'Milliseconds' }, { Name: 'Requests' }],
        ...directive,
      },
    ],
  },
  ...{ Service: 'web', Zone: 'a', Duration: [5, 1, 3], Requests: 2, other: 'x' },
  ...changes,
});
const read = (value: object) => readEmbeddedMetrics(readLine(JSON.stringify(value)), 60_000);

it('makes a metric of each name and set of dimensions, with every value', () => {
  const [first, second, ...more] = read(line());
  expect(first).toEqual({
    ...{ namespace: 'Shop', name: 'Duration', unit: 'Milliseconds', at: 60_000 },
    dimensions: { Service: 'web' },
    ...{ count: 3, sum: 9, minimum: 1, maximum: 5, values: [5, 1, 3] },
  });
  expect(second).toMatchObject({ name: 'Requests', unit: 'None', count: 1, sum: 2 });
  expect(more.map(({ name, dimensions }) => [name, dimensions])).toEqual([
    ['Duration', { Service: 'web', Zone: 'a' }],
    ['Requests', { Service: 'web', Zone: 'a' }],
  ]);
  expect(read(line({}, { Dimensions: [[]] })).map(({ dimensions }) => dimensions)).toEqual([{}, {}]);
});

it('leaves out what breaks the format, and nothing else', () => {
  expect(read(line({ Zone: 7 }))).toHaveLength(2);
  expect(read(line({ Duration: 'long' })).map(({ name }) => name)).toEqual(['Requests', 'Requests']);
  expect(read(line({ Duration: [] }))).toHaveLength(2);
  expect(read(line({ Duration: Array(101).fill(1) }))).toHaveLength(2);
  expect(read(line({}, { Namespace: '' }))).toEqual([]);
  expect(read({ _aws: {} })).toEqual([]);
  expect(readEmbeddedMetrics(readLine('"_aws"'), 0)).toEqual([]);
});

it('counts for the minute in which the line came', async () => {
  const clock = createFakeClock(1_700_000_045_000);
  const samples: MetricSample[] = [];
  const control = { json: async () => ({ metricFilters: [] }) } as unknown as ControlPlane;
  const sink = { record: (recorded: readonly MetricSample[]) => void samples.push(...recorded) };
  const metrics = createLogMetrics({ clock, control, sink, log: () => undefined });
  const lines = [line({}, { Dimensions: [[]] }), { level: 'info' }].map((each) => ({
    message: JSON.stringify(each),
  }));
  metrics.observe('/ecs/shop', [...lines, { message: 'not "_aws" at all' }]);
  expect(samples.map(({ name, at }) => [name, at])).toEqual([
    ['Duration', 1_700_000_100_000],
    ['Requests', 1_700_000_100_000],
  ]);
  await metrics.stop();
});
