/** One change of a service's desired count, as an activity: in progress until ECS has fulfilled it. */
import type { AutoscalingOptions } from './autoscaling-options.ts';
import type { ScalableTarget, ScalingActivity } from './autoscaling-store.ts';

type Changing = Pick<AutoscalingOptions, 'store' | 'now' | 'setDesiredCount'>;

export function changeCapacity(
  { store, now, setDesiredCount }: Changing,
  target: ScalableTarget,
  count: number,
  cause: string,
): void {
  setDesiredCount(target.ResourceId, count, cause);
  store.recordActivity({
    ServiceNamespace: target.ServiceNamespace,
    ResourceId: target.ResourceId,
    ScalableDimension: target.ScalableDimension,
    Description: `Setting desired count to ${count}.`,
    Cause: cause,
    StartTime: now() / 1000,
    StatusCode: 'InProgress',
    StatusMessage: `Successfully set desired count to ${count}. Waiting for change to be fulfilled by ecs.`,
    desiredCount: count,
  });
}

/** @param counts of a resource now; undefined when it is gone @returns undefined when nothing changes */
export function decideActivityEnd(
  activity: ScalingActivity,
  counts: { readonly desired: number; readonly running: number } | undefined,
  nowSeconds: number,
): ScalingActivity | undefined {
  const { desiredCount } = activity;
  if (activity.StatusCode !== 'InProgress' || desiredCount === undefined) return undefined;
  const set = `Successfully set desired count to ${desiredCount}.`;
  if (counts === undefined || counts.desired !== desiredCount)
    return {
      ...activity,
      EndTime: nowSeconds,
      StatusCode: 'Overridden',
      StatusMessage: `${set} Change was overridden by a later one.`,
    };
  if (counts.running !== desiredCount) return undefined;
  return {
    ...activity,
    EndTime: nowSeconds,
    StatusCode: 'Successful',
    StatusMessage: `${set} Change successfully fulfilled by ecs.`,
  };
}
