/**
 * Evaluates all metric alarms once an AWS-side minute and tells whoever acts on them. The alarms live in the control
 * plane, which never changes their state by itself. Composite alarms are not evaluated.
 */
import type { Clock, ControlPlane } from '../contract.ts';
import { type Loop, startLoop } from '../start-loop.ts';
import { renderAlarmReason, renderAlarmReasonData } from './alarm-reason.ts';
import { loadAlarmSlots } from './alarm-series.ts';
import { minuteAt, startOfMinute } from './aws-minute.ts';
import {
  type AlarmDecision,
  type AlarmRule,
  decideAlarmState,
  extraPeriods,
  isComparison,
} from './decide-alarm-state.ts';
import { type AlarmState, type MetricAlarm, parseMetricAlarms, unchecked } from './metric-alarm.ts';
import type { MetricStore } from './metric-store.ts';

/** After the end of a minute, for those who report it. AWS-side. */
const graceAwsMs = 10_000;
/** Shortest real grace: twice the shortest pause of the samples. */
const minGraceMs = 500;
/** Shortest real pause between two rounds; where minutes are shorter, some are passed over. */
const minPauseMs = 250;
/** DescribeAlarms answers 100 alarms a page on AWS; what comes on top of these pages is not evaluated. */
const maxPages = 20;
const maxRemembered = 1_000;

/** One alarm after its evaluation. */
export interface EvaluatedAlarm {
  readonly name: string;
  readonly state: AlarmState;
  readonly actionsEnabled: boolean;
  /** ARNs that act while it is in state ALARM. */
  readonly alarmActions: readonly string[];
  readonly threshold: number;
  /** The newest datapoint that there is. */
  readonly value: number | undefined;
}

export interface AlarmEvaluatorOptions {
  readonly clock: Clock;
  readonly control: ControlPlane;
  readonly store: MetricStore;
  readonly log: (line: string) => void;
  /** Told after each round, with every alarm that could be evaluated and the end of the minute (epoch ms). */
  readonly onRound: (alarms: readonly EvaluatedAlarm[], at: number) => void | Promise<void>;
}

export function startAlarmEvaluator(options: AlarmEvaluatorOptions): Loop {
  const { clock, log } = options;
  const graceMs = Math.max(minGraceMs, clock.scaled(graceAwsMs));
  const evaluate = createAlarmRound(options);
  /** The minute that is evaluated next, once it is over. */
  let due = minuteAt(clock, clock.now());
  return startLoop({
    name: 'evaluating alarms',
    clock,
    pauseMs: () => Math.max(minPauseMs, startOfMinute(clock, due + 1) + graceMs - clock.now()),
    async turn() {
      const over = minuteAt(clock, clock.now() - graceMs) - 1;
      if (over < due) return;
      due = over + 1;
      await evaluate(over);
    },
    log,
  });
}

/** @returns evaluates all alarms as of the end of a minute */
export function createAlarmRound(options: AlarmEvaluatorOptions): (minute: number) => Promise<void> {
  const { clock, control, onRound, log } = options;
  const told = new Set<string>();
  const tellOnce = (line: string) => {
    if (told.has(line) || told.size >= maxRemembered) return;
    told.add(line);
    log(line);
  };
  return async (minute) => {
    const evaluated: EvaluatedAlarm[] = [];
    for (const alarm of await loadAlarms(control)) {
      try {
        evaluated.push(await evaluateAlarm(options, alarm, minute));
      } catch (error) {
        // One alarm's trouble must not keep the others from being evaluated.
        const why = error instanceof Error ? error.message : String(error);
        tellOnce(`alarm ${alarm.name} is not evaluated: ${why}`);
        await declareUnknown(control, alarm, why).catch(() => undefined);
      }
    }
    await onRound(evaluated, startOfMinute(clock, minute + 1));
  };
}

async function loadAlarms(control: ControlPlane): Promise<readonly MetricAlarm[]> {
  const alarms: MetricAlarm[] = [];
  let token: string | undefined;
  for (let page = 0; page < maxPages; page += 1) {
    const params: Record<string, string> = token === undefined ? {} : { NextToken: token };
    const answer = parseMetricAlarms(await control.query('monitoring', 'DescribeAlarms', params));
    alarms.push(...answer.alarms);
    token = answer.nextToken;
    if (token === undefined) break;
  }
  return alarms;
}

async function evaluateAlarm(
  options: AlarmEvaluatorOptions,
  alarm: MetricAlarm,
  minute: number,
): Promise<EvaluatedAlarm> {
  const rule = ruleOf(alarm);
  const slots = await loadAlarmSlots(options, alarm, minute, rule.evaluationPeriods + extraPeriods);
  const decision = decideAlarmState(rule, slots, alarm.state);
  if (decision.state !== alarm.state || !alarm.evaluated) await changeState(options, alarm, rule, decision);
  return {
    name: alarm.name,
    state: decision.state,
    actionsEnabled: alarm.actionsEnabled,
    alarmActions: alarm.actions.ALARM,
    threshold: rule.threshold,
    value: decision.datapoints[0]?.value,
  };
}

function ruleOf(alarm: MetricAlarm): AlarmRule {
  const { threshold, comparison } = alarm;
  if (threshold === undefined || !isComparison(comparison))
    throw new Error(`comparison ${comparison} is not supported`);
  const { evaluationPeriods, datapointsToAlarm, missingData } = alarm;
  return { threshold, comparison, evaluationPeriods, datapointsToAlarm, missingData };
}

async function changeState(
  { control, clock }: AlarmEvaluatorOptions,
  alarm: MetricAlarm,
  rule: AlarmRule,
  decision: AlarmDecision,
): Promise<void> {
  const still = decision.state === 'INSUFFICIENT_DATA' && !alarm.evaluated;
  const reason = still ? unchecked : renderAlarmReason(rule, decision, alarm.state);
  const now = clock.now();
  await control.query('monitoring', 'SetAlarmState', {
    AlarmName: alarm.name,
    StateValue: decision.state,
    StateReason: reason,
    StateReasonData: renderAlarmReasonData(alarm, rule, decision, now),
  });
  if (decision.state !== alarm.state && alarm.actionsEnabled)
    await notify(control, alarm, decision.state, reason, now);
}

/** Topics only; scaling policies are told by `onRound`, every minute, as on AWS. */
async function notify(
  control: ControlPlane,
  alarm: MetricAlarm,
  state: AlarmState,
  reason: string,
  now: number,
): Promise<void> {
  const message = JSON.stringify({
    AlarmName: alarm.name,
    AlarmDescription: alarm.description,
    AWSAccountId: control.accountId,
    NewStateValue: state,
    NewStateReason: reason,
    StateChangeTime: new Date(now).toISOString().replace('Z', '+0000'),
    Region: control.region,
    AlarmArn: alarm.arn,
    OldStateValue: alarm.state,
  });
  for (const arn of alarm.actions[state].filter((action) => action.startsWith('arn:aws:sns:'))) {
    // A topic that is gone does not keep the alarm from changing.
    const Subject = `${state}: "${alarm.name}" in ${control.region}`.slice(0, 100);
    await control
      .query('sns', 'Publish', { TopicArn: arn, Subject, Message: message })
      .catch(() => undefined);
  }
}

async function declareUnknown(control: ControlPlane, alarm: MetricAlarm, why: string): Promise<void> {
  if (alarm.evaluated && alarm.state === 'INSUFFICIENT_DATA') return;
  await control.query('monitoring', 'SetAlarmState', {
    AlarmName: alarm.name,
    StateValue: 'INSUFFICIENT_DATA',
    StateReason: `The embedded AWS does not evaluate this alarm: ${why}.`,
    StateReasonData: '{}',
  });
}
