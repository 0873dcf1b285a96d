import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type AlarmView,
  decideCapacity,
  type PolicyView,
  type StepPolicyView,
  type TargetView,
  type TrackingPolicyView,
  trackedCapacity,
} from './decide-capacity.ts';

const minuteMs = 60_000;
const cooldownMs = 5 * minuteMs;
const target: TargetView = {
  ...{ current: 4, min: 1, max: 10, deploying: false, outSuspended: false, inSuspended: false },
  ...{ memory: {}, now: 1_000_000_000 },
};
const alarm = (name: string, ringing: boolean, value: number | undefined, threshold: number): AlarmView => ({
  ...{ name, ringing, value, threshold },
});

/** A policy that tracks 70 % and whose metric has been at this value for long. */
function tracking(value: number | undefined, changes: Partial<TrackingPolicyView> = {}): TrackingPolicyView {
  const { name = 'cpu' } = changes;
  return {
    ...{ kind: 'target-tracking', name, targetValue: 70, scaleInDisabled: false },
    high: alarm(`${name}-high`, value !== undefined && value > 70, value, 70),
    low: alarm(`${name}-low`, value !== undefined && value < 63, value, 63),
    ...{ scaleOutCooldownMs: cooldownMs, scaleInCooldownMs: cooldownMs },
    ...changes,
  };
}

const decide = (changes: Partial<TargetView>, ...policies: readonly PolicyView[]) =>
  decideCapacity({ ...target, ...changes }, policies);
const scaled = (direction: 'out' | 'in', capacity: number, policy = 'cpu') =>
  expect.objectContaining({ kind: 'scale', direction, capacity, policy });

test('[target-tracking.capacity] capacity follows the metric in proportion, rounded up', () => {
  expect(decide({}, tracking(100))).toEqual(scaled('out', 6));
  expect(decide({}, tracking(30))).toEqual(scaled('in', 2));
  expect(trackedCapacity(4, 70, 70)).toBe(4);
  expect(trackedCapacity(3, 0.7, 0.7)).toBe(3);
});

test('[target-tracking.any-out] one policy is enough to scale out, and the larger wish wins', () => {
  expect(decide({}, tracking(20), tracking(80, { name: 'memory' }))).toEqual(scaled('out', 5, 'memory'));
  expect(decide({}, tracking(140), tracking(80, { name: 'memory' }))).toEqual(scaled('out', 8));
});

test('[target-tracking.all-in] scaling in needs all policies, and goes no further than any of them', () => {
  expect(decide({}, tracking(20), tracking(65, { name: 'memory' }))).toEqual({ kind: 'none' });
  expect(decide({}, tracking(20), tracking(50, { name: 'memory' }))).toEqual(scaled('in', 3, 'memory'));
});

test('[target-tracking.scale-in-disabled] a policy whose scale-in is disabled is not asked, and never scales in alone', () => {
  const disabled = { name: 'memory', scaleInDisabled: true };
  expect(decide({}, tracking(20), tracking(65, disabled))).toEqual(scaled('in', 2));
  expect(decide({}, tracking(20, disabled))).toEqual({ kind: 'none' });
  expect(decide({}, tracking(90, disabled))).toEqual(scaled('out', 6, 'memory'));
});

test('[target-tracking.no-in-while-deploying] a deployment stops scaling in', () => {
  expect(decide({ deploying: true }, tracking(20))).toMatchObject({
    kind: 'not-scaled',
    reason: { Code: 'TargetServicePutResourceAsUnscalable' },
  });
});

test('[target-tracking.out-while-deploying] a deployment does not stop scaling out', () => {
  expect(decide({ deploying: true }, tracking(100))).toEqual(scaled('out', 6));
});

test('[target-tracking.insufficient-data] nothing is done without data', () => {
  expect(decide({}, tracking(undefined))).toEqual({ kind: 'none' });
  expect(decide({}, tracking(20), tracking(undefined, { name: 'memory' }))).toEqual({ kind: 'none' });
  expect(decide({}, tracking(20, { high: undefined, low: undefined }))).toEqual({ kind: 'none' });
});

describe('cooldowns', () => {
  const out = (minutesAgo: number, from: number, to: number) => ({
    out: { at: target.now - minutesAgo * minuteMs, from, to },
  });
  const within = (minutesAgo: number) => ({ in: { at: target.now - minutesAgo * minuteMs } });

  test('[target-tracking.cooldown] a scale-out rests five minutes', () => {
    expect(decide({ memory: out(4, 2, 4) }, tracking(90))).toEqual({ kind: 'none' });
    expect(decide({ memory: out(5, 2, 4) }, tracking(90))).toEqual(scaled('out', 6));
  });

  test('[target-tracking.larger-scale-out] a larger one does not wait, and includes what the first added', () => {
    expect(decide({ memory: out(1, 2, 4) }, tracking(140))).toEqual({ kind: 'none' });
    expect(decide({ memory: out(1, 2, 4) }, tracking(210))).toEqual(scaled('out', 6));
  });

  test('[target-tracking.scale-in-cooldown] a scale-in rests five minutes', () => {
    expect(decide({ memory: within(4) }, tracking(20))).toEqual({ kind: 'none' });
    expect(decide({ memory: within(5) }, tracking(20))).toEqual(scaled('in', 2));
  });

  test('[target-tracking.out-ends-in-cooldown] a scale-out happens within it, and ends it', () => {
    const decision = decide({ memory: within(1) }, tracking(100));
    expect(decision).toEqual(scaled('out', 6));
    expect(decision).toHaveProperty('memory', { out: { at: target.now, from: 4, to: 6 } });
  });
});

test.each([
  [
    'at the maximum',
    { current: 10 },
    100,
    { Code: 'AlreadyAtMaxCapacity', MaxCapacity: 10, CurrentCapacity: 10 },
  ],
  [
    'at the minimum',
    { current: 1 },
    20,
    { Code: 'AlreadyAtMinCapacity', MinCapacity: 1, CurrentCapacity: 1 },
  ],
  ['not worth a task', {}, 60, { Code: 'AlreadyAtDesiredCapacity', CurrentCapacity: 4 }],
])('[target-tracking.bounds] not scaled: %s', (_name, changes, value, reason) => {
  expect(decide(changes, tracking(value))).toMatchObject({ kind: 'not-scaled', reason });
});

test('suspended directions do nothing', () => {
  expect(decide({ outSuspended: true }, tracking(100))).toEqual({ kind: 'none' });
  expect(decide({ inSuspended: true }, tracking(20))).toEqual({ kind: 'none' });
  expect(decide({ inSuspended: true }, tracking(100))).toEqual(scaled('out', 6));
});

describe('step scaling', () => {
  const step = (value: number, changes: Partial<StepPolicyView['configuration']> = {}): StepPolicyView => ({
    ...{ kind: 'step', name: 'queue', cooldownMs, alarms: [alarm('deep', true, value, 100)] },
    configuration: {
      AdjustmentType: 'ChangeInCapacity',
      StepAdjustments: [
        { MetricIntervalUpperBound: -50, ScalingAdjustment: -2 },
        { MetricIntervalLowerBound: -50, MetricIntervalUpperBound: 0, ScalingAdjustment: -1 },
        { MetricIntervalLowerBound: 0, MetricIntervalUpperBound: 50, ScalingAdjustment: 1 },
        { MetricIntervalLowerBound: 50, ScalingAdjustment: 3 },
      ],
      ...changes,
    },
  });

  test.each([
    [100, scaled('out', 5, 'queue')],
    [149, scaled('out', 5, 'queue')],
    [150, scaled('out', 7, 'queue')],
    [99, scaled('in', 3, 'queue')],
    [50, scaled('in', 2, 'queue')],
  ])('at %i with a threshold of 100', (value, expected) => {
    expect(decide({}, step(value))).toEqual(expected);
  });

  test.each([
    ['PercentChangeInCapacity', 50, 4, 6],
    ['PercentChangeInCapacity', 10, 4, 5],
    ['PercentChangeInCapacity', -40, 4, 3],
    ['ExactCapacity', 9, 4, 9],
  ] as const)('%s by %i: from %i to %i', (AdjustmentType, ScalingAdjustment, current, capacity) => {
    const StepAdjustments = [{ ScalingAdjustment }];
    expect(decide({ current }, step(120, { AdjustmentType, StepAdjustments }))).toMatchObject({ capacity });
  });
});

test('whatever the metrics say, capacity stays within bounds and moves the way it says', () => {
  const policies = fc.array(
    fc.record({
      value: fc.option(fc.integer({ min: 0, max: 400 }), { nil: undefined }),
      scaleInDisabled: fc.boolean(),
    }),
    { minLength: 1, maxLength: 3 },
  );
  const views = fc.record({
    current: fc.integer({ min: 0, max: 30 }),
    min: fc.integer({ min: 0, max: 10 }),
    more: fc.integer({ min: 0, max: 20 }),
    deploying: fc.boolean(),
    minutesAgo: fc.integer({ min: 0, max: 10 }),
  });
  fc.assert(
    fc.property(policies, views, (given, { current, min, more, deploying, minutesAgo }) => {
      const at = target.now - minutesAgo * minuteMs;
      const view = { ...target, current, min, max: min + more, deploying };
      const memory = { out: { at, from: Math.max(0, current - 1), to: current }, in: { at } };
      const own = given.map(({ value, scaleInDisabled }, i) =>
        tracking(value, { name: `p${i}`, scaleInDisabled }),
      );
      const decision = decideCapacity({ ...view, memory }, own);
      if (decision.kind !== 'scale') return;
      expect(decision.capacity).toBeGreaterThanOrEqual(view.min);
      expect(decision.capacity).toBeLessThanOrEqual(view.max);
      if (decision.direction === 'out') {
        expect(decision.capacity).toBeGreaterThan(current);
        expect(given.some(({ value = 0 }) => value > 70)).toBe(true);
      } else {
        expect(decision.capacity).toBeLessThan(current);
        expect([deploying, minutesAgo >= 5]).toEqual([false, true]);
        expect(given.every(({ value, scaleInDisabled }) => scaleInDisabled || (value ?? 99) < 63)).toBe(true);
        expect(given.every(({ value = 0 }) => value <= 70)).toBe(true);
      }
    }),
    { numRuns: 500 },
  );
});
