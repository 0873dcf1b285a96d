/** The sentences and the record with which CloudWatch explains the state of an alarm. Pure. */
import type { AlarmDecision, AlarmRule } from './decide-alarm-state.ts';
import type { AlarmState, MetricAlarm } from './metric-alarm.ts';

const comparisonWords: Readonly<Record<string, string>> = {
  GreaterThanThreshold: 'greater than',
  GreaterThanOrEqualToThreshold: 'greater than or equal to',
  LessThanThreshold: 'less than',
  LessThanOrEqualToThreshold: 'less than or equal to',
};

const missingWords = {
  missing: 'Missing',
  ignore: 'Ignore',
  breaching: 'Breaching',
  notBreaching: 'NonBreaching',
} as const;

/** @param before the state that the alarm had */
export function renderAlarmReason(rule: AlarmRule, decision: AlarmDecision, before: AlarmState): string {
  const { datapoints, breaching, filled, state } = decision;
  const periods = rule.evaluationPeriods;
  if (state === 'INSUFFICIENT_DATA')
    return `Insufficient Data: ${periods} ${periods === 1 ? 'datapoint was' : 'datapoints were'} unknown.`;
  if (datapoints.length === 0)
    return `Threshold Crossed: no datapoints were received for ${plural(periods, 'period')} and ${plural(periods, 'missing datapoint')} ${periods === 1 ? 'was' : 'were'} treated as [${missingWords[rule.missingData]}].`;
  const counted = state === 'ALARM' ? breaching : datapoints.length - breaching;
  const list = datapoints.map(({ at, value }) => `${decimal(value)} (${renderTime(at)})`).join(', ');
  const were = counted === 1 ? 'was' : 'were';
  const compared = `${were}${state === 'ALARM' ? '' : ' not'} ${comparisonWords[rule.comparison] ?? ''} the threshold (${decimal(rule.threshold)})`;
  const least =
    state === 'ALARM'
      ? `minimum ${plural(rule.datapointsToAlarm, 'datapoint')} for ${before} -> ALARM transition`
      : `minimum ${plural(periods - rule.datapointsToAlarm + 1, 'datapoint')} for ${before} -> OK transition`;
  const treated =
    filled > 0 && (rule.missingData === 'breaching' || rule.missingData === 'notBreaching')
      ? ` and ${plural(filled, 'missing datapoint')} ${filled === 1 ? 'was' : 'were'} treated as [${missingWords[rule.missingData]}]`
      : '';
  return `Threshold Crossed: ${counted} out of the last ${plural(datapoints.length, 'datapoint')} [${list}] ${compared}${treated} (${least}).`;
}

/** StateReasonData, for programs. */
export function renderAlarmReasonData(
  alarm: MetricAlarm,
  rule: AlarmRule,
  { datapoints }: AlarmDecision,
  now: number,
): string {
  const stat = alarm.queries.length === 1 ? alarm.queries[0]?.stat : undefined;
  const oldestFirst = [...datapoints].reverse();
  const [oldest] = oldestFirst;
  return JSON.stringify({
    version: '1.0',
    queryDate: renderDate(now),
    ...(oldest && { startDate: renderDate(oldest.at) }),
    ...(stat && { statistic: stat.statistic, period: stat.periodSeconds }),
    recentDatapoints: oldestFirst.map(({ value }) => value),
    threshold: rule.threshold,
    evaluatedDatapoints: datapoints.map(({ at, value }) => ({ timestamp: renderDate(at), value })),
  });
}

function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

/** 70 is written 70.0, as everywhere in CloudWatch. */
function decimal(value: number): string {
  return Number.isInteger(value) ? value.toFixed(1) : String(value);
}

/** `25/11/26 19:10:00` */
function renderTime(at: number): string {
  const [year = '', month = '', day = ''] = new Date(at).toISOString().slice(0, 10).split('-');
  return `${day}/${month}/${year.slice(2)} ${new Date(at).toISOString().slice(11, 19)}`;
}

function renderDate(at: number): string {
  return new Date(at).toISOString().replace('Z', '+0000');
}
