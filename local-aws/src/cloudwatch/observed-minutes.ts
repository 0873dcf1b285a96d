/**
 * What was observed of metrics, minute by minute: from our own store, or, for metrics that others put into CloudWatch,
 * from the control plane.
 */
import type { Clock, ControlPlane } from '../contract.ts';
import { listAt, readXml, type XmlElement } from '../gateway/xml.ts';
import { minuteAt, minuteWidthMs, startOfMinute } from './aws-minute.ts';
import { type MetricId, type MetricStore, metricKey } from './metric-store.ts';
import { mergeObservations, type Observation } from './statistic.ts';

/** Namespaces whose metrics are measured here: what is not in the store does not exist. */
const ownNamespaces = /^(?:AWS\/|ECS\/ContainerInsights$)/;

export interface MinutesSource {
  readonly clock: Clock;
  readonly control: ControlPlane;
  readonly store: MetricStore;
}

/** Observed by minute, over the minutes from `from` to `to`, both included. */
export type ObservedMinutes = (metric: MetricId, from: number, to: number) => Observation | undefined;

/** Whether the store, and not the control plane, knows what there is of a metric. */
export function isMeasuredHere(store: MetricStore, metric: MetricId): boolean {
  return store.has(metric) || ownNamespaces.test(metric.namespace);
}

/** @param from,to the minutes that will be asked for, both included */
export async function loadObservedMinutes(
  source: MinutesSource,
  metrics: readonly MetricId[],
  from: number,
  to: number,
): Promise<ObservedMinutes> {
  const { store } = source;
  const foreign = new Map<string, ReadonlyMap<number, Observation>>();
  for (const metric of metrics) {
    if (isMeasuredHere(store, metric) || foreign.has(metricKey(metric))) continue;
    foreign.set(metricKey(metric), await loadForeign(source, metric, from, to));
  }
  return (metric, first, last) => {
    const minutes = foreign.get(metricKey(metric));
    if (minutes === undefined) return store.observed(metric, first, last - first + 1);
    let merged: Observation | undefined;
    for (let minute = first; minute <= last; minute += 1)
      merged = mergeObservations(merged, minutes.get(minute));
    return merged;
  };
}

/** The control plane keeps whole seconds, and knows no percentiles. */
async function loadForeign(
  { clock, control }: MinutesSource,
  metric: MetricId,
  from: number,
  to: number,
): Promise<ReadonlyMap<number, Observation>> {
  const widthSeconds = minuteWidthMs(clock) / 1_000;
  const stepSeconds = Number.isInteger(widthSeconds) ? widthSeconds : 1;
  const startSeconds = Math.floor(startOfMinute(clock, from) / 1_000);
  const endSeconds = Math.ceil(startOfMinute(clock, to + 1) / 1_000);
  const statistics = ['SampleCount', 'Sum', 'Minimum', 'Maximum'];
  const params: Record<string, string> = {
    StartTime: new Date(startSeconds * 1_000).toISOString(),
    EndTime: new Date(endSeconds * 1_000).toISOString(),
    ScanBy: 'TimestampAscending',
  };
  statistics.forEach((statistic, index) => {
    const at = `MetricDataQueries.member.${index + 1}`;
    params[`${at}.Id`] = `m${index}`;
    params[`${at}.MetricStat.Stat`] = statistic;
    params[`${at}.MetricStat.Period`] = String(stepSeconds);
    params[`${at}.MetricStat.Metric.Namespace`] = metric.namespace;
    params[`${at}.MetricStat.Metric.MetricName`] = metric.name;
    Object.entries(metric.dimensions).forEach(([name, value], i) => {
      params[`${at}.MetricStat.Metric.Dimensions.member.${i + 1}.Name`] = name;
      params[`${at}.MetricStat.Metric.Dimensions.member.${i + 1}.Value`] = value;
    });
  });
  const answer = readXml(await control.query('monitoring', 'GetMetricData', params));
  const [count = [], sum = [], minimum = [], maximum = []] = listAt(
    answer,
    'GetMetricDataResult',
    'MetricDataResults',
  ).map(readResult);
  const minutes = new Map<number, Observation>();
  count.forEach(([at, samples], i) => {
    const minute = minuteAt(clock, at);
    const found = {
      count: samples,
      sum: sum[i]?.[1] ?? 0,
      minimum: minimum[i]?.[1] ?? 0,
      maximum: maximum[i]?.[1] ?? 0,
    };
    minutes.set(minute, mergeObservations(minutes.get(minute), found) ?? found);
  });
  return minutes;
}

function readResult(result: XmlElement): readonly (readonly [at: number, value: number])[] {
  const values = listAt(result, 'Values').map(({ text }) => Number(text));
  return listAt(result, 'Timestamps').map(({ text }, i) => [Date.parse(text), values[i] ?? 0] as const);
}
