/** What runs in an environment right now, and whether that is what was asked for. Pure. */

export interface TaskView {
  readonly id: string;
  readonly zone: string;
  /** AWS's lastStatus: PROVISIONING, PENDING, RUNNING, STOPPED ... */
  readonly status: string;
  readonly taskDefinition: string;
  /** Digest of the image of the essential container, when AWS reports it. */
  readonly imageDigest: string | undefined;
  /** Before its secrets were read; undefined where AWS does not say. */
  readonly createdAt?: string | undefined;
  readonly startedAt: string | undefined;
  readonly stoppedAt?: string | undefined;
  readonly stoppedReason: string | undefined;
  readonly exitCode: number | undefined;
  /** The container's own reason, e.g. `CannotPullContainerError: ...`. */
  readonly containerReason: string | undefined;
  readonly privateIp: string | undefined;
}

export interface DeploymentView {
  readonly id: string;
  /** Events from before this are of earlier attempts. */
  readonly createdAt?: string | undefined;
  readonly status: string;
  readonly rolloutState: string | undefined;
  readonly rolloutReason: string | undefined;
  readonly taskDefinition: string;
  readonly desired: number;
  readonly running: number;
  readonly pending: number;
  readonly failed: number;
}

export interface TargetView {
  readonly id: string;
  readonly port: number;
  readonly state: string;
  readonly reason: string | undefined;
  readonly description: string | undefined;
}

export interface ServiceEventView {
  readonly id: string;
  readonly time: string;
  readonly message: string;
}

/** One look at an environment's service. */
export interface ServiceSnapshot {
  readonly status: string;
  readonly desired: number;
  readonly running: number;
  readonly pending: number;
  readonly taskDefinition: string;
  readonly deployments: readonly DeploymentView[];
  readonly events: readonly ServiceEventView[];
  readonly tasks: readonly TaskView[];
  /** Stopped lately; newest first. */
  readonly stopped: readonly TaskView[];
  readonly targets: readonly TargetView[];
  /** `http(s)://...` of the load balancer. */
  readonly url: string | undefined;
}

export type RolloutVerdict =
  | { readonly state: 'progressing' }
  | { readonly state: 'complete' }
  | {
      readonly state: 'failed';
      /** A deployment that AWS gave up, or a settled service that runs something else (yet, or again). */
      readonly by: 'deployment' | 'other image' | 'other task definition';
      readonly reason: string;
    };

const NONE: ReadonlySet<string> = new Set();

/** Those for which ECS starts no task more. */
export function givenUpDeployments({ deployments }: ServiceSnapshot): readonly DeploymentView[] {
  return deployments.filter(({ rolloutState }) => rolloutState === 'FAILED');
}

/**
 * Whether the service runs what was asked for, in every task, and is stable.
 * Failed as soon as the deployment of the requested image is FAILED or replaced by a rollback.
 * @param earlier ids of deployments that were FAILED before the image was requested
 * @param taskDefinition what the service was asked to run, where that is known: a rollback to the same image with
 * another configuration shows in nothing else once the failed deployment is no longer listed
 */
export function judgeRollout(
  snapshot: ServiceSnapshot,
  requestedDigest: string,
  earlier: ReadonlySet<string> = NONE,
  taskDefinition?: string,
): RolloutVerdict {
  const failed = givenUpDeployments(snapshot).find(
    (deployment) => !earlier.has(deployment.id) && runs(snapshot, deployment, requestedDigest),
  );
  if (failed)
    return {
      state: 'failed',
      by: 'deployment',
      reason: failed.rolloutReason ?? `deployment ${failed.id} failed`,
    };
  const primary = snapshot.deployments.find((deployment) => deployment.status === 'PRIMARY');
  if (!primary || snapshot.deployments.length > 1 || primary.rolloutState !== 'COMPLETED')
    return { state: 'progressing' };
  const running = snapshot.tasks.filter((task) => task.status === 'RUNNING');
  const others = running.filter((task) => task.imageDigest !== requestedDigest);
  if (others.length > 0) {
    const digests = [...new Set(others.map((task) => task.imageDigest ?? 'unknown'))].join(', ');
    return {
      state: 'failed',
      by: 'other image',
      reason: `${others.length} of ${running.length} running tasks run ${digests} instead of ${requestedDigest}`,
    };
  }
  if (taskDefinition !== undefined && primary.taskDefinition !== taskDefinition) {
    const reason = `the service went back to ${primary.taskDefinition} instead of ${taskDefinition}`;
    return { state: 'failed', by: 'other task definition', reason };
  }
  const healthy = snapshot.targets.filter((target) => target.state === 'healthy').length;
  const stable = running.length === snapshot.desired && snapshot.pending === 0 && running.length > 0;
  return stable && healthy >= running.length ? { state: 'complete' } : { state: 'progressing' };
}

/**
 * Whether a deployment is one of this image, as far as its tasks tell. A failed deployment of an earlier
 * attempt may still be listed while it drains, and says nothing about this one.
 */
function runs(snapshot: ServiceSnapshot, deployment: DeploymentView, digest: string): boolean {
  const its = [...snapshot.tasks, ...snapshot.stopped].filter(
    (task) => task.taskDefinition === deployment.taskDefinition,
  );
  return (
    its.length === 0 || its.some((task) => task.imageDigest === undefined || task.imageDigest === digest)
  );
}

/** Tasks by zone, zones in order of name. */
export function tasksByZone(tasks: readonly TaskView[]): ReadonlyMap<string, readonly TaskView[]> {
  const zones = new Map<string, TaskView[]>();
  for (const task of [...tasks].sort((a, b) => a.zone.localeCompare(b.zone) || a.id.localeCompare(b.id))) {
    const list = zones.get(task.zone) ?? [];
    list.push(task);
    zones.set(task.zone, list);
  }
  return zones;
}

/** Words of service events that mean trouble: ECS's wording, "Amazon ECS service event messages". */
const TROUBLE =
  /unhealthy|failed (?:ELB|container) health checks|unable to (?:place|consistently)|deployment failed/i;

/**
 * Since when a service has been healthy without a break, from what it shows now and since `after`.
 * @returns `trouble` when it is not healthy now
 */
export function healthySince(
  snapshot: ServiceSnapshot | undefined,
  after: string,
): { readonly since: string } | { readonly trouble: string } {
  if (!snapshot) return { trouble: 'there is no service' };
  const unhealthy = snapshot.targets.filter(({ state }) => state === 'unhealthy');
  if (unhealthy.length > 0)
    return { trouble: `${unhealthy.length} of ${snapshot.targets.length} targets are unhealthy` };
  if (snapshot.running < snapshot.desired)
    return { trouble: `${snapshot.running} of ${snapshot.desired} tasks run` };
  const events = snapshot.events.filter(({ message }) => TROUBLE.test(message)).map(({ time }) => time);
  const deaths = snapshot.stopped.filter(diedByItself).flatMap(({ stoppedAt }) => stoppedAt ?? []);
  const latest = [after, ...events, ...deaths].reduce((a, b) => (Date.parse(a) >= Date.parse(b) ? a : b));
  return { since: latest };
}

/** Not a task that the scheduler or a person stopped. */
function diedByItself(task: TaskView): boolean {
  return !/scaling activity|user|rebalanc|deployment/i.test(task.stoppedReason ?? '');
}
