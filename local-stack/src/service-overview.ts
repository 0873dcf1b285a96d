/** Dashboard: how one service is, from what its users see down to its tasks, its saturation and its cache. */
import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard';
import * as units from '@grafana/grafana-foundation-sdk/units';
import { frame, serviceVariables } from './frame.ts';
import { type AnyPanel, graph, stat, table } from './panels.ts';
import { CHOSEN, CHOSEN_RECORDED, CHOSEN_REQUESTS, quantile, RATE } from './selectors.ts';
import { ERROR_RATIO, EVENT_LOOP_LAG_SECONDS, LATENCY_P95_SECONDS } from './thresholds.ts';

const REQUESTS = `sum(rate(http_requests_total{${CHOSEN_REQUESTS}}${RATE}))`;
const ERRORS = `sum(rate(http_requests_total{${CHOSEN_REQUESTS}, status=~"5.."}${RATE}))`;
/** Without a single error there is no series of errors, and the ratio is nought. */
const ERRORS_PER_REQUEST = `(${ERRORS} or 0 * ${REQUESTS}) / ${REQUESTS}`;

function buckets(by: string): string {
  return `sum by (${by}) (rate(http_request_duration_seconds_bucket{${CHOSEN_REQUESTS}}${RATE}))`;
}

const TASK_LEGEND = '{{environment}} {{task}}';

const glance: readonly AnyPanel[] = [
  stat({
    title: 'Tasks that answer',
    description: 'Tasks, and the local app, whose metrics Prometheus could read. Red: none.',
    unit: units.Short,
    queries: [{ expr: `sum(up{${CHOSEN}})`, legend: 'tasks' }],
    width: 4,
    atLeast: 1,
  }),
  stat({
    title: 'Requests',
    description: 'Answered requests a second; probes and scrapes are left out.',
    unit: units.RequestsPerSecond,
    queries: [{ expr: REQUESTS, legend: 'requests' }],
    width: 4,
  }),
  stat({
    title: 'Errors',
    description: 'Share of the answers with a status of 5xx. The alert HighErrorRatio says what to do.',
    unit: units.PercentUnit,
    queries: [{ expr: ERRORS_PER_REQUEST, legend: 'errors' }],
    width: 4,
    limits: { warn: ERROR_RATIO / 5, bad: ERROR_RATIO },
    decimals: 2,
    noValue: 'no requests',
  }),
  stat({
    title: 'Latency, 95th percentile',
    description: 'One answer in twenty takes longer.',
    unit: units.Seconds,
    queries: [{ expr: quantile(0.95, buckets('le')), legend: 'p95' }],
    width: 4,
    limits: { warn: LATENCY_P95_SECONDS / 2, bad: LATENCY_P95_SECONDS },
    noValue: 'no requests',
  }),
  stat({
    title: 'Tasks with a degraded cache',
    description:
      'They have lost Redis and answer from their own memory: slower to agree, but no request fails.',
    unit: units.Short,
    queries: [{ expr: `sum(app_cache_mode{${CHOSEN}, mode="degraded"})`, legend: 'degraded' }],
    width: 4,
    limits: { bad: 1 },
  }),
  stat({
    title: 'Alerts that fire',
    description: 'Which ones, what they mean and what to do: the page Alerts of Prometheus.',
    unit: units.Short,
    queries: [
      {
        expr: `count(ALERTS{alertstate="firing", ${CHOSEN_RECORDED}}) or vector(0)`,
        legend: 'alerts',
      },
    ],
    width: 4,
    limits: { bad: 1 },
  }),
];

const requests: readonly AnyPanel[] = [
  graph({
    title: 'Requests by route',
    description: 'Answered requests a second. Probes and scrapes are left out.',
    unit: units.RequestsPerSecond,
    queries: [
      {
        expr: `sum by (method, route) (rate(http_requests_total{${CHOSEN_REQUESTS}}${RATE}))`,
        legend: '{{method}} {{route}}',
      },
    ],
    width: 12,
    stacked: true,
  }),
  graph({
    title: 'Answers by status',
    description: 'Answers a second. Red is the fault of the service, orange the fault of its callers.',
    unit: units.RequestsPerSecond,
    queries: [
      {
        expr: `sum by (status) (rate(http_requests_total{${CHOSEN_REQUESTS}}${RATE}))`,
        legend: '{{status}}',
      },
    ],
    width: 12,
    stacked: true,
    colors: { '^2': 'green', '^3': 'blue', '^4': 'orange', '^5': 'red' },
  }),
  graph({
    title: 'Errors by environment',
    description: 'Share of the answers with a status of 5xx; from the dashed line on there is an alert.',
    unit: units.PercentUnit,
    queries: [
      {
        expr: `environment_service:http_request_errors:ratio_rate1m{${CHOSEN_RECORDED}}`,
        legend: '{{environment}} {{service}}',
      },
    ],
    width: 8,
    limits: { bad: ERROR_RATIO },
  }),
  graph({
    title: 'Latency',
    description: 'Median, 95th and 99th percentile of all routes, from the buckets of the histogram.',
    unit: units.Seconds,
    queries: [0.5, 0.95, 0.99].map((q) => ({ expr: quantile(q, buckets('le')), legend: `p${q * 100}` })),
    width: 8,
    limits: { bad: LATENCY_P95_SECONDS },
  }),
  graph({
    title: 'Latency by route, 95th percentile',
    description: 'Which route is the slow one.',
    unit: units.Seconds,
    queries: [{ expr: quantile(0.95, buckets('le, route')), legend: '{{route}}' }],
    width: 8,
  }),
  graph({
    title: 'In flight',
    description: 'Requests that are being answered. It climbs when the service waits for something.',
    unit: units.Short,
    queries: [
      { expr: `sum by (environment) (http_requests_in_flight{${CHOSEN}})`, legend: '{{environment}}' },
    ],
    width: 24,
  }),
];

const saturation: readonly AnyPanel[] = [
  graph({
    title: 'CPU',
    description: 'Of one core, by task. A task with cpu 256 has a quarter of a core: 25 %.',
    unit: units.PercentUnit,
    queries: [{ expr: `rate(process_cpu_seconds_total{${CHOSEN}}${RATE})`, legend: TASK_LEGEND }],
    width: 8,
  }),
  graph({
    title: 'Memory',
    description: 'Resident memory by task, and in red what one may have; from 80 % of it on an alert.',
    unit: units.BytesIEC,
    queries: [
      { expr: `process_resident_memory_bytes{${CHOSEN}}`, legend: TASK_LEGEND },
      { expr: `min by (environment) (app_memory_limit_bytes{${CHOSEN}})`, legend: 'limit {{environment}}' },
    ],
    width: 8,
    colors: { '^limit ': 'red' },
  }),
  graph({
    title: 'Event-loop lag',
    description: '99th percentile between two scrapes: how long an answer waits for the one thread of Node.',
    unit: units.Seconds,
    queries: [{ expr: `nodejs_eventloop_lag_p99_seconds{${CHOSEN}}`, legend: TASK_LEGEND }],
    width: 8,
    limits: { bad: EVENT_LOOP_LAG_SECONDS },
  }),
  graph({
    title: 'Heap',
    description: 'JavaScript heap in use, all tasks. A saw is well; a stair that only climbs is a leak.',
    unit: units.BytesIEC,
    queries: [
      { expr: `sum(nodejs_heap_size_used_bytes{${CHOSEN}})`, legend: 'used' },
      { expr: `sum(nodejs_heap_size_total_bytes{${CHOSEN}})`, legend: 'reserved' },
    ],
    width: 12,
  }),
  graph({
    title: 'Event-loop lag, mean',
    description: 'Mean between two scrapes, by task.',
    unit: units.Seconds,
    queries: [{ expr: `nodejs_eventloop_lag_mean_seconds{${CHOSEN}}`, legend: TASK_LEGEND }],
    width: 12,
  }),
];

const tasks: readonly AnyPanel[] = [
  graph({
    title: 'Tasks by zone',
    description: 'They should be spread evenly. The local app has no zone.',
    unit: units.Short,
    queries: [{ expr: `sum by (environment, zone) (up{${CHOSEN}})`, legend: '{{environment}} {{zone}}' }],
    width: 8,
    stacked: true,
  }),
  graph({
    title: 'Tasks by readiness',
    description:
      'Tasks that fail their readiness check get no requests; they are starting, draining or faulty.',
    unit: units.Short,
    queries: [
      { expr: `sum(app_ready{${CHOSEN}})`, legend: 'ready' },
      { expr: `count(app_ready{${CHOSEN}} == 0) or vector(0)`, legend: 'not ready' },
      { expr: `sum(app_faults_active{${CHOSEN}})`, legend: 'faults injected' },
    ],
    width: 8,
    colors: { '^ready': 'green', '^not ready': 'red', '^faults': 'orange' },
  }),
  table({
    title: 'What runs where',
    description: 'Each task with its release, its version and its age.',
    query: `process_uptime_seconds{${CHOSEN}} * on (job, instance) group_left (version) app_build_info{${CHOSEN}}`,
    columns: {
      environment: 'Environment',
      zone: 'Zone',
      task: 'Task',
      release: 'Release',
      version: 'Version',
      instance: 'Address',
      Value: 'Age',
    },
    valueUnit: units.Seconds,
    width: 8,
  }),
];

const cache: readonly AnyPanel[] = [
  graph({
    title: 'Reads of the cache',
    description: 'Hits and misses a second.',
    unit: units.OpsPerSecond,
    queries: [
      { expr: `sum by (result) (rate(app_cache_requests_total{${CHOSEN}}${RATE}))`, legend: '{{result}}' },
    ],
    width: 8,
    stacked: true,
    colors: { '^hit': 'green', '^miss': 'orange' },
  }),
  graph({
    title: 'Hit ratio',
    description: 'Share of the reads that found something, by environment.',
    unit: units.PercentUnit,
    max: 1,
    queries: [
      {
        expr: `environment_service:app_cache_hits:ratio_rate1m{${CHOSEN_RECORDED}}`,
        legend: '{{environment}} {{service}}',
      },
    ],
    width: 8,
  }),
  graph({
    title: 'Tasks by mode of the cache',
    description: 'redis is well, degraded has lost Redis, memory was given none.',
    unit: units.Short,
    queries: [{ expr: `sum by (mode) (app_cache_mode{${CHOSEN}})`, legend: '{{mode}}' }],
    width: 8,
    stacked: true,
    colors: { '^redis': 'green', '^degraded': 'red', '^memory': 'blue' },
  }),
  graph({
    title: 'Failed calls of Redis',
    description: 'Calls a second that were answered from memory instead.',
    unit: units.OpsPerSecond,
    queries: [
      {
        expr: `sum by (environment) (rate(app_cache_failures_total{${CHOSEN}}${RATE}))`,
        legend: '{{environment}}',
      },
    ],
    width: 12,
  }),
  graph({
    title: 'Memory of the cache',
    description: 'What tasks hold themselves, bounded: copies, and all there is where there is no Redis.',
    unit: units.BytesIEC,
    queries: [
      {
        expr: `sum by (environment) (app_cache_memory_bytes{${CHOSEN}})`,
        legend: '{{environment}}',
      },
    ],
    width: 12,
  }),
];

export function serviceOverview(): Dashboard {
  return frame({
    uid: 'towpath-service',
    title: 'Service overview',
    description: `What the users of a service see, and why. What to do when an alert fires: local-stack/prometheus/README.md.`,
    variables: serviceVariables(),
    alerts: CHOSEN_RECORDED,
    rows: {
      'At a glance': glance,
      Requests: requests,
      Saturation: saturation,
      Tasks: tasks,
      Cache: cache,
    },
  });
}
