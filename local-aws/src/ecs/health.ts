/**
 * How healthy a task is in the eyes of the service scheduler. Pure.
 */
import type { TargetHealth } from '../contract.ts';
import type { ServiceRecord, TaskRecord } from './model.ts';

/** Without load balancer and container health check a task counts as healthy after this long RUNNING. AWS-side. */
const HEALTHY_AFTER_AWS_MS = 40_000;

export interface HealthVerdict {
  readonly health: 'unknown' | 'healthy' | 'unhealthy';
  /** The target group and what it says, when that is why the task is unhealthy. */
  readonly cause?: { readonly targetGroupArn: string; readonly port: number; readonly reason: string };
}

export type HealthLookup = (
  targetGroupArn: string,
  id: string,
  port: number,
) => Pick<TargetHealth, 'state' | 'reason' | 'description'> | undefined;

/**
 * @param lookup what the load balancer says of a target
 * @param scaled turns AWS-side milliseconds into real ones
 */
export function taskHealth(
  task: TaskRecord,
  service: ServiceRecord,
  lookup: HealthLookup,
  now: number,
  scaled: (awsMs: number) => number,
): HealthVerdict {
  if (task.status !== 'RUNNING') return { health: 'unknown' };
  const runningMs = now - (task.startedAt ?? now);
  const graceOver = runningMs >= scaled(service.healthCheckGracePeriodSeconds * 1_000);
  const { containerHealth } = task;
  if (containerHealth === 'UNHEALTHY' && graceOver) return { health: 'unhealthy' };
  if (containerHealth !== undefined && containerHealth !== 'HEALTHY') return { health: 'unknown' };
  if (task.targets.length === 0 && containerHealth === 'HEALTHY') return { health: 'healthy' };
  if (task.targets.length === 0)
    return { health: runningMs >= scaled(HEALTHY_AFTER_AWS_MS) ? 'healthy' : 'unknown' };
  let allHealthy = true;
  for (const { targetGroupArn, target } of task.targets) {
    const seen = lookup(targetGroupArn, target.id, target.port);
    if (seen?.state === 'healthy') continue;
    allHealthy = false;
    if (seen?.state === 'unhealthy' && graceOver) {
      const reason = seen.description ?? seen.reason ?? 'Health checks failed';
      return { health: 'unhealthy', cause: { targetGroupArn, port: target.port, reason } };
    }
  }
  return { health: allHealthy ? 'healthy' : 'unknown' };
}
