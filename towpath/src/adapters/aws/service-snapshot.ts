/** From answers of ECS to what the domain calls a snapshot. Pure. */
import type { Deployment, Service, Task } from '@aws-sdk/client-ecs';
import { digestOf } from '../../domain/release.ts';
import type { DeploymentView, ServiceSnapshot, TargetView, TaskView } from '../../domain/rollout.ts';

/** Stopped tasks shown; ECS itself forgets them after about an hour. */
const MAX_STOPPED = 10;

export type TaskInput = Pick<
  Task,
  | 'taskArn'
  | 'availabilityZone'
  | 'lastStatus'
  | 'taskDefinitionArn'
  | 'startedAt'
  | 'stoppedAt'
  | 'stoppingAt'
  | 'executionStoppedAt'
  | 'stoppedReason'
  | 'createdAt'
  | 'containers'
  | 'attachments'
>;

export interface SnapshotInput {
  readonly service: Service;
  readonly running: readonly TaskInput[];
  readonly stopped: readonly TaskInput[];
  readonly targets: readonly TargetView[];
  readonly url: string | undefined;
  /** The container whose image counts, beside sidecars that may run in the same task. */
  readonly containerName: string;
}

export function renderSnapshot(input: SnapshotInput): ServiceSnapshot {
  const { service, containerName } = input;
  const endedAt = (task: TaskInput): number => (task.stoppedAt ?? task.createdAt)?.getTime() ?? 0;
  const newest = [...input.stopped].sort((a, b) => endedAt(b) - endedAt(a)).slice(0, MAX_STOPPED);
  return {
    status: service.status ?? '',
    desired: service.desiredCount ?? 0,
    running: service.runningCount ?? 0,
    pending: service.pendingCount ?? 0,
    taskDefinition: service.taskDefinition ?? '',
    deployments: (service.deployments ?? []).map(renderDeployment),
    events: (service.events ?? []).map(({ id, createdAt, message }) => ({
      id: id ?? '',
      time: createdAt?.toISOString() ?? '',
      message: message ?? '',
    })),
    tasks: input.running.map((task) => renderTask(task, containerName)),
    stopped: newest.map((task) => renderTask(task, containerName)),
    targets: input.targets,
    url: input.url,
  };
}

function renderDeployment(deployment: Deployment): DeploymentView {
  return {
    id: deployment.id ?? '',
    createdAt: deployment.createdAt?.toISOString(),
    status: deployment.status ?? '',
    rolloutState: deployment.rolloutState,
    rolloutReason: deployment.rolloutStateReason,
    taskDefinition: deployment.taskDefinition ?? '',
    desired: deployment.desiredCount ?? 0,
    running: deployment.runningCount ?? 0,
    pending: deployment.pendingCount ?? 0,
    failed: deployment.failedTasks ?? 0,
  };
}

function renderTask(task: TaskInput, containerName: string): TaskView {
  const containers = task.containers ?? [];
  const container = containers.find(({ name }) => name === containerName) ?? containers[0];
  const details = (task.attachments ?? []).flatMap((attachment) => attachment.details ?? []);
  return {
    id: task.taskArn?.split('/').at(-1) ?? '',
    zone: task.availabilityZone ?? '',
    status: task.lastStatus ?? '',
    taskDefinition: task.taskDefinitionArn ?? '',
    imageDigest: container?.imageDigest ?? digestOf(container?.image ?? ''),
    createdAt: task.createdAt?.toISOString(),
    startedAt: task.startedAt?.toISOString(),
    // When the program ended; the task itself is wound up later.
    stoppedAt: (task.executionStoppedAt ?? task.stoppingAt ?? task.stoppedAt)?.toISOString(),
    stoppedReason: task.stoppedReason,
    exitCode: container?.exitCode,
    containerReason: container?.reason,
    privateIp:
      details.find(({ name }) => name === 'privateIPv4Address')?.value ??
      container?.networkInterfaces?.[0]?.privateIpv4Address,
  };
}
