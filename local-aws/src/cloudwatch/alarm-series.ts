/** The datapoints that an alarm looks at: those of its metric, or of its expression. */
import { startOfMinute } from './aws-minute.ts';
import type { Slot } from './decide-alarm-state.ts';
import type { MetricAlarm, MetricStat } from './metric-alarm.ts';
import type { Series } from './metric-math.ts';
import { loadObservedMinutes, type MinutesSource } from './observed-minutes.ts';
import { resolveExpressions } from './resolve-expressions.ts';
import { isStatistic, statisticOf } from './statistic.ts';

/** As on AWS: an alarm looks back one day at most. */
const maxMinutes = 1_440;
const secondsOfMinute = 60;

/** An alarm of a kind that is not evaluated here; the message says why. */
export class UnsupportedAlarmError extends Error {}

/**
 * @param lastMinute the newest minute that is over
 * @param periods how many periods back
 * @returns newest first
 * @throws UnsupportedAlarmError, MetricMathError
 */
export async function loadAlarmSlots(
  source: MinutesSource,
  alarm: MetricAlarm,
  lastMinute: number,
  periods: number,
): Promise<readonly Slot[]> {
  const { clock } = source;
  const stats = alarm.queries.flatMap(({ stat }) => (stat === undefined ? [] : [stat]));
  const periodMinutes = decidePeriodMinutes(stats, periods);
  const [from, to] = [lastMinute - periods * periodMinutes + 1, lastMinute];
  const observed = await loadObservedMinutes(
    source,
    stats.map(({ metric }) => metric),
    from,
    to,
  );
  const series = (stat: MetricStat): Series =>
    Array.from({ length: periods }, (_, i) => {
      const last = lastMinute - i * periodMinutes;
      return statisticOf(observed(stat.metric, last - periodMinutes + 1, last), stat.statistic);
    });
  const known: Record<string, Series> = {};
  for (const { id, stat } of alarm.queries) if (stat !== undefined) known[id] = series(stat);
  const resolved = resolveExpressions(alarm.queries, known, periods);
  const result = alarm.queries.find(({ returnData }) => returnData)?.id;
  const values = result === undefined ? undefined : resolved[result];
  if (values === undefined) throw new UnsupportedAlarmError('none of its metrics is what it watches');
  return values.map((value, i) => ({
    at: startOfMinute(clock, lastMinute - (i + 1) * periodMinutes + 1),
    value,
  }));
}

function decidePeriodMinutes(stats: readonly MetricStat[], periods: number): number {
  const [first] = stats;
  if (first === undefined) throw new UnsupportedAlarmError('it names no metric');
  const { periodSeconds } = first;
  if (stats.some((stat) => stat.periodSeconds !== periodSeconds))
    throw new UnsupportedAlarmError('its metrics have different periods');
  const minutes = periodSeconds / secondsOfMinute;
  if (!Number.isInteger(minutes) || minutes < 1)
    throw new UnsupportedAlarmError(`its period of ${periodSeconds} s is not a multiple of 60 s`);
  if (periods * minutes > maxMinutes + 2 * minutes)
    throw new UnsupportedAlarmError(`it looks back more than ${maxMinutes} minutes`);
  const unknown = stats.find(({ statistic }) => !isStatistic(statistic));
  if (unknown !== undefined)
    throw new UnsupportedAlarmError(`its statistic ${unknown.statistic} is not known`);
  return minutes;
}
