/** Step scaling: how much capacity a breach of an alarm adds or takes, by how far it goes. Pure. */

export interface StepAdjustment {
  /** Bounds of the distance between metric and threshold; absent: without bound. */
  readonly MetricIntervalLowerBound?: number | undefined;
  readonly MetricIntervalUpperBound?: number | undefined;
  readonly ScalingAdjustment: number;
}

export interface StepScaling {
  readonly AdjustmentType?: 'ChangeInCapacity' | 'PercentChangeInCapacity' | 'ExactCapacity' | undefined;
  readonly StepAdjustments?: readonly StepAdjustment[] | undefined;
  readonly MinAdjustmentMagnitude?: number | undefined;
  /** Seconds. */
  readonly Cooldown?: number | undefined;
}

/** @returns the capacity, without bounds; undefined when no step is meant */
export function decideStepCapacity(
  policy: StepScaling,
  current: number,
  value: number,
  threshold: number,
): number | undefined {
  const step = policy.StepAdjustments?.find((candidate) => isWithin(candidate, value - threshold));
  if (step === undefined) return undefined;
  const { ScalingAdjustment: adjustment } = step;
  switch (policy.AdjustmentType) {
    case 'ExactCapacity':
      return adjustment;
    case 'PercentChangeInCapacity':
      return current + percentOf(current, adjustment, policy.MinAdjustmentMagnitude ?? 1);
    default:
      return current + adjustment;
  }
}

/** Above the threshold the lower bound belongs to a step, below it the upper one. */
function isWithin(step: StepAdjustment, distance: number): boolean {
  const lower = step.MetricIntervalLowerBound ?? Number.NEGATIVE_INFINITY;
  const upper = step.MetricIntervalUpperBound ?? Number.POSITIVE_INFINITY;
  return distance >= 0 ? lower <= distance && distance < upper : lower < distance && distance <= upper;
}

/** AWS rounds towards zero, but never to nothing. */
function percentOf(current: number, percent: number, least: number): number {
  if (percent === 0) return 0;
  const change = Math.trunc((current * percent) / 100);
  return Math.sign(percent) * Math.max(Math.abs(change), least, 1);
}
