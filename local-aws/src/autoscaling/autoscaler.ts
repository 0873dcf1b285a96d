/**
 * Acts on the policies of Application Auto Scaling: after each evaluation of the alarms it asks decide-capacity.ts what
 * to do with each service, and sets the desired count. Between the rounds it ends activities that ECS has fulfilled.
 */
import type { EvaluatedAlarm } from '../cloudwatch/alarm-evaluator.ts';
import type { Clock } from '../contract.ts';
import { findLoad, type ServiceLoad } from '../ecs/service-load.ts';
import { type Loop, startLoop } from '../start-loop.ts';
import type { AutoscalingStore, ScalableTarget, ScalingPolicy } from './autoscaling-store.ts';
import { changeCapacity, decideActivityEnd } from './change-capacity.ts';
import {
  type AlarmView,
  type CapacityDecision,
  decideCapacity,
  type PolicyView,
  type TargetView,
} from './decide-capacity.ts';
import { runScheduledActions } from './scheduled-action-runner.ts';

/** Of ECS services, where a policy names none. AWS-side. */
const defaultCooldownSeconds = 300;
/** Pause between two looks at activities and schedules. AWS-side, and the shortest real one. */
const lookAwsMs = 10_000;
const minLookMs = 250;

export interface AutoscalerOptions {
  readonly store: AutoscalingStore;
  readonly clock: Clock;
  readonly services: () => readonly ServiceLoad[];
  /** @param resourceId `service/CLUSTER/NAME` */
  readonly setDesiredCount: (resourceId: string, count: number, cause: string) => void;
  readonly log: (line: string) => void;
}

export interface Autoscaler {
  /** @param at the end of the minute that was evaluated, milliseconds since the epoch */
  onRound(alarms: readonly EvaluatedAlarm[], at: number): void;
  stop(): Promise<void>;
}

export function startAutoscaler(options: AutoscalerOptions): Autoscaler {
  const { store, clock, log } = options;
  let lookedAt = clock.now();
  const loop: Loop = startLoop({
    name: 'scheduled scaling',
    clock,
    pauseMs: () => Math.max(minLookMs, clock.scaled(lookAwsMs)),
    turn() {
      const now = clock.now();
      runScheduledActions({ ...options, now: () => now, scaled: (awsMs) => clock.scaled(awsMs) }, lookedAt);
      lookedAt = now;
      endActivities(options);
    },
    log,
  });
  return {
    onRound(alarms, at) {
      for (const target of store.targets()) scaleTarget(options, target, alarms, at);
    },
    stop: () => loop.stop(),
  };
}

function scaleTarget(
  options: AutoscalerOptions,
  target: ScalableTarget,
  alarms: readonly EvaluatedAlarm[],
  at: number,
): void {
  const { store, clock, services } = options;
  const load = findLoad(services(), target.ResourceId);
  if (load === undefined) return;
  const view: TargetView = {
    current: load.desiredCount,
    min: target.MinCapacity,
    max: target.MaxCapacity,
    deploying: load.deploying,
    outSuspended: target.SuspendedState.DynamicScalingOutSuspended,
    inSuspended: target.SuspendedState.DynamicScalingInSuspended,
    memory: store.memory(target),
    now: at,
  };
  const policies = store.policiesOf(target).map((policy) => policyView(clock, policy, alarms));
  const decision = decideCapacity(view, policies);
  if (decision.kind === 'scale') {
    store.remember(target, decision.memory);
    changeCapacity({ ...options, now: () => clock.now() }, target, decision.capacity, causeOf(decision));
  } else if (decision.kind === 'not-scaled') recordNotScaled(options, target, decision);
}

function policyView(clock: Clock, policy: ScalingPolicy, alarms: readonly EvaluatedAlarm[]): PolicyView {
  const cooldownMs = (seconds = defaultCooldownSeconds) => clock.scaled(seconds * 1_000);
  const tracking = policy.TargetTrackingScalingPolicyConfiguration;
  if (tracking === undefined) {
    const configuration = policy.StepScalingPolicyConfiguration ?? {};
    const own = alarms.filter(({ alarmActions }) => alarmActions.includes(policy.PolicyARN));
    return {
      kind: 'step',
      name: policy.PolicyName,
      configuration,
      alarms: own.map(alarmView),
      cooldownMs: cooldownMs(configuration.Cooldown),
    };
  }
  const side = (name: string): AlarmView | undefined => {
    const wanted = policy.Alarms.find(({ AlarmName }) => AlarmName.includes(name))?.AlarmName;
    const found = alarms.find((alarm) => alarm.name === wanted);
    return found && alarmView(found);
  };
  return {
    kind: 'target-tracking',
    name: policy.PolicyName,
    targetValue: tracking.TargetValue,
    high: side('-AlarmHigh-'),
    low: side('-AlarmLow-'),
    scaleInDisabled: tracking.DisableScaleIn ?? false,
    scaleOutCooldownMs: cooldownMs(tracking.ScaleOutCooldown),
    scaleInCooldownMs: cooldownMs(tracking.ScaleInCooldown),
  };
}

function alarmView({ name, state, actionsEnabled, value, threshold }: EvaluatedAlarm): AlarmView {
  return { name, ringing: state === 'ALARM' && actionsEnabled, value, threshold };
}

function causeOf({ alarm, policy }: { readonly alarm: string; readonly policy: string }): string {
  return `monitor alarm ${alarm} in state ALARM triggered policy ${policy}`;
}

/** Told once as long as nothing changes: an alarm rings every minute. */
function recordNotScaled(
  { store, clock }: AutoscalerOptions,
  target: ScalableTarget,
  decision: Extract<CapacityDecision, { kind: 'not-scaled' }>,
): void {
  const { ServiceNamespace, ResourceId, ScalableDimension } = target;
  const Cause = causeOf(decision);
  const newest = store.activities().find((activity) => activity.ResourceId === ResourceId);
  const [before] = newest?.NotScaledReasons ?? [];
  if (newest?.Cause === Cause && JSON.stringify(before) === JSON.stringify(decision.reason)) return;
  const nowSeconds = clock.now() / 1_000;
  store.recordActivity({
    ...{ ServiceNamespace, ResourceId, ScalableDimension, Cause },
    Description: 'Attempting to scale due to alarm triggered',
    StartTime: nowSeconds,
    EndTime: nowSeconds,
    StatusCode: 'Failed',
    StatusMessage: `Not scaled: ${decision.reason.Code}.`,
    NotScaledReasons: [decision.reason],
  });
}

function endActivities({ store, clock, services }: AutoscalerOptions): void {
  const open = store.activities().filter(({ StatusCode }) => StatusCode === 'InProgress');
  if (open.length === 0) return;
  const loads = services();
  for (const activity of open) {
    const load = findLoad(loads, activity.ResourceId);
    const counts = load && { desired: load.desiredCount, running: load.runningCount };
    const ended = decideActivityEnd(activity, counts, clock.now() / 1_000);
    if (ended !== undefined) store.updateActivity(ended);
  }
}
