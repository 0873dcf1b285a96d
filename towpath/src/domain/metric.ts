/** The metrics that tell how a service is: which they are, how they are asked for and what no answer means. Pure. */

export type MetricUnit = '%' | 'tasks' | '/min' | 'ms';

export interface MetricQuery {
  readonly id: string;
  readonly label: string;
  readonly unit: MetricUnit;
  readonly namespace: string;
  readonly name: string;
  /** What it is measured of; an adapter knows the dimensions. */
  readonly of: 'service' | 'load balancer' | 'targets';
  /** `Average`, `Sum`, or a percentile such as `p95`. */
  readonly statistic: string;
}

export interface MetricPoint {
  /** Begin of its period; milliseconds since the epoch. */
  readonly at: number;
  readonly value: number;
}

/** Whole periods; milliseconds since the epoch, the end excluded. */
export interface MetricWindow {
  readonly from: number;
  readonly to: number;
  readonly periodSeconds: number;
}

export interface MetricSeries {
  readonly id: string;
  readonly label: string;
  readonly unit: MetricUnit;
  readonly statistic: string;
  /** Oldest first; periods without a value are left out. */
  readonly points: readonly MetricPoint[];
  /** Why there are none. */
  readonly reason: string | undefined;
}

const LATENCY = {
  unit: 'ms',
  namespace: 'AWS/ApplicationELB',
  name: 'TargetResponseTime',
  of: 'load balancer',
} as const;
const TRAFFIC = {
  unit: '/min',
  namespace: 'AWS/ApplicationELB',
  of: 'load balancer',
  statistic: 'Sum',
} as const;
const LOAD = { unit: '%', namespace: 'AWS/ECS', of: 'service', statistic: 'Average' } as const;

export const METRICS: readonly MetricQuery[] = [
  { ...LOAD, id: 'cpu', label: 'CPU', name: 'CPUUtilization' },
  { ...LOAD, id: 'memory', label: 'memory', name: 'MemoryUtilization' },
  {
    ...{ id: 'tasks', label: 'tasks running', unit: 'tasks', of: 'service', statistic: 'Average' },
    ...{ namespace: 'ECS/ContainerInsights', name: 'RunningTaskCount' },
  },
  {
    ...{ id: 'healthy', label: 'tasks healthy', unit: 'tasks', of: 'targets', statistic: 'Average' },
    ...{ namespace: 'AWS/ApplicationELB', name: 'HealthyHostCount' },
  },
  { ...TRAFFIC, id: 'requests', label: 'requests', name: 'RequestCount' },
  { ...TRAFFIC, id: 'errors', label: '5xx of tasks', name: 'HTTPCode_Target_5XX_Count' },
  { ...TRAFFIC, id: 'balancerErrors', label: '5xx of ALB', name: 'HTTPCode_ELB_5XX_Count' },
  { ...LATENCY, id: 'latencyP50', label: 'latency p50', statistic: 'p50' },
  { ...LATENCY, id: 'latencyP95', label: 'latency p95', statistic: 'p95' },
];

/** No failure is reported as no value at all. */
export const FAILURES: ReadonlySet<string> = new Set(['errors', 'balancerErrors']);

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

/**
 * At most so many points. CloudWatch keeps minutes for 15 days, 5 minutes for 63 days and hours for 455
 * (CloudWatch concepts, "Metrics retention").
 */
export function decideWindow(from: number, now: number, maxPoints: number): MetricWindow {
  const age = now - from;
  const stepMs = age < 15 * DAY_MS ? MINUTE_MS : age < 63 * DAY_MS ? 5 * MINUTE_MS : 60 * MINUTE_MS;
  const periodMs = Math.max(1, Math.ceil(age / maxPoints / stepMs)) * stepMs;
  return {
    from: Math.floor(from / periodMs) * periodMs,
    to: Math.ceil(now / periodMs) * periodMs,
    periodSeconds: periodMs / 1_000,
  };
}

/** In the unit that is shown: sums a minute, times in milliseconds. */
export function scalePoints(
  { unit, statistic }: MetricQuery,
  points: readonly MetricPoint[],
  periodSeconds: number,
): readonly MetricPoint[] {
  const factor = unit === 'ms' ? 1_000 : statistic === 'Sum' ? 60 / periodSeconds : 1;
  return points.map(({ at, value }) => ({ at, value: value * factor }));
}

export interface MetricFacts {
  readonly periodSeconds: number;
  /** Since the service was last changed; undefined when that is not known. */
  readonly changedMsAgo: number | undefined;
}

/** Until then nobody should wonder: ECS reports each minute, and CloudWatch shows it some time later. */
const FIRST_VALUES_MS = 3 * MINUTE_MS;

/** Rows to show. @param answers points of each metric by its id, as they came */
export function decideSeries(
  answers: ReadonlyMap<string, readonly MetricPoint[]>,
  { periodSeconds, changedMsAgo }: MetricFacts,
): readonly MetricSeries[] {
  const pointsOf = (id: string) => answers.get(id) ?? [];
  const requests = pointsOf('requests');
  const traffic = { served: requests.length > 0, turnedAway: pointsOf('balancerErrors').length > 0 };
  const isFresh = changedMsAgo !== undefined && changedMsAgo < FIRST_VALUES_MS;
  return METRICS.map((metric) => {
    const { id, label, unit, statistic } = metric;
    const raw = FAILURES.has(id) && requests.length > 0 ? withZeros(pointsOf(id), requests) : pointsOf(id);
    const points = scalePoints(metric, raw, periodSeconds);
    const reason = points.length > 0 ? undefined : reasonFor(metric, isFresh, traffic);
    return { id, label, unit, statistic, points, reason };
  });
}

function withZeros(points: readonly MetricPoint[], all: readonly MetricPoint[]): readonly MetricPoint[] {
  const values = new Map(all.map(({ at }) => [at, 0]));
  for (const { at, value } of points) values.set(at, value);
  return [...values].map(([at, value]) => ({ at, value })).sort((a, b) => a.at - b.at);
}

function reasonFor(
  { id, of }: MetricQuery,
  isFresh: boolean,
  { served, turnedAway }: { readonly served: boolean; readonly turnedAway: boolean },
): string {
  if (isFresh) return 'not yet: the first values come some minutes after a deployment';
  if (of === 'load balancer')
    return served ? 'not reported' : turnedAway ? 'none reached a task' : 'no requests';
  if (id === 'tasks') return 'not reported: Container Insights of the cluster may be off';
  return of === 'targets'
    ? 'not reported: there may be no load balancer'
    : 'not reported: no task may be running';
}
