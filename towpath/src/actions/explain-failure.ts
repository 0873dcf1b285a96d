/** Why a rollout failed, from what AWS shows: the tasks that stopped, unhealthy targets, the last log lines. */
import type { ServiceSnapshot, TaskView } from '../domain/rollout.ts';
import type { Cloud } from '../ports.ts';

const LOG_LINES = 12;

export interface FailureExplanation {
  readonly cause: string;
  /** Last log lines of a task that failed, oldest first. */
  readonly log: readonly string[];
}

export async function explainFailure(
  cloud: Cloud,
  snapshot: ServiceSnapshot,
  requestedDigest: string,
  reason: string,
): Promise<FailureExplanation> {
  const ofRelease = (task: TaskView) =>
    task.imageDigest === requestedDigest || task.imageDigest === undefined;
  const stopped = snapshot.stopped.filter(ofRelease);
  const culprit = stopped.find(hasOwnCause) ?? stopped[0];
  if (!culprit) return { cause: describeTargets(snapshot) ?? reason, log: [] };
  const log = await cloud.service.taskLog(culprit.id, LOG_LINES).catch(() => []);
  return { cause: describeStop(culprit), log };
}

/** A task that the scheduler stopped tells nothing; one that died by itself does. */
function hasOwnCause(task: TaskView): boolean {
  return (
    (task.exitCode !== undefined && !/scaling activity/i.test(task.stoppedReason ?? '')) ||
    task.containerReason !== undefined ||
    /health checks|unable to|cannot/i.test(task.stoppedReason ?? '')
  );
}

function describeStop(task: TaskView): string {
  const parts = [task.stoppedReason ?? 'the task stopped'];
  if (task.containerReason !== undefined && !parts[0]?.includes(task.containerReason))
    parts.push(task.containerReason);
  if (task.exitCode !== undefined) parts.push(`exit code ${task.exitCode}`);
  return `${parts.join('; ')} (task ${task.id.slice(0, 12)}, ${task.zone})`;
}

function describeTargets(snapshot: ServiceSnapshot): string | undefined {
  const unhealthy = snapshot.targets.find((target) => target.state === 'unhealthy');
  return (
    unhealthy &&
    `target ${unhealthy.id}:${unhealthy.port} is unhealthy: ${unhealthy.description ?? unhealthy.reason ?? 'no reason given'}`
  );
}
