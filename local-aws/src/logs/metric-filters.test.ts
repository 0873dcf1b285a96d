/** What lines count for: by filter, by minute, with default values and dimensions. */
import { expect, test } from 'vitest';
import { AwsError, type AwsRequest, type ControlPlane, type MetricSample } from '../contract.ts';
import { createFakeClock } from '../ecs/test/fake-clock.ts';
import { createLogsOverlay } from './logs-overlay.ts';
import { createMetricFilters } from './metric-filters.ts';

const minuteMs = 60_000;
const transformation = { metricNamespace: 'Shop', metricName: 'Errors', metricValue: '1' };
const errors = {
  filterName: 'errors',
  filterPattern: '{ $.level = "error" }',
  metricTransformations: [{ ...transformation, defaultValue: 0, unit: 'Count' }],
};

function createWorld(filters: readonly object[]) {
  const clock = createFakeClock(1_700_000_040_000);
  const samples: MetricSample[] = [];
  const log: string[] = [];
  const calls: { readonly action: string; readonly payload: object }[] = [];
  const world = { filters, failure: undefined as string | undefined };
  const control: ControlPlane = {
    ...{ region: 'us-east-1', accountId: '123456789012' },
    async json<T>(_service: string, action: string, payload: object): Promise<T> {
      calls.push({ action, payload });
      if (world.failure !== undefined) throw new Error(world.failure);
      // One filter a page.
      const page = Number((payload as { nextToken?: string }).nextToken ?? 0);
      const nextToken = page + 1 < world.filters.length ? String(page + 1) : null;
      return { metricFilters: world.filters.slice(page, page + 1), nextToken } as T;
    },
    query: async () => '',
  };
  const observed = createMetricFilters({
    ...{ clock, control, log: (line: string) => void log.push(line) },
    sink: { record: (recorded) => void samples.push(...recorded) },
  });
  /** @returns what was reported of the minute in which these lines came */
  async function minute(...lines: readonly (object | string)[]): Promise<readonly MetricSample[]> {
    samples.splice(0);
    const text = (line: object | string) => (typeof line === 'string' ? line : JSON.stringify(line));
    observed.observe(
      '/ecs/shop',
      lines.map((line) => ({ message: text(line) })),
    );
    await clock.advance(minuteMs + 5);
    return [...samples];
  }
  return { world, control, observed, minute, calls, log, clock };
}

test('matches of a minute are one metric; a minute of other lines counts as the default, one without lines as nothing', async () => {
  const { minute, observed, clock } = createWorld([errors]);
  const end = clock.now() + minuteMs;
  expect(await minute({ level: 'error' }, { level: 'info' }, { level: 'error' }, 'level error')).toEqual([
    {
      ...{ namespace: 'Shop', name: 'Errors', dimensions: {}, unit: 'Count', at: end },
      ...{ count: 2, sum: 2, minimum: 1, maximum: 1 },
    },
  ]);
  expect(await minute({ level: 'info' })).toMatchObject([{ count: 1, sum: 0, at: end + minuteMs }]);
  expect(await minute()).toEqual([]);
  await observed.stop();
});

test('values and dimensions are read from the line; a line that lacks one counts for nothing', async () => {
  const { minute, observed } = createWorld([
    {
      ...{ filterName: 'slow', filterPattern: '{ $.ms > 100 }' },
      metricTransformations: [
        {
          ...transformation,
          metricValue: '$.ms',
          dimensions: { Route: '$.http.route' },
          unit: 'Milliseconds',
        },
      ],
    },
  ]);
  const line = (ms: unknown, route?: unknown) => ({ ms, http: { route } });
  const reported = await minute(
    line(120, '/a'),
    line(180, '/a'),
    line(300, '/b'),
    line(50, '/a'),
    line(200),
    line('9', '/a'),
  );
  expect(reported).toMatchObject([
    { dimensions: { Route: '/a' }, count: 2, sum: 300, minimum: 120, maximum: 180, unit: 'Milliseconds' },
    { dimensions: { Route: '/b' }, count: 1, sum: 300 },
  ]);
  await observed.stop();
});

test('filters are asked for once, again when they changed, and again after trouble', async () => {
  const { minute, observed, calls, world, log } = createWorld([errors, { ...errors, filterName: 'again' }]);
  world.failure = 'down';
  expect(await minute({ level: 'error' })).toEqual([]);
  expect(log).toEqual(['metric filters of /ecs/shop: down']);
  world.failure = undefined;
  expect(await minute({ level: 'error' })).toMatchObject([{ sum: 2 }]);
  const asked = calls.length;
  await minute({ level: 'error' });
  expect(calls).toHaveLength(asked);
  world.filters = [];
  observed.changed();
  expect(await minute({ level: 'error' })).toEqual([]);
  await observed.stop();
});

test('a filter that can not be evaluated is said once, and keeps no other from counting', async () => {
  const { minute, observed, log } = createWorld([
    { ...errors, filterName: 'columns', filterPattern: '[ip, user]' },
    { ...errors, filterName: 'word', metricTransformations: [{ ...transformation, metricValue: 'many' }] },
    errors,
  ]);
  expect(await minute({ level: 'error' })).toMatchObject([{ sum: 1 }]);
  observed.changed();
  await minute({ level: 'error' });
  expect(log).toEqual([
    expect.stringMatching(/^metric filter columns is not evaluated: .*columns/),
    expect.stringMatching(/^metric filter word is not evaluated: its value "many"/),
  ]);
  await observed.stop();
});

test('the gateway counts lines that others put, once they are taken, in the region of the tasks', async () => {
  const { control, observed, minute, calls } = createWorld([errors]);
  const overlay = createLogsOverlay(control, { observe: observed.observe, filtersChanged: observed.changed });
  const call = (action: string, payload: object, status = 200, region = 'us-east-1') =>
    overlay.handle(
      { service: 'logs', action, region, json: () => payload } as unknown as AwsRequest,
      async () => ({ status, headers: {}, body: '' }),
    );
  const put = { logGroupName: '/ecs/shop', logEvents: [{ message: '{"level":"error"}' }] };
  await call('PutLogEvents', put);
  await call('PutLogEvents', put, 400);
  await call('PutLogEvents', put, 200, 'eu-west-1');
  expect(await minute({ level: 'info' })).toMatchObject([{ sum: 1 }]);

  const filter = { logGroupName: '/ecs/shop', filterName: 'errors', filterPattern: '{ $.level = }' };
  await expect(call('PutMetricFilter', filter)).rejects.toBeInstanceOf(AwsError);
  expect(await call('PutMetricFilter', { ...filter, filterPattern: 'ERROR' })).toMatchObject({ status: 200 });
  expect(calls.filter(({ action }) => action === 'DeleteMetricFilter')).toHaveLength(1);
  expect(await call('DescribeLogGroups', {})).toBeUndefined();
  await observed.stop();
});
