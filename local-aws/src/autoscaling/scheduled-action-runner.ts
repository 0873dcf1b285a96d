/** Runs scheduled actions that became due: new bounds for a target, and its desired count brought into them. */
import { findLoad, type ServiceLoad } from '../ecs/service-load.ts';
import type { AutoscalingStore, ScalableTarget, ScheduledAction } from './autoscaling-store.ts';
import { bringIntoBounds } from './scalable-target-actions.ts';
import { isScheduleDue, parseSchedule } from './schedule-expression.ts';

export interface ScheduledRun {
  readonly store: AutoscalingStore;
  readonly services: () => readonly ServiceLoad[];
  readonly setDesiredCount: (resourceId: string, count: number, cause: string) => void;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  readonly scaled: (awsMs: number) => number;
}

/** @param since what was due until then has been run */
export function runScheduledActions(run: ScheduledRun, since: number): void {
  for (const action of run.store.actions()) {
    const target = run.store.target(action);
    if (target === undefined || target.SuspendedState.ScheduledScalingSuspended) continue;
    if (isDue(run, action, since)) runAction(run, action, target);
  }
}

function isDue({ scaled, now }: ScheduledRun, action: ScheduledAction, since: number): boolean {
  const schedule = parseSchedule(action.Schedule);
  const ms = (seconds: number | undefined) => (seconds === undefined ? undefined : seconds * 1_000);
  if (schedule === undefined) return false;
  const question = {
    schedule,
    timezone: action.Timezone ?? 'UTC',
    start: ms(action.StartTime),
    end: ms(action.EndTime),
    created: action.CreationTime * 1_000,
    scaled,
  };
  return isScheduleDue(question, since, now());
}

function runAction(run: ScheduledRun, action: ScheduledAction, target: ScalableTarget): void {
  const { store, services, now } = run;
  const { MinCapacity = target.MinCapacity, MaxCapacity = target.MaxCapacity } =
    action.ScalableTargetAction ?? {};
  const { ServiceNamespace, ResourceId, ScalableDimension } = target;
  const wanted = describeBounds(action);
  const nowSeconds = now() / 1_000;
  const activity = {
    ...{ ServiceNamespace, ResourceId, ScalableDimension },
    Description: `Setting ${wanted}`,
    Cause: `scheduled action name ${action.ScheduledActionName} was triggered`,
    StartTime: nowSeconds,
    EndTime: nowSeconds,
  };
  if (MinCapacity > MaxCapacity) {
    const StatusMessage = `Failed to set ${wanted}: minimum capacity (${MinCapacity}) would be more than maximum capacity (${MaxCapacity})`;
    store.recordActivity({ ...activity, StatusCode: 'Failed', StatusMessage });
    return;
  }
  const changed = { ...target, MinCapacity, MaxCapacity };
  store.putTarget(changed);
  store.recordActivity({
    ...activity,
    StatusCode: 'Successful',
    StatusMessage: `Successfully set ${wanted}`,
  });
  const load = findLoad(services(), ResourceId);
  if (load !== undefined) bringIntoBounds(run, changed, load.desiredCount);
}

function describeBounds({ ScalableTargetAction: bounds }: ScheduledAction): string {
  const parts = [
    ...(bounds?.MinCapacity === undefined ? [] : [`min capacity to ${bounds.MinCapacity}`]),
    ...(bounds?.MaxCapacity === undefined ? [] : [`max capacity to ${bounds.MaxCapacity}`]),
  ];
  return parts.join(' and ');
}
