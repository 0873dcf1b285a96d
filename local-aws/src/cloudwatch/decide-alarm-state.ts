/**
 * The state of an alarm from its datapoints: M out of N, and what a missing datapoint counts for. Pure.
 * The rules are those of "Configuring how CloudWatch alarms treat missing data" in AWS's user guide.
 */
import type { AlarmState, MissingData } from './metric-alarm.ts';

/**
 * CloudWatch looks at some more periods than it evaluates, so that a datapoint that is missing can be made up for by an
 * older one. How many is not published; two more is what the examples of the user guide have [assumption].
 */
export const extraPeriods = 2;

export interface AlarmRule {
  readonly evaluationPeriods: number;
  readonly datapointsToAlarm: number;
  readonly comparison: string;
  readonly threshold: number;
  readonly missingData: MissingData;
}

/** One period: when it began, and its datapoint. */
export interface Slot {
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly value: number | undefined;
}

export interface AlarmDecision {
  readonly state: AlarmState;
  /** The datapoints that were evaluated, newest first; at most as many as the alarm's periods. */
  readonly datapoints: readonly { readonly at: number; readonly value: number }[];
  readonly breaching: number;
  /** Periods without a datapoint that had to be counted as the alarm says. */
  readonly filled: number;
}

const comparisons: Readonly<Record<string, (value: number, threshold: number) => boolean>> = {
  GreaterThanThreshold: (value, threshold) => value > threshold,
  GreaterThanOrEqualToThreshold: (value, threshold) => value >= threshold,
  LessThanThreshold: (value, threshold) => value < threshold,
  LessThanOrEqualToThreshold: (value, threshold) => value <= threshold,
};

/** Comparisons with the band of an anomaly detector are not known. */
export function isComparison(name: string): boolean {
  return comparisons[name] !== undefined;
}

/** @param slots newest first: the periods of the alarm and {@link extraPeriods} before them */
export function decideAlarmState(
  rule: AlarmRule,
  slots: readonly Slot[],
  current: AlarmState,
): AlarmDecision {
  const breaches = comparisons[rule.comparison] ?? (() => false);
  const existing = slots.flatMap(({ at, value }, index) =>
    value === undefined ? [] : [{ at, value, age: index + 1 }],
  );
  const evaluated = existing.slice(0, rule.evaluationPeriods);
  const breaching = evaluated.filter(({ value }) => breaches(value, rule.threshold));
  const filled = rule.evaluationPeriods - evaluated.length;
  const state = decide(rule, {
    evaluated: evaluated.length,
    breaching: breaching.length,
    filled,
    oldestAge: evaluated.at(-1)?.age ?? 0,
    current,
  });
  return {
    state,
    datapoints: evaluated.map(({ at, value }) => ({ at, value })),
    breaching: breaching.length,
    filled,
  };
}

interface Counts {
  readonly evaluated: number;
  readonly breaching: number;
  readonly filled: number;
  /** Periods since the oldest datapoint, itself included. */
  readonly oldestAge: number;
  readonly current: AlarmState;
}

function decide({ missingData, datapointsToAlarm: wanted }: AlarmRule, counts: Counts): AlarmState {
  const { evaluated, breaching, filled, oldestAge, current } = counts;
  if (breaching >= wanted) return 'ALARM';
  if (filled === 0 || missingData === 'notBreaching') return 'OK';
  if (missingData === 'breaching') return breaching + filled >= wanted ? 'ALARM' : 'OK';
  if (evaluated === 0) return missingData === 'ignore' ? current : 'INSUFFICIENT_DATA';
  if (breaching < evaluated) return 'OK';
  // All that is there breaches, but it is too little. Once it is old enough, nothing can have contradicted it.
  return missingData === 'missing' && oldestAge >= wanted ? 'ALARM' : current;
}
