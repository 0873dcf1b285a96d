/**
 * What Application Auto Scaling makes of its policies' alarms: one decision for a scalable target. Pure.
 * Out when any policy wants it, in when all of them do; the larger capacity wins.
 */
import { decideStepCapacity, type StepScaling } from './step-adjustment.ts';

export interface AlarmView {
  readonly name: string;
  /** Whether it is in state ALARM, with its actions enabled. */
  readonly ringing: boolean;
  /** Newest datapoint; undefined when there is none, and then nothing is done. */
  readonly value: number | undefined;
  readonly threshold: number;
}

export interface TrackingPolicyView {
  readonly kind: 'target-tracking';
  readonly name: string;
  readonly targetValue: number;
  readonly high: AlarmView | undefined;
  readonly low: AlarmView | undefined;
  readonly scaleInDisabled: boolean;
  /** Real milliseconds. */
  readonly scaleOutCooldownMs: number;
  readonly scaleInCooldownMs: number;
}

export interface StepPolicyView {
  readonly kind: 'step';
  readonly name: string;
  readonly configuration: StepScaling;
  /** Those that have this policy as their action. */
  readonly alarms: readonly AlarmView[];
  readonly cooldownMs: number;
}

export type PolicyView = TrackingPolicyView | StepPolicyView;

/** When capacity was last changed by a policy, for the cooldowns. Milliseconds since the epoch. */
export interface ScalingMemory {
  readonly out?: { readonly at: number; readonly from: number; readonly to: number } | undefined;
  readonly in?: { readonly at: number } | undefined;
}

export interface TargetView {
  readonly current: number;
  readonly min: number;
  readonly max: number;
  /** A deployment of the service is in progress: no scaling in. */
  readonly deploying: boolean;
  readonly outSuspended: boolean;
  readonly inSuspended: boolean;
  readonly memory: ScalingMemory;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

export interface NotScaledReason {
  readonly Code:
    | 'TargetServicePutResourceAsUnscalable'
    | 'AlreadyAtMaxCapacity'
    | 'AlreadyAtMinCapacity'
    | 'AlreadyAtDesiredCapacity';
  readonly MaxCapacity?: number;
  readonly MinCapacity?: number;
  readonly CurrentCapacity?: number;
}

interface Trigger {
  readonly policy: string;
  readonly alarm: string;
}

export type CapacityDecision =
  | { readonly kind: 'none' }
  | (Trigger & {
      readonly kind: 'scale';
      readonly direction: 'out' | 'in';
      readonly capacity: number;
      readonly memory: ScalingMemory;
    })
  | (Trigger & { readonly kind: 'not-scaled'; readonly reason: NotScaledReason });

/** A policy's wish, before bounds. */
interface Wish extends Trigger {
  readonly capacity: number;
}

/** Rounds are one minute apart to the millisecond, give or take what a division by the speed leaves over. */
const toleranceMs = 1;

const none: CapacityDecision = { kind: 'none' };

/** Capacity follows the metric in proportion; AWS does not publish its formula [assumption]. */
export function trackedCapacity(current: number, value: number, targetValue: number): number {
  // Without the rounding 4 × 70 / 70 might come out as 4.000000001, and so as 5.
  return Math.ceil(Number(((current * value) / targetValue).toFixed(6)));
}

export function decideCapacity(target: TargetView, policies: readonly PolicyView[]): CapacityDecision {
  const wantsOut = policies.some(
    (policy) => policy.kind === 'target-tracking' && policy.high?.ringing && policy.high.value !== undefined,
  );
  const stepWishes = policies.flatMap((policy) =>
    policy.kind === 'step' ? stepWishesOf(target, policy) : [],
  );
  if (wantsOut || stepWishes.some(({ capacity }) => capacity > target.current))
    return decideScaleOut(target, policies);
  return decideScaleIn(target, policies);
}

function decideScaleOut(target: TargetView, policies: readonly PolicyView[]): CapacityDecision {
  if (target.outSuspended) return none;
  const wishes = policies.flatMap((policy) => outWishesOf(target, policy));
  const best = largest(wishes);
  if (best === undefined) return none;
  const { current, min, max, memory, now } = target;
  const capacity = Math.min(max, Math.max(min, best.capacity));
  if (capacity > current) {
    const { policy, alarm } = best;
    const from = memory.out?.to === current ? memory.out.from : current;
    // A scale-out ends the cooldown of a scale-in.
    const base = isCooling(target, policyCooldown(policies, policy)) ? from : current;
    return {
      ...{ kind: 'scale', direction: 'out', capacity, policy, alarm },
      memory: { out: { at: now, from: base, to: capacity } },
    };
  }
  return notScaled(
    best,
    current >= max
      ? { Code: 'AlreadyAtMaxCapacity', MaxCapacity: max, CurrentCapacity: current }
      : { Code: 'AlreadyAtDesiredCapacity', CurrentCapacity: current },
  );
}

/** While a scale-out cools down only a larger one counts: measured from the capacity before, which it includes. */
function outWishesOf(target: TargetView, policy: PolicyView): readonly Wish[] {
  const cooling = isCooling(target, policyCooldown([policy], policy.name));
  const { out } = target.memory;
  const base = cooling && out?.to === target.current ? out.from : target.current;
  const wishes =
    policy.kind === 'step'
      ? stepWishesOf({ ...target, current: base }, policy)
      : trackingOutWish(policy, base);
  const larger = wishes.filter(({ capacity }) => capacity > target.current);
  return cooling ? larger : policy.kind === 'step' ? larger : wishes;
}

function trackingOutWish({ name, high, targetValue }: TrackingPolicyView, base: number): readonly Wish[] {
  if (!high?.ringing || high.value === undefined) return [];
  return [{ policy: name, alarm: high.name, capacity: trackedCapacity(base, high.value, targetValue) }];
}

function isCooling({ memory, now }: TargetView, cooldownMs: number): boolean {
  return memory.out !== undefined && now - memory.out.at + toleranceMs < cooldownMs;
}

function policyCooldown(policies: readonly PolicyView[], name: string): number {
  const policy = policies.find((candidate) => candidate.name === name);
  return policy === undefined ? 0 : policy.kind === 'step' ? policy.cooldownMs : policy.scaleOutCooldownMs;
}

function decideScaleIn(target: TargetView, policies: readonly PolicyView[]): CapacityDecision {
  if (target.inSuspended) return none;
  const { current, min, max, memory, now } = target;
  const rested = (cooldownMs: number) =>
    memory.in === undefined || now - memory.in.at + toleranceMs >= cooldownMs;
  const tracking = policies.flatMap((policy) => (policy.kind === 'target-tracking' ? [policy] : []));
  const inStep = policies.flatMap((policy) =>
    policy.kind === 'step' && rested(policy.cooldownMs)
      ? stepWishesOf(target, policy).filter(({ capacity }) => capacity < current)
      : [],
  );
  const best = largest([...trackingInWishes(current, tracking, rested), ...inStep]);
  if (best === undefined) return none;
  const capacity = Math.max(min, Math.min(max, best.capacity));
  if (capacity < current) {
    if (target.deploying) return notScaled(best, { Code: 'TargetServicePutResourceAsUnscalable' });
    const { policy, alarm } = best;
    const after = { ...memory, in: { at: now } };
    return { ...{ kind: 'scale', direction: 'in', capacity, policy, alarm }, memory: after };
  }
  return notScaled(
    best,
    current <= min
      ? { Code: 'AlreadyAtMinCapacity', MinCapacity: min, CurrentCapacity: current }
      : { Code: 'AlreadyAtDesiredCapacity', CurrentCapacity: current },
  );
}

/** All policies that may scale in have to be ready for it; those whose scale-in is disabled are not asked. */
function trackingInWishes(
  current: number,
  policies: readonly TrackingPolicyView[],
  rested: (cooldownMs: number) => boolean,
): readonly Wish[] {
  const asked = policies.filter(({ scaleInDisabled }) => !scaleInDisabled);
  const wishes = asked.flatMap(({ name, low, targetValue, scaleInCooldownMs }) =>
    low?.ringing && low.value !== undefined && rested(scaleInCooldownMs)
      ? [{ policy: name, alarm: low.name, capacity: trackedCapacity(current, low.value, targetValue) }]
      : [],
  );
  return wishes.length === asked.length ? wishes : [];
}

function stepWishesOf({ current }: TargetView, policy: StepPolicyView): readonly Wish[] {
  return policy.alarms.flatMap(({ name, ringing, value, threshold }) => {
    if (!ringing || value === undefined) return [];
    const capacity = decideStepCapacity(policy.configuration, current, value, threshold);
    return capacity === undefined ? [] : [{ policy: policy.name, alarm: name, capacity }];
  });
}

function largest(wishes: readonly Wish[]): Wish | undefined {
  return wishes.reduce<Wish | undefined>(
    (best, wish) => (best === undefined || wish.capacity > best.capacity ? wish : best),
    undefined,
  );
}

function notScaled({ policy, alarm }: Trigger, reason: NotScaledReason): CapacityDecision {
  return { kind: 'not-scaled', policy, alarm, reason };
}
