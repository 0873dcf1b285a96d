/** Metric alarms as CloudWatch describes them, read from the XML of DescribeAlarms. Pure. */
import { findElement, listAt, readXml, textAt, type XmlElement } from '../gateway/xml.ts';
import type { MetricId } from './metric-store.ts';

export type AlarmState = 'OK' | 'ALARM' | 'INSUFFICIENT_DATA';
export type MissingData = 'missing' | 'ignore' | 'breaching' | 'notBreaching';

/** One metric with its statistic over a period. */
export interface MetricStat {
  readonly metric: MetricId;
  readonly statistic: string;
  readonly periodSeconds: number;
}

export interface AlarmQuery {
  readonly id: string;
  readonly returnData: boolean;
  readonly expression: string | undefined;
  readonly stat: MetricStat | undefined;
}

export interface MetricAlarm {
  readonly name: string;
  readonly arn: string;
  readonly description: string;
  readonly state: AlarmState;
  /** False for an alarm that was just made: its state has to be put right whatever it is. */
  readonly evaluated: boolean;
  readonly stateReason: string;
  readonly actionsEnabled: boolean;
  readonly actions: Readonly<Record<AlarmState, readonly string[]>>;
  /** One with a `stat`, or several with an expression among them. */
  readonly queries: readonly AlarmQuery[];
  readonly evaluationPeriods: number;
  readonly datapointsToAlarm: number;
  readonly comparison: string;
  readonly threshold: number | undefined;
  readonly missingData: MissingData;
}

/** Said of a new alarm. Its state is then OK in the control plane, where AWS has INSUFFICIENT_DATA. */
export const unchecked = 'Unchecked: Initial alarm creation';

export function parseMetricAlarms(xml: string): {
  readonly alarms: readonly MetricAlarm[];
  readonly nextToken: string | undefined;
} {
  const result = findElement(readXml(xml), 'DescribeAlarmsResult');
  return {
    alarms: listAt(result, 'MetricAlarms').map(parseAlarm),
    nextToken: textAt(result, 'NextToken'),
  };
}

function parseAlarm(element: XmlElement): MetricAlarm {
  const text = (name: string) => textAt(element, name) ?? '';
  const arns = (name: string) => listAt(element, name).map((member) => member.text);
  const evaluationPeriods = Number(text('EvaluationPeriods')) || 1;
  const evaluated = text('StateReason') !== unchecked || text('StateValue') !== 'OK';
  const threshold = textAt(element, 'Threshold');
  return {
    name: text('AlarmName'),
    arn: text('AlarmArn'),
    description: text('AlarmDescription'),
    state: evaluated ? parseState(text('StateValue')) : 'INSUFFICIENT_DATA',
    evaluated,
    stateReason: text('StateReason'),
    actionsEnabled: text('ActionsEnabled') !== 'false',
    actions: {
      OK: arns('OKActions'),
      ALARM: arns('AlarmActions'),
      INSUFFICIENT_DATA: arns('InsufficientDataActions'),
    },
    queries: parseQueries(element),
    evaluationPeriods,
    datapointsToAlarm: Number(text('DatapointsToAlarm')) || evaluationPeriods,
    comparison: text('ComparisonOperator'),
    threshold: threshold === undefined ? undefined : Number(threshold),
    missingData: parseMissingData(text('TreatMissingData')),
  };
}

function parseState(text: string): AlarmState {
  return text === 'OK' || text === 'ALARM' ? text : 'INSUFFICIENT_DATA';
}

function parseMissingData(text: string): MissingData {
  return text === 'ignore' || text === 'breaching' || text === 'notBreaching' ? text : 'missing';
}

function parseQueries(alarm: XmlElement): readonly AlarmQuery[] {
  const metrics = listAt(alarm, 'Metrics');
  if (metrics.length === 0) {
    const statistic = textAt(alarm, 'Statistic') ?? textAt(alarm, 'ExtendedStatistic') ?? '';
    const stat = { metric: parseMetric(alarm), statistic, periodSeconds: periodOf(alarm) };
    return [{ id: 'm1', returnData: true, expression: undefined, stat }];
  }
  return metrics.map((query) => {
    const stat = findElement(query, 'MetricStat');
    return {
      id: textAt(query, 'Id') ?? '',
      returnData: textAt(query, 'ReturnData') !== 'false',
      expression: textAt(query, 'Expression'),
      stat: stat && {
        metric: parseMetric(findElement(stat, 'Metric') ?? stat),
        statistic: textAt(stat, 'Stat') ?? '',
        periodSeconds: periodOf(stat),
      },
    };
  });
}

function periodOf(element: XmlElement): number {
  return Number(textAt(element, 'Period') ?? 60);
}

function parseMetric(element: XmlElement): MetricId {
  return {
    namespace: textAt(element, 'Namespace') ?? '',
    name: textAt(element, 'MetricName') ?? '',
    dimensions: Object.fromEntries(
      listAt(element, 'Dimensions').map((member) => [
        textAt(member, 'Name') ?? '',
        textAt(member, 'Value') ?? '',
      ]),
    ),
  };
}
