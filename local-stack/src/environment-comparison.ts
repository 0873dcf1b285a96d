/** Dashboard: the same figures of all environments in the same graphs. */
import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard';
import * as units from '@grafana/grafana-foundation-sdk/units';
import { frame, serviceVariables } from './frame.ts';
import { type AnyPanel, graph, table } from './panels.ts';
import { CHOSEN, CHOSEN_RECORDED, RATE } from './selectors.ts';
import { ERROR_RATIO, EVENT_LOOP_LAG_SECONDS, LATENCY_P95_SECONDS } from './thresholds.ts';

const LEGEND = '{{environment}} {{service}}';

function recorded(name: string): readonly [{ expr: string; legend: string }] {
  return [{ expr: `environment_service:${name}{${CHOSEN_RECORDED}}`, legend: LEGEND }];
}

function each(
  aggregation: string,
  metric: string,
  legend = LEGEND,
): readonly [{ expr: string; legend: string }] {
  return [{ expr: `${aggregation} by (environment, service) (${metric})`, legend }];
}

const releases: readonly AnyPanel[] = [
  table({
    title: 'Releases',
    description: 'Which release answers in which environment, and in how many tasks.',
    query: `sum by (environment, service, release) (up{${CHOSEN}})`,
    columns: { environment: 'Environment', service: 'Service', release: 'Release', Value: 'Tasks' },
    valueUnit: units.Short,
    width: 12,
  }),
  graph({
    title: 'Tasks',
    description: 'Tasks that answer.',
    unit: units.Short,
    queries: recorded('up:sum'),
    width: 12,
  }),
];

const requests: readonly AnyPanel[] = [
  graph({
    title: 'Requests',
    description: 'Answered requests a second; probes and scrapes are left out.',
    unit: units.RequestsPerSecond,
    queries: recorded('http_requests:rate1m'),
    width: 12,
  }),
  graph({
    title: 'Errors',
    description: 'Share of the answers with a status of 5xx; from the dashed line on there is an alert.',
    unit: units.PercentUnit,
    queries: recorded('http_request_errors:ratio_rate1m'),
    width: 12,
    limits: { bad: ERROR_RATIO },
  }),
  ...[50, 95, 99].map((percentile) =>
    graph({
      title: percentile === 50 ? 'Latency, median' : `Latency, ${percentile}th percentile`,
      description: 'Of all routes together.',
      unit: units.Seconds,
      queries: recorded(`http_request_duration_seconds:p${percentile}_rate1m`),
      width: 8,
      ...(percentile === 95 ? { limits: { bad: LATENCY_P95_SECONDS } } : {}),
    }),
  ),
];

const saturation: readonly AnyPanel[] = [
  graph({
    title: 'CPU of a task',
    description: 'Mean of the tasks, of one core.',
    unit: units.PercentUnit,
    queries: each('avg', `rate(process_cpu_seconds_total{${CHOSEN}}${RATE})`),
    width: 8,
  }),
  graph({
    title: 'Memory of the largest task',
    description: 'Resident memory, and in red what a task may have; from 80 % of it on an alert.',
    unit: units.BytesIEC,
    queries: [
      ...each('max', `process_resident_memory_bytes{${CHOSEN}}`),
      ...each('min', `app_memory_limit_bytes{${CHOSEN}}`, `limit ${LEGEND}`),
    ],
    width: 8,
    colors: { '^limit ': 'red' },
  }),
  graph({
    title: 'Event-loop lag of the slowest task',
    description: '99th percentile between two scrapes.',
    unit: units.Seconds,
    queries: each('max', `nodejs_eventloop_lag_p99_seconds{${CHOSEN}}`),
    width: 8,
    limits: { bad: EVENT_LOOP_LAG_SECONDS },
  }),
];

const cache: readonly AnyPanel[] = [
  graph({
    title: 'Hit ratio of the cache',
    description: 'Share of the reads that found something.',
    unit: units.PercentUnit,
    max: 1,
    queries: recorded('app_cache_hits:ratio_rate1m'),
    width: 12,
  }),
  graph({
    title: 'Tasks with a degraded cache',
    description: 'They have lost Redis and answer from their own memory.',
    unit: units.Short,
    queries: each('sum', `app_cache_mode{${CHOSEN}, mode="degraded"}`),
    width: 12,
  }),
];

export function environmentComparison(): Dashboard {
  return frame({
    uid: 'towpath-environments',
    title: 'Environments compared',
    description:
      'Does an environment behave as the one before it? The same figures of all of them, side by side.',
    variables: serviceVariables(),
    alerts: CHOSEN_RECORDED,
    rows: { 'Releases and tasks': releases, Requests: requests, Saturation: saturation, Cache: cache },
  });
}
