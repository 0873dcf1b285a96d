/** The periods that a question about metrics covers, and which AWS-side minutes lie in each. Pure. */
import type { Clock } from '../contract.ts';
import { minuteWidthMs } from './aws-minute.ts';

/** Values in one answer (CloudWatch API reference: GetMetricData); so many periods at most. */
const maxPeriods = 100_800;
const minuteMs = 60_000;
/** Whoever computes the begin of a minute in fractions of milliseconds still means that minute. */
const roundingMinutes = 1e-6;

export interface MetricPeriod {
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** Minutes that begin in it, both included; none where the last is before the first. */
  readonly firstMinute: number;
  readonly lastMinute: number;
}

/**
 * The begin is rounded down to a whole minute, or to the period where that is shorter, as on AWS. Periods are real time,
 * as the times are: at speed 10 one of a minute covers ten minutes of AWS.
 * @param endMs excluded
 * @returns newest first; undefined when there are more periods than one answer holds
 */
export function decidePeriods(
  clock: Clock,
  startMs: number,
  endMs: number,
  periodSeconds: number,
): readonly MetricPeriod[] | undefined {
  const periodMs = periodSeconds * 1_000;
  const grainMs = Math.min(minuteMs, periodMs);
  const begin = Math.floor(startMs / grainMs) * grainMs;
  const count = Math.ceil((endMs - begin) / periodMs);
  if (count > maxPeriods) return undefined;
  const widthMs = minuteWidthMs(clock);
  const firstFrom = (ms: number) => Math.ceil(ms / widthMs - roundingMinutes);
  return Array.from({ length: count }, (_, back) => {
    const at = begin + (count - 1 - back) * periodMs;
    const end = Math.min(at + periodMs, endMs);
    return { at, firstMinute: firstFrom(at), lastMinute: firstFrom(end) - 1 };
  });
}
