/**
 * Answers GetMetricData and GetMetricStatistics from what is measured here: percentiles and metric math, which the
 * control plane has not. Questions about nothing but other metrics are left to it.
 */
import { AwsError } from '../contract.ts';
import { MetricMathError, type Series } from './metric-math.ts';
import type { MetricDataQuery, MetricDataRequest, MetricStatisticsRequest } from './metric-requests.ts';
import type { MetricId } from './metric-store.ts';
import { decidePeriods, type MetricPeriod } from './metric-window.ts';
import {
  isMeasuredHere,
  loadObservedMinutes,
  type MinutesSource,
  type ObservedMinutes,
} from './observed-minutes.ts';
import { resolveExpressions } from './resolve-expressions.ts';
import { isPercentile, isStatistic, statisticOf } from './statistic.ts';

/** CloudWatch API reference: GetMetricStatistics. */
const maxDatapoints = 1_440;

export interface MetricPoint {
  /** Begin of its period; milliseconds since the epoch. */
  readonly at: number;
  readonly value: number;
}

export interface MetricDataResult {
  readonly id: string;
  readonly label: string;
  readonly points: readonly MetricPoint[];
}

/**
 * @returns undefined when the control plane can answer it
 * @throws AwsError `ValidationError`
 */
export async function loadMetricData(
  source: MinutesSource,
  request: MetricDataRequest,
): Promise<readonly MetricDataResult[] | undefined> {
  const { queries } = request;
  if (!queries.some((query) => isOurs(source, query))) return undefined;
  const periodsOf = decidePeriodsOf(source, request);
  const metrics = queries.flatMap(({ stat }) => (stat === undefined ? [] : [stat.metric]));
  const observed = await loadOver(source, metrics, [...periodsOf.values()].flat());
  const known: Record<string, Series> = {};
  for (const query of queries)
    if (query.stat !== undefined)
      known[query.id] = seriesOf(source, query.stat, observed, periodsOf.get(query) ?? []);
  const series = resolve(queries, known, Math.max(0, ...[...periodsOf.values()].map(({ length }) => length)));
  return queries
    .filter(({ returnData }) => returnData)
    .map((query) => {
      const values = series[query.id] ?? [];
      const newestFirst = (periodsOf.get(query) ?? []).flatMap(({ at }, i) => {
        const value = values[i];
        return value === undefined ? [] : [{ at, value }];
      });
      const points = request.newestFirst ? newestFirst : newestFirst.reverse();
      return { id: query.id, label: query.label, points };
    });
}

/** The control plane fails at percentiles, and its metric math has no values. */
function isOurs({ store }: MinutesSource, { stat }: MetricDataQuery): boolean {
  return stat === undefined || isMeasuredHere(store, stat.metric) || isPercentile(stat.statistic);
}

/** Metrics have their own periods; where there are expressions, all have the same. */
function decidePeriodsOf(
  { clock }: MinutesSource,
  { queries, startMs, endMs }: MetricDataRequest,
): ReadonlyMap<MetricDataQuery, readonly MetricPeriod[]> {
  const periods = new Set(queries.flatMap(({ stat }) => (stat === undefined ? [] : [stat.periodSeconds])));
  const expression = queries.find(({ stat }) => stat === undefined);
  if (expression !== undefined && periods.size > 1)
    throw new AwsError(
      'ValidationError',
      `The embedded AWS evaluates expressions over metrics of one period, and ${expression.id} stands beside metrics of ${[...periods].join(' and ')} seconds.`,
    );
  const [common] = periods;
  return new Map(
    queries.map((query) => {
      const { id, stat } = query;
      if (stat !== undefined && !isStatistic(stat.statistic))
        throw new AwsError('ValidationError', `The statistic ${stat.statistic} of ${id} is not supported.`);
      const seconds = stat?.periodSeconds ?? common ?? query.periodSeconds;
      if (seconds === undefined)
        throw new AwsError('ValidationError', `Period must be provided for the query ${id}.`);
      const found = decidePeriods(clock, startMs, endMs, seconds);
      if (found === undefined)
        throw new AwsError(
          'ValidationError',
          `The time range has too many periods of ${seconds} seconds; ask for less, or for longer periods.`,
        );
      return [query, found] as const;
    }),
  );
}

async function loadOver(
  source: MinutesSource,
  metrics: readonly MetricId[],
  periods: readonly MetricPeriod[],
): Promise<ObservedMinutes> {
  const from = periods.reduce((first, { firstMinute }) => Math.min(first, firstMinute), Number.MAX_VALUE);
  const to = periods.reduce((last, { lastMinute }) => Math.max(last, lastMinute), 0);
  return loadObservedMinutes(source, metrics, from, to);
}

/** Whoever asks in another unit than a metric is measured in finds nothing, as on AWS. */
function seriesOf(
  { store }: MinutesSource,
  asked: { readonly metric: MetricId; readonly statistic: string; readonly unit: string | undefined },
  observed: ObservedMinutes,
  periods: readonly MetricPeriod[],
): Series {
  const { metric, statistic, unit } = asked;
  const measuredIn = store.unitOf(metric);
  if (unit !== undefined && measuredIn !== undefined && unit !== measuredIn)
    return periods.map(() => undefined);
  return periods.map(({ firstMinute, lastMinute }) =>
    statisticOf(observed(metric, firstMinute, lastMinute), statistic),
  );
}

function resolve(
  queries: readonly MetricDataQuery[],
  known: Readonly<Record<string, Series>>,
  length: number,
): Readonly<Record<string, Series>> {
  try {
    return resolveExpressions(queries, known, length);
  } catch (error) {
    if (!(error instanceof MetricMathError)) throw error;
    throw new AwsError('ValidationError', `An expression is not evaluated: ${error.message}.`);
  }
}

export interface MetricStatistics {
  readonly unit: string;
  /** Oldest first; statistics by name. */
  readonly datapoints: readonly {
    readonly at: number;
    readonly values: Readonly<Record<string, number>>;
  }[];
}

/**
 * @returns undefined when it is a metric of the control plane's
 * @throws AwsError `InvalidParameterValue`, `InvalidParameterCombination`
 */
export function decideMetricStatistics(
  { clock, store }: MinutesSource,
  request: MetricStatisticsRequest,
): MetricStatistics | undefined {
  const { metric, startMs, endMs, periodSeconds, unit } = request;
  if (!isMeasuredHere(store, metric)) return undefined;
  const statistics = [...request.statistics, ...request.extendedStatistics];
  const unknown = statistics.find((statistic) => !isStatistic(statistic));
  if (unknown !== undefined)
    throw new AwsError('InvalidParameterValue', `The statistic ${unknown} is not supported.`);
  const periods = decidePeriods(clock, startMs, endMs, periodSeconds);
  if (periods === undefined || periods.length > maxDatapoints)
    throw new AwsError(
      'InvalidParameterCombination',
      `You have requested more datapoints than the limit of ${maxDatapoints}. You may reduce the datapoints requested by increasing Period, or decreasing the time range.`,
    );
  const measuredIn = store.unitOf(metric) ?? 'None';
  const datapoints = [...periods].reverse().flatMap(({ at, firstMinute, lastMinute }) => {
    const observed = store.observed(metric, firstMinute, lastMinute - firstMinute + 1);
    const values = Object.fromEntries(
      statistics.flatMap((statistic) => {
        const value = statisticOf(observed, statistic);
        return value === undefined ? [] : [[statistic, value]];
      }),
    );
    return Object.keys(values).length === 0 ? [] : [{ at, values }];
  });
  return { unit: measuredIn, datapoints: unit === undefined || unit === measuredIn ? datapoints : [] };
}
