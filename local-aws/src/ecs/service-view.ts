/**
 * From the records to the views that `decide/` works on. Pure.
 */
import type { DeploymentView, ServiceView, TaskView } from './decide/decide.ts';
import type { HealthVerdict } from './health.ts';
import type { DeploymentRecord, ServiceRecord, TaskRecord } from './model.ts';

function phaseOf(task: TaskRecord): TaskView['phase'] {
  if (task.status === 'RUNNING') return 'running';
  if (task.status === 'DEACTIVATING') return 'draining';
  return task.stopCause ? 'stopping' : 'pending';
}

export function taskView(task: TaskRecord, verdict: HealthVerdict | undefined): TaskView {
  return {
    id: task.id,
    deploymentId: task.deployment?.id ?? '',
    zone: task.zone,
    createdAt: task.createdAt,
    phase: phaseOf(task),
    health: verdict?.health ?? 'unknown',
    everHealthy: task.everHealthy,
  };
}

const deploymentView = (deployment: DeploymentRecord): DeploymentView => ({
  id: deployment.id,
  primary: deployment.status === 'PRIMARY',
  rolloutState: deployment.rolloutState,
  failedTasks: deployment.failedTasks,
  throttledUntil: deployment.throttledUntil,
});

export function serviceView(
  service: ServiceRecord,
  zones: readonly string[],
  alarmTriggered: boolean,
): ServiceView {
  const { configuration } = service;
  return {
    status: service.status === 'DRAINING' ? 'DRAINING' : 'ACTIVE',
    desiredCount: service.desiredCount,
    maximumPercent: configuration.maximumPercent,
    minimumHealthyPercent: configuration.minimumHealthyPercent,
    breaker: configuration.circuitBreaker,
    alarms: { triggered: alarmTriggered, rollback: configuration.alarms.rollback },
    zones: [...new Set(zones)].sort(),
    rebalance: service.availabilityZoneRebalancing === 'ENABLED',
    rebalancing: service.rebalancing,
    deployments: service.deployments.map(deploymentView),
    lastCompletedId: service.lastCompleted?.id,
    steady: service.steady,
    blocked: service.blocked,
  };
}
