import { expect, test } from 'vitest';
import type { MetricSample } from '../contract.ts';
import { createFakeClock } from '../ecs/test/fake-clock.ts';
import { minuteAt, startOfMinute } from './aws-minute.ts';
import { FakeCloudWatch } from './fake-cloudwatch.ts';
import { decideMetricStatistics, loadMetricData } from './metric-data.ts';
import { parseMetricDataRequest, parseMetricStatisticsRequest } from './metric-requests.ts';
import { MetricStore } from './metric-store.ts';
import { decidePeriods } from './metric-window.ts';

const clock = createFakeClock(1_700_000_040_000);
const now = minuteAt(clock, clock.now());
const control = new FakeCloudWatch();
const minute = (back: number) => startOfMinute(clock, now - back);
const seconds = (ms: number) => ms / 1_000;

function storeOf(samples: readonly Partial<MetricSample>[]) {
  const store = new MetricStore(clock);
  const base = { namespace: 'AWS/ApplicationELB', dimensions: { LoadBalancer: 'l' }, unit: 'Count' } as const;
  store.record(
    samples.map((sample) => ({
      ...{ ...base, name: 'RequestCount', at: minute(0), count: 1, sum: 1, minimum: 0, maximum: 1 },
      ...sample,
    })),
  );
  return { clock, control, store };
}

const metric = (MetricName: string, Namespace = 'AWS/ApplicationELB') => ({
  ...{ Namespace, MetricName },
  Dimensions: [{ Name: 'LoadBalancer', Value: 'l' }],
});
const stat = (Id: string, name: string, Stat: string, changes: object = {}) => ({
  Id,
  MetricStat: { Metric: metric(name), Period: 60, Stat, ...changes },
});
const window = { StartTime: seconds(minute(3)), EndTime: seconds(minute(0)) };
const data = (source: ReturnType<typeof storeOf>, MetricDataQueries: object[], more: object = {}) =>
  loadMetricData(source, parseMetricDataRequest({ ...window, MetricDataQueries, ...more }));

const latency = { name: 'TargetResponseTime', unit: 'Seconds', minimum: 0, maximum: 2 } as const;
const values = Array.from({ length: 101 }, (_, i) => i / 100);

test('percentiles and sums by period, newest first unless asked otherwise', async () => {
  const source = storeOf([
    { ...latency, at: minute(2), count: 101, sum: 50.5, values },
    { ...latency, at: minute(0), count: 101, sum: 50.5, values: values.map((value) => 2 * value) },
  ]);
  const queries = [stat('p', 'TargetResponseTime', 'p95'), stat('n', 'TargetResponseTime', 'SampleCount')];
  const [p, n] = (await data(source, queries)) ?? [];
  expect(p).toEqual({
    ...{ id: 'p', label: 'TargetResponseTime' },
    points: [
      { at: minute(1), value: 1.9 },
      { at: minute(3), value: 0.95 },
    ],
  });
  expect(n?.points.map(({ value }) => value)).toEqual([101, 101]);
  const [oldest] = (await data(source, queries, { ScanBy: 'TimestampAscending' })) ?? [];
  expect(oldest?.points[0]?.at).toBe(minute(3));
  const whole = stat('p', 'TargetResponseTime', 'Sum', { Period: 180 });
  expect((await data(source, [whole]))?.[0]?.points).toEqual([{ at: minute(3), value: 101 }]);
  expect(
    (await data(source, [stat('p', 'TargetResponseTime', 'p95', { Unit: 'Count' })]))?.[0]?.points,
  ).toEqual([]);
});

test('metric math over what is measured here', async () => {
  const errors = { name: 'HTTPCode_Target_5XX_Count' };
  const source = storeOf([
    { at: minute(2), sum: 100 },
    { at: minute(1), sum: 10 },
    { at: minute(0), sum: 50 },
    { ...errors, at: minute(2), sum: 30 },
  ]);
  const queries = [
    {
      Id: 'share',
      Label: 'share of errors',
      Expression: 'IF(requests >= 20, 100 * FILL(errors, 0) / requests)',
    },
    { ...stat('errors', errors.name, 'Sum'), ReturnData: false },
    { ...stat('requests', 'RequestCount', 'Sum'), ReturnData: false },
  ];
  expect(await data(source, queries)).toEqual([
    {
      ...{ id: 'share', label: 'share of errors' },
      points: [
        { at: minute(1), value: 0 },
        { at: minute(3), value: 30 },
      ],
    },
  ]);
});

test('what others measure is the control plane’s, unless it can’t answer', async () => {
  const source = storeOf([]);
  const foreign = (Stat: string) => [
    { Id: 'f', MetricStat: { Metric: metric('Depth', 'App'), Period: 60, Stat } },
  ];
  expect(await data(source, foreign('Average'))).toBeUndefined();
  expect(await data(source, foreign('p95'))).toEqual([{ id: 'f', label: 'Depth', points: [] }]);
  expect(control.of('GetMetricData')).toHaveLength(1);
});

test.each<[string, object[], object, RegExp]>([
  ['statistic', [stat('m', 'RequestCount', 'tm90')], {}, /statistic tm90 of m is not supported/],
  ['period', [stat('m', 'RequestCount', 'Sum', { Period: 45 })], {}, /multiple of 60/],
  ['id', [stat('M', 'RequestCount', 'Sum')], {}, /small letter/],
  ['ids', [stat('m', 'RequestCount', 'Sum'), stat('m', 'RequestCount', 'Sum')], {}, /not unique: m/],
  ['nothing', [{ Id: 'm' }], {}, /either MetricStat or Expression/],
  ['no query', [], {}, /MetricDataQueries/],
  ['expression', [stat('m', 'RequestCount', 'Sum'), { Id: 'e', Expression: 'SEARCH(m)' }], {}, /SEARCH/],
  [
    'circle',
    [
      { Id: 'a', Expression: 'b', Period: 60 },
      { Id: 'b', Expression: 'a', Period: 60 },
    ],
    {},
    /circle/,
  ],
  ['no period', [{ Id: 'e', Expression: '1' }], {}, /Period must be provided/],
  [
    'periods',
    [
      stat('m', 'RequestCount', 'Sum'),
      stat('n', 'RequestCount', 'Sum', { Period: 300 }),
      { Id: 'e', Expression: 'm' },
    ],
    {},
    /one period/,
  ],
  ['time', [stat('m', 'RequestCount', 'Sum')], { EndTime: window.StartTime }, /greater than StartTime/],
  ['no time', [stat('m', 'RequestCount', 'Sum')], { EndTime: 'tomorrow' }, /must be a time/],
  ['range', [stat('m', 'RequestCount', 'Sum', { Period: 1 })], { StartTime: 0 }, /too many periods/],
])('a question with a wrong %s is refused', async (_, queries, more, message) => {
  const asked = async () => data(storeOf([{}]), queries, more);
  await expect(asked()).rejects.toMatchObject({
    code: 'ValidationError',
    message: expect.stringMatching(message),
  });
});

test('GetMetricStatistics, with and without percentiles', () => {
  const source = storeOf([{ ...latency, at: minute(1), count: 101, sum: 50.5, values }]);
  const asked = { ...metric('TargetResponseTime'), ...window, Period: '60' };
  const statistics = (more: object) =>
    decideMetricStatistics(source, parseMetricStatisticsRequest({ ...asked, ...more }));
  expect(statistics({ Statistics: ['Average'], ExtendedStatistics: ['p50', 'p99.9'] })).toEqual({
    unit: 'Seconds',
    datapoints: [{ at: minute(2), values: { Average: 0.5, p50: 0.5, 'p99.9': expect.closeTo(0.999, 6) } }],
  });
  expect(statistics({ Statistics: ['Sum'], Unit: 'Count' })?.datapoints).toEqual([]);
  expect(statistics({ Statistics: ['Sum'], Namespace: 'App' })).toBeUndefined();
  expect(() => statistics({})).toThrow('Must specify either Statistics or ExtendedStatistics');
  expect(() => statistics({ Statistics: ['Median'] })).toThrow('Median');
  expect(() => statistics({ Statistics: ['Sum'], StartTime: seconds(minute(1_500)) })).toThrow('1440');
});

test('a period holds the minutes that begin in it, at any speed', () => {
  const minutes = (speed: number, from: number, to: number, period: number) =>
    decidePeriods(createFakeClock(0, speed), from, to, period)?.map(({ at, firstMinute, lastMinute }) => [
      at,
      firstMinute,
      lastMinute,
    ]);
  expect(minutes(1, 65_000, 180_000, 60)).toEqual([
    [120_000, 2, 2],
    [60_000, 1, 1],
  ]);
  expect(minutes(30, 600_000, 690_000, 60)).toEqual([
    [660_000, 330, 344],
    [600_000, 300, 329],
  ]);
  // A minute of two seconds begins in every other second.
  expect(minutes(30, 600_000, 603_000, 1)).toEqual([
    [602_000, 301, 301],
    [601_000, 301, 300],
    [600_000, 300, 300],
  ]);
  expect(minutes(7, 600_000, 660_000, 60)).toEqual([[600_000, 70, 76]]);
});
