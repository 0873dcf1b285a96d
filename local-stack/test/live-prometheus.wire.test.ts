/**
 * A live Prometheus with the committed configuration and rules watches the built app under load: every query of every
 * panel, variable, annotation and rule returns data, and alerts fire when something breaks.
 * Needs prometheus, prometheus-redis-exporter and redis-server on the PATH, and the built app.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import {
  annotationQueries,
  type DashboardQuery,
  GRAFANA_RANGES,
  panelQueries,
  parseLabelValues,
  type StoredDashboard,
  storedDashboards,
  substitute,
} from './dashboard-queries.ts';
import { injectErrors, startLoad } from './live-load.ts';
import { type LiveStack, startLiveStack, TASKS } from './live-stack.ts';
import { PrometheusClient } from './prometheus-client.ts';

/** Far more than is needed, for a machine that is busy with other things. */
const DATA_TIMEOUT_MS = 60_000;
const FIRING_TIMEOUT_MS = 60_000;
const TEST_TIMEOUT_MS = 120_000;
const POLL_MS = 500;
/** Grafana's number for the order from Z to A. */
const DESCENDING = 2;
/** True of a machine that is busy with other things, so they prove nothing. */
const BUSY_MACHINE: ReadonlySet<string> = new Set(['EventLoopLag', 'SlowRequests']);

let stack: LiveStack;
let prometheus: PrometheusClient;
let stopLoad: () => Promise<void> = async () => {};

beforeAll(async () => {
  stack = await startLiveStack();
  prometheus = new PrometheusClient(stack.prometheus.origin);
  stopLoad = startLoad([stack.app, ...stack.tasks].map(({ origin }) => origin));
  // The release that comes after is the worse one.
  await injectErrors(stack.tasks[1]?.origin ?? '');
}, TEST_TIMEOUT_MS);

afterAll(async () => {
  await stopLoad();
  await stack?.stop();
});

/** Each value that Grafana would choose at first: all where that is offered, else the first in the variable's order. */
async function chosenValues({ templating }: StoredDashboard): Promise<Readonly<Record<string, string>>> {
  const values: Record<string, string> = { ...GRAFANA_RANGES };
  for (const { name, definition, allValue, sort } of templating.list) {
    if (definition === undefined) continue;
    const { selector, label } = parseLabelValues(substitute(definition, values));
    const offered = (await prometheus.labelValues(selector, label)).sort();
    const first = sort === DESCENDING ? offered.at(-1) : offered[0];
    if (first === undefined) throw new Error(`${definition} offers nothing`);
    values[name] = allValue ?? first;
  }
  return values;
}

/** Asks again and again until each has data. */
async function untilAllHaveData(queries: readonly DashboardQuery[]): Promise<void> {
  const deadline = Date.now() + DATA_TIMEOUT_MS;
  let missing = queries;
  while (missing.length > 0 && Date.now() < deadline) {
    const counts = await Promise.all(missing.map(({ expr }) => prometheus.countNumbers(expr)));
    missing = missing.filter((_query, index) => counts[index] === 0);
    if (missing.length > 0) await sleep(POLL_MS);
  }
  expect(missing, 'without data').toEqual([]);
}

/** Until these alerts fire, and no other. */
async function untilFiring(names: readonly string[]): Promise<void> {
  const deadline = Date.now() + FIRING_TIMEOUT_MS;
  const wanted = [...names].sort();
  let firing: readonly string[] = [];
  while (Date.now() < deadline) {
    firing = (await prometheus.firing()).filter((name) => !BUSY_MACHINE.has(name)).sort();
    if (isDeepStrictEqual(firing, wanted)) return;
    await sleep(POLL_MS);
  }
  expect(firing).toEqual(wanted);
}

it(
  'every task and server is reached, with the labels that the dashboards compare by',
  async () => {
    await untilAllHaveData([
      ...['app', 'tasks', 'redis', 'prometheus'].map((job) => ({ name: job, expr: `up{job="${job}"} == 1` })),
      ...TASKS.map((labels) => ({
        name: labels.task,
        expr: `app_build_info{job="tasks", service="app", ${Object.entries(labels)
          .map(([label, value]) => `${label}="${value}"`)
          .join(', ')}}`,
      })),
    ]);
  },
  TEST_TIMEOUT_MS,
);

it.each([...storedDashboards()])(
  'every query of %s returns data under load',
  async (file, dashboard) => {
    const values = await chosenValues(dashboard);
    const queries = [...panelQueries(dashboard), ...annotationQueries(dashboard)];
    await untilAllHaveData(queries.map(({ name, expr }) => ({ name, expr: substitute(expr, values) })));
    console.log(`${file}: ${queries.length} queries return data, with ${JSON.stringify(values)}`);
  },
  TEST_TIMEOUT_MS,
);

it(
  'the comparison of releases compares two, of which the later one fails more',
  async () => {
    const dashboard = storedDashboards().get('release-comparison.json');
    if (dashboard === undefined) throw new Error('there is no comparison of releases');
    const values = await chosenValues(dashboard);
    expect([values.before, values.after]).toEqual(TASKS.map(({ release }) => release));
    const difference = panelQueries(dashboard).find(
      ({ name }) => name === 'Releases compared / Difference A',
    );
    const expr = `(${substitute(difference?.expr ?? '', values)}) > 0.1`;
    await untilAllHaveData([{ name: 'errors of the later release', expr }]);
  },
  TEST_TIMEOUT_MS,
);

it(
  'every rule works, and what it looks at is there',
  async () => {
    const rules = await prometheus.rules();
    expect(rules.filter(({ health }) => health !== 'ok')).toEqual([]);
    // Without its comparisons with numbers an alert shows what it watches.
    const watched = rules.map(({ name, query }) => ({
      name,
      expr: query.replaceAll(/ (?:[<>]=?|[!=]=) [\d.e+]+/g, ''),
    }));
    const unchanged = rules.filter(
      ({ type, query }, index) => type === 'alerting' && query === watched[index]?.expr,
    );
    expect(unchanged).toEqual([]);
    await untilAllHaveData(watched);
    const alerts = rules.filter(({ type }) => type === 'alerting').length;
    console.log(`${alerts} alerts and ${rules.length - alerts} recording rules return data`);
  },
  TEST_TIMEOUT_MS,
);

it(
  'under this load the alert for errors fires, and no other',
  () => untilFiring(['HighErrorRatio']),
  TEST_TIMEOUT_MS,
);

it(
  'when Redis and the app end, their alerts fire',
  async () => {
    await Promise.all([stack.redis.stop(), stack.app.stop()]);
    const expected = ['HighErrorRatio', 'RedisDown', 'CacheDegraded', 'ServiceDown', 'TargetDown'];
    await untilFiring(expected);
    console.log(`fire after Redis and the app have ended: ${expected.join(', ')}`);
  },
  TEST_TIMEOUT_MS,
);
