/**
 * The last AWS-side day of each metric that the embedded AWS measures itself, one observation a minute.
 * In memory and bounded; showing metrics to others is done in metric-publisher.ts.
 */
import type { Clock, MetricSample, MetricSink, MetricUnit } from '../contract.ts';
import { minuteAt, minuteEndingAt } from './aws-minute.ts';
import { mergeObservations, type Observation, thinOut } from './statistic.ts';

/** An alarm looks back one day at most, as on AWS. */
const keptMinutes = 1_440;
/** Single values, for percentiles, are many: of minutes that are longer ago, some stand for all. */
const keptValuesMinutes = 60;
const keptValuesLater = 100;
/** Beyond this the metric that was written longest ago is forgotten. */
const maxMetrics = 1_000;

export interface MetricId {
  readonly namespace: string;
  readonly name: string;
  readonly dimensions: Readonly<Record<string, string>>;
}

interface Kept {
  readonly unit: MetricUnit;
  /** By minute, ascending. */
  readonly minutes: Map<number, Observation>;
}

/** Two metrics are the same when this is; the order of dimensions does not matter. */
export function metricKey({ namespace, name, dimensions }: MetricId): string {
  const sorted = Object.entries(dimensions).sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify([namespace, name, sorted]);
}

export class MetricStore implements MetricSink {
  readonly #clock: Clock;
  /** By metric, the one that was written last at the end. */
  readonly #metrics = new Map<string, Kept>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  record(samples: readonly MetricSample[]): void {
    for (const sample of samples) this.#add(sample);
    for (const key of this.#metrics.keys()) {
      if (this.#metrics.size <= maxMetrics) break;
      this.#metrics.delete(key);
    }
  }

  /** @returns undefined when nothing was observed in these minutes, or the metric is not measured here */
  observed(metric: MetricId, fromMinute: number, minutes: number): Observation | undefined {
    const series = this.#metrics.get(metricKey(metric))?.minutes;
    if (series === undefined) return undefined;
    const last = fromMinute + minutes - 1;
    let merged: Observation | undefined;
    // Whatever is shorter: what was asked for, or what there is.
    if (minutes > series.size) {
      for (const [minute, observation] of series)
        if (minute >= fromMinute && minute <= last) merged = mergeObservations(merged, observation);
    } else {
      for (let minute = fromMinute; minute <= last; minute += 1)
        merged = mergeObservations(merged, series.get(minute));
    }
    return merged;
  }

  /** What a metric is measured in; undefined for one that is not measured here. */
  unitOf(metric: MetricId): MetricUnit | undefined {
    return this.#metrics.get(metricKey(metric))?.unit;
  }

  has(metric: MetricId): boolean {
    return this.#metrics.has(metricKey(metric));
  }

  #add(sample: MetricSample): void {
    if (![sample.count, sample.sum, sample.minimum, sample.maximum].every(Number.isFinite)) return;
    const key = metricKey(sample);
    const series = this.#metrics.get(key)?.minutes ?? new Map<number, Observation>();
    this.#metrics.delete(key);
    this.#metrics.set(key, { unit: sample.unit, minutes: series });
    const minute = minuteEndingAt(this.#clock, sample.at);
    const { count, sum, minimum, maximum, values } = sample;
    const observed = { count, sum, minimum, maximum, ...(values && { values: thinOut(values) }) };
    series.set(minute, mergeObservations(series.get(minute), observed) ?? observed);
    this.#forget(series);
  }

  #forget(series: Map<number, Observation>): void {
    const now = minuteAt(this.#clock, this.#clock.now());
    for (const [minute, observation] of series) {
      if (minute < now - keptMinutes) series.delete(minute);
      else if (minute >= now - keptValuesMinutes) break;
      else if (observation.values !== undefined && observation.values.length > keptValuesLater)
        series.set(minute, { ...observation, values: thinOut(observation.values, keptValuesLater) });
    }
  }
}
