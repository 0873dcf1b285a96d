/**
 * The life of a deployment as changes of the records: started, completed, failed, rolled back, retired.
 * Nothing here waits or calls anybody; when these happen is decided in `decide/`.
 */
import { breakerThreshold, throttleMs } from './decide/capacity.ts';
import { randomDigits, randomServiceDeploymentId, serviceDeploymentArn } from './identifiers.ts';
import type { DeploymentRecord, ServiceDeploymentRecord, ServiceRecord, ServiceRevision } from './model.ts';
import type { Store } from './store.ts';
import { eventText, rolloutText } from './wording.ts';

const OPEN_STATES: readonly string[] = ['PENDING', 'IN_PROGRESS', 'ROLLBACK_IN_PROGRESS'];

/** The entry of the attempt that is under way, if one is. */
export function openServiceDeployment(service: ServiceRecord): ServiceDeploymentRecord | undefined {
  const [newest] = service.history;
  return newest && OPEN_STATES.includes(newest.status) ? newest : undefined;
}

function close(
  entry: ServiceDeploymentRecord | undefined,
  status: ServiceDeploymentRecord['status'],
  reason: string | undefined,
  now: number,
): void {
  if (!entry) return;
  entry.status = status;
  entry.statusReason = reason;
  entry.updatedAt = now;
  if (!OPEN_STATES.includes(status)) entry.finishedAt = now;
}

/** Says that the service changes: the sentences of rest are due again afterwards. */
export function disturb(service: ServiceRecord): void {
  service.steady = false;
  service.blocked = false;
}

function announce(store: Store, service: ServiceRecord, deployment: DeploymentRecord, now: number): void {
  store.announce({
    serviceArn: service.arn,
    deploymentId: deployment.id,
    became: deployment.rolloutState,
    reason: deployment.rolloutStateReason,
    at: now,
  });
}

/** Makes `revision` the PRIMARY deployment; what was PRIMARY becomes ACTIVE. */
export function startDeployment(
  store: Store,
  service: ServiceRecord,
  revision: ServiceRevision,
  now: number,
): DeploymentRecord {
  const id = `ecs-svc/${randomDigits()}`;
  const deployment: DeploymentRecord = {
    id,
    revision,
    createdAt: now,
    updatedAt: now,
    status: 'PRIMARY',
    rolloutState: 'IN_PROGRESS',
    rolloutStateReason: rolloutText.inProgress(id),
    failedTasks: 0,
    throttledUntil: 0,
    imageDigests: new Map(),
    alarmsIgnored: false,
  };
  close(openServiceDeployment(service), 'STOPPED', rolloutText.replaced, now);
  const sources = service.deployments.map((d) => d.id);
  for (const d of service.deployments) d.status = 'ACTIVE';
  service.deployments = [deployment, ...service.deployments];
  service.revision = revision;
  store.addDeployment(service, deployment, {
    arn: serviceDeploymentArn(store.scope, service.clusterName, service.name, randomServiceDeploymentId()),
    deploymentId: id,
    sourceDeploymentIds: sources,
    createdAt: now,
    updatedAt: now,
    finishedAt: undefined,
    configuration: service.configuration,
    status: 'IN_PROGRESS',
    statusReason: undefined,
    rollback: undefined,
    failureCount: 0,
    breakerTriggered: false,
  });
  service.struggling = false;
  service.rebalancing = false;
  disturb(service);
  announce(store, service, deployment, now);
  return deployment;
}

export function completeDeployment(
  store: Store,
  service: ServiceRecord,
  deployment: DeploymentRecord,
  now: number,
): void {
  deployment.rolloutState = 'COMPLETED';
  deployment.rolloutStateReason = rolloutText.completed(deployment.id);
  deployment.updatedAt = now;
  deployment.failedTasks = 0;
  service.lastCompleted = deployment;
  store.addEvent(service, eventText.completed(service.name, deployment.id), now);
  announce(store, service, deployment, now);
  const entry = openServiceDeployment(service);
  if (entry?.rollback) close(entry, 'ROLLBACK_SUCCESSFUL', entry.rollback.reason, now);
  else close(entry, 'SUCCESSFUL', undefined, now);
}

export type FailureTrigger = 'breaker' | 'alarms' | 'user';

/** Ends `deployment` as FAILED, and makes `target` PRIMARY again where there is one. */
export function failDeployment(
  store: Store,
  service: ServiceRecord,
  deployment: DeploymentRecord,
  trigger: FailureTrigger,
  target: DeploymentRecord | undefined,
  now: number,
): void {
  const what = {
    breaker: 'tasks failed to start',
    alarms: 'alarm(s) detected',
    user: 'deployment stopped by user',
  };
  const entry = openServiceDeployment(service);
  const inRollback = entry?.rollback !== undefined;
  deployment.rolloutState = 'FAILED';
  deployment.rolloutStateReason = {
    breaker: rolloutText.breaker,
    alarms: rolloutText.alarms,
    user: rolloutText.stoppedByUser,
  }[trigger];
  deployment.updatedAt = now;
  if (entry) {
    entry.failureCount = deployment.failedTasks;
    entry.breakerTriggered ||= trigger === 'breaker';
  }
  store.addEvent(service, eventText.failed(service.name, deployment.id, what[trigger]), now);
  announce(store, service, deployment, now);
  disturb(service);
  if (target) rollBack(store, service, deployment, target, trigger, now);
  else close(entry, inRollback ? 'ROLLBACK_FAILED' : 'STOPPED', deployment.rolloutStateReason, now);
}

function rollBack(
  store: Store,
  service: ServiceRecord,
  failed: DeploymentRecord,
  target: DeploymentRecord,
  trigger: FailureTrigger,
  now: number,
): void {
  const alarms = trigger === 'alarms';
  for (const d of service.deployments) d.status = 'ACTIVE';
  target.status = 'PRIMARY';
  target.rolloutState = 'IN_PROGRESS';
  target.rolloutStateReason = alarms
    ? rolloutText.alarmsRollingBack(target.id)
    : rolloutText.rollingBack(target.id);
  target.failedTasks = 0;
  target.throttledUntil = 0;
  target.updatedAt = now;
  // The alarm that caused the rollback may still ring; it must not stop the rollback as well.
  target.alarmsIgnored = true;
  service.deployments = [target, ...service.deployments.filter((d) => d !== target)];
  service.revision = target.revision;
  service.rebalancing = false;
  store.addEvent(service, eventText.rollingBack(service.name, target.id), now);
  announce(store, service, target, now);
  const entry = openServiceDeployment(service);
  if (!entry || entry.deploymentId !== failed.id) return;
  const reason = {
    breaker: rolloutText.breakerRollback,
    alarms: rolloutText.alarmRollback,
    user: rolloutText.stoppedByUser,
  }[trigger];
  entry.rollback = { reason, startedAt: now, deploymentId: target.id };
  close(entry, 'ROLLBACK_IN_PROGRESS', reason, now);
}

export function retireDeployment(service: ServiceRecord, deployment: DeploymentRecord, now: number): void {
  deployment.status = 'INACTIVE';
  deployment.updatedAt = now;
  service.deployments = service.deployments.filter((d) => d !== deployment);
}

/**
 * Counts a failed task and sets the throttle.
 * @param scaled turns AWS-side milliseconds into real ones
 */
export function recordFailure(
  store: Store,
  service: ServiceRecord,
  deployment: DeploymentRecord,
  now: number,
  scaled: (awsMs: number) => number,
): void {
  deployment.failedTasks += 1;
  deployment.updatedAt = now;
  disturb(service);
  const breakerWatches =
    service.configuration.circuitBreaker.enable && deployment.rolloutState === 'IN_PROGRESS';
  const pauseMs = throttleMs(deployment.failedTasks);
  // The breaker ends the attempt by itself; slowing it down would only delay the verdict.
  if (breakerWatches || pauseMs === 0) return;
  deployment.throttledUntil = now + scaled(pauseMs);
  if (service.struggling) return;
  service.struggling = true;
  store.addEvent(service, eventText.unableToStart(service.name), now);
}

export function recordHealthy(service: ServiceRecord, deployment: DeploymentRecord): void {
  deployment.failedTasks = 0;
  deployment.throttledUntil = 0;
  service.struggling = false;
}

/** The breaker's threshold at the latest desired count. */
export const thresholdOf = (service: ServiceRecord): number => breakerThreshold(service.desiredCount);
