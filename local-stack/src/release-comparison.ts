/**
 * Dashboard: two releases of one service in one environment, before and after a change. The figures cover the whole time
 * that is shown, so they compare as well when the old release has ended before the new one began.
 */
import { type Dashboard, VariableSort } from '@grafana/grafana-foundation-sdk/dashboard';
import * as units from '@grafana/grafana-foundation-sdk/units';
import { frame, oneOf } from './frame.ts';
import { type AnyPanel, graph, stat } from './panels.ts';
import { APP_JOBS, NO_PROBES, quantile, RATE, WHOLE_RANGE } from './selectors.ts';
import { ERROR_RATIO, LATENCY_P95_SECONDS } from './thresholds.ts';

const PLACE = `${APP_JOBS}, environment="$environment", service="$service"`;
/** Legends and colours are those of the time before and after, whatever the releases are called. */
const SIDES = { before: 'blue', after: 'orange' } as const;
type Side = keyof typeof SIDES;

interface Comparison {
  readonly title: string;
  readonly description: string;
  readonly unit: string;
  readonly worse: 'more' | 'less';
  /** The figure of the tasks that the matchers choose, over a range. */
  readonly figure: (matchers: string, range: string) => string;
  readonly limits?: { readonly bad: number };
}

const requestsOf = (matchers: string, range: string): string =>
  `sum(rate(http_requests_total{${matchers}, ${NO_PROBES}}${range}))`;

function latency(q: number): Comparison['figure'] {
  return (matchers, range) => {
    const rate = `rate(http_request_duration_seconds_bucket{${matchers}, ${NO_PROBES}}${range})`;
    return quantile(q, `sum by (le) (${rate})`);
  };
}

const COMPARISONS: readonly Comparison[] = [
  {
    title: 'Errors',
    description: 'Share of the answers with a status of 5xx.',
    unit: units.PercentUnit,
    worse: 'more',
    limits: { bad: ERROR_RATIO },
    figure: (matchers, range) => {
      const errors = `sum(rate(http_requests_total{${matchers}, ${NO_PROBES}, status=~"5.."}${range}))`;
      const all = requestsOf(matchers, range);
      return `(${errors} or 0 * ${all}) / ${all}`;
    },
  },
  {
    title: 'Latency, median',
    description: 'Half of the answers take longer.',
    unit: units.Seconds,
    worse: 'more',
    figure: latency(0.5),
  },
  {
    title: 'Latency, 95th percentile',
    description: 'One answer in twenty takes longer.',
    unit: units.Seconds,
    worse: 'more',
    limits: { bad: LATENCY_P95_SECONDS },
    figure: latency(0.95),
  },
  {
    title: 'Latency, 99th percentile',
    description: 'One answer in a hundred takes longer.',
    unit: units.Seconds,
    worse: 'more',
    figure: latency(0.99),
  },
  {
    title: 'CPU for a request',
    description: 'CPU time of all tasks divided by their requests: what an answer costs, whatever the load.',
    unit: units.Seconds,
    worse: 'more',
    figure: (matchers, range) =>
      `sum(rate(process_cpu_seconds_total{${matchers}}${range})) / ${requestsOf(matchers, range)}`,
  },
  {
    title: 'Memory of the largest task',
    description: 'Highest resident memory.',
    unit: units.BytesIEC,
    worse: 'more',
    figure: (matchers, range) => `max(max_over_time(process_resident_memory_bytes{${matchers}}${range}))`,
  },
  {
    title: 'Event-loop lag',
    description: '99th percentile, mean over time and tasks.',
    unit: units.Seconds,
    worse: 'more',
    figure: (matchers, range) => `avg(avg_over_time(nodejs_eventloop_lag_p99_seconds{${matchers}}${range}))`,
  },
  {
    title: 'Hit ratio of the cache',
    description: 'Share of the reads that found something.',
    unit: units.PercentUnit,
    worse: 'less',
    figure: (matchers, range) => {
      const reads = `rate(app_cache_requests_total{${matchers}}${range})`;
      const hits = `rate(app_cache_requests_total{${matchers}, result="hit"}${range})`;
      return `sum(${hits}) / sum(${reads})`;
    },
  },
];

function of(side: Side, { figure }: Comparison, range: string): string {
  return figure(`${PLACE}, release="$${side}"`, range);
}

/** Both over time, both as figures beside each other, and what has changed. */
function compare(comparison: Comparison): readonly AnyPanel[] {
  const { title, description, unit, worse, limits } = comparison;
  const sides: readonly Side[] = ['before', 'after'];
  const whole = (side: Side): string => of(side, comparison, WHOLE_RANGE);
  return [
    graph({
      title,
      description,
      unit,
      width: 14,
      colors: Object.fromEntries(Object.entries(SIDES).map(([side, color]) => [`^${side}`, color])),
      queries: sides.map((side) => ({ expr: of(side, comparison, RATE), legend: `${side}: $${side}` })),
      ...(limits === undefined ? {} : { limits }),
    }),
    ...sides.map((side) =>
      stat({
        title: side === 'before' ? 'Before' : 'After',
        description: `${title} of the release $${side}, over the whole time that is shown.`,
        unit,
        width: 3,
        height: 'tall',
        instant: true,
        queries: [{ expr: whole(side), legend: side }],
        ...(limits === undefined ? {} : { limits }),
      }),
    ),
    stat({
      title: 'Difference',
      description: `${title}: after less before. Red is worse, green is better.`,
      unit,
      width: 4,
      height: 'tall',
      instant: true,
      worse,
      queries: [{ expr: `(${whole('after')}) - (${whole('before')})`, legend: 'difference' }],
      noValue: 'needs both',
    }),
  ];
}

const traffic: readonly AnyPanel[] = [
  graph({
    title: 'Tasks by release',
    description: 'Tasks that answer: during a rolling deployment one release gives way to the other.',
    unit: units.Short,
    stacked: true,
    width: 12,
    queries: [{ expr: `sum by (release) (up{${PLACE}})`, legend: '{{release}}' }],
  }),
  graph({
    title: 'Requests by release',
    description: 'Answered requests a second. Compare only what has had about the same requests.',
    unit: units.RequestsPerSecond,
    stacked: true,
    width: 12,
    queries: [
      {
        expr: `sum by (release) (rate(http_requests_total{${PLACE}, ${NO_PROBES}}${RATE}))`,
        legend: '{{release}}',
      },
    ],
  }),
];

const inPlace = `up{${APP_JOBS}, environment="$environment", service="$service"}`;

export function releaseComparison(): Dashboard {
  return frame({
    uid: 'towpath-releases',
    title: 'Releases compared',
    description:
      'Is a release better or worse than the one before it? Choose both, and a time in which both ran.',
    variables: [
      oneOf('environment', {
        label: 'Environment',
        description: 'Where both releases ran',
        of: ['up{job="tasks"}', 'environment'],
      }),
      oneOf('service', {
        label: 'Service',
        description: 'Service of the environment',
        of: ['up{job="tasks", environment="$environment"}', 'service'],
      }),
      oneOf('before', { label: 'Before', description: 'Release to compare with', of: [inPlace, 'release'] }),
      oneOf('after', {
        label: 'After',
        description:
          'Release to judge. At first the last by name, since names of releases have no order in time',
        of: [inPlace, 'release'],
        sort: VariableSort.AlphabeticalDesc,
      }),
    ],
    alerts: 'environment="$environment", service="$service"',
    rows: {
      Traffic: traffic,
      'What users see': COMPARISONS.slice(0, 4).flatMap(compare),
      'What it costs': COMPARISONS.slice(4).flatMap(compare),
    },
  });
}
