/** Statistics of CloudWatch over what was observed in a period. Pure. */

/** What was observed of a metric within a period. */
export interface Observation {
  readonly count: number;
  readonly sum: number;
  readonly minimum: number;
  readonly maximum: number;
  /**
   * Single values, or evenly so many of them that each stands for count / length; absent when nobody kept them, and then
   * there are no percentiles.
   */
  readonly values?: readonly number[] | undefined;
}

/** Single values that one observation keeps; more are thinned out evenly. */
export const maxValues = 2_000;

export function mergeObservations(
  a: Observation | undefined,
  b: Observation | undefined,
): Observation | undefined {
  if (a === undefined || a.count === 0) return b;
  if (b === undefined || b.count === 0) return a;
  return {
    count: a.count + b.count,
    sum: a.sum + b.sum,
    minimum: Math.min(a.minimum, b.minimum),
    maximum: Math.max(a.maximum, b.maximum),
    ...(a.values && b.values && { values: mergeValues(a, a.values, b, b.values) }),
  };
}

/** Each value of the result stands for as many as any other: the denser side is thinned out first. */
function mergeValues(
  a: Observation,
  valuesOfA: readonly number[],
  b: Observation,
  valuesOfB: readonly number[],
): readonly number[] {
  const density = Math.min(valuesOfA.length / a.count, valuesOfB.length / b.count);
  const thinned = (values: readonly number[], count: number) =>
    thinOut(values, Math.max(1, Math.round(count * density)));
  return thinOut([...thinned(valuesOfA, a.count), ...thinned(valuesOfB, b.count)]);
}

export function thinOut(values: readonly number[], most = maxValues): readonly number[] {
  if (values.length <= most) return values;
  const sorted = [...values].sort((x, y) => x - y);
  // From the middle of each of so many equal parts: every percentile stays where it was.
  return Array.from({ length: most }, (_, i) => sorted[Math.floor(((i + 0.5) * sorted.length) / most)] ?? 0);
}

/** Whether this is a statistic that {@link statisticOf} knows. */
export function isStatistic(name: string): boolean {
  return /^(?:Average|Sum|Minimum|Maximum|SampleCount)$/.test(name) || isPercentile(name);
}

export function isPercentile(name: string): boolean {
  return percentOf(name) !== undefined;
}

/**
 * @returns undefined when nothing was observed, or for a percentile when no single values were kept and they are not
 * known to be all the same (as on AWS, where a statistic set has percentiles only then)
 */
export function statisticOf(observed: Observation | undefined, name: string): number | undefined {
  if (observed === undefined || observed.count <= 0) return undefined;
  switch (name) {
    case 'Average':
      return observed.sum / observed.count;
    case 'Sum':
      return observed.sum;
    case 'Minimum':
      return observed.minimum;
    case 'Maximum':
      return observed.maximum;
    case 'SampleCount':
      return observed.count;
    default: {
      const percent = percentOf(name);
      if (percent === undefined) return undefined;
      if (observed.minimum === observed.maximum) return observed.minimum;
      return observed.values && percentile(observed.values, percent);
    }
  }
}

/** @returns 95 for `p95`, 99.9 for `p99.9`; undefined for all else */
function percentOf(name: string): number | undefined {
  const percent = /^p(\d{1,2}(?:\.\d{1,10})?|100)$/.exec(name)?.[1];
  return percent === undefined ? undefined : Number(percent);
}

/** Between the two nearest ranks; CloudWatch does not publish its own method [assumption]. */
function percentile(values: readonly number[], percent: number): number | undefined {
  const sorted = [...values].sort((a, b) => a - b);
  const rank = (percent / 100) * (sorted.length - 1);
  const below = sorted[Math.floor(rank)];
  const above = sorted[Math.ceil(rank)];
  return below === undefined || above === undefined ? undefined : below + (above - below) * (rank % 1);
}
