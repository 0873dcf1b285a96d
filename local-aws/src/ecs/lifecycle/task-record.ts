/**
 * New task records, and what the task definition and the network add to them.
 */
import { type ArnScope, containerArn, lastPart, randomHex, randomUuid, taskArn } from '../identifiers.ts';
import type { ContainerState, TaskNetwork, TaskOverrides, TaskRecord, TaskStatus } from '../model.ts';
import type { Allocation } from './addresses.ts';
import type { Subnet } from './subnets.ts';
import type { ContainerDefinition, TaskDefinition } from './task-definition.ts';
import { cpuUnitsOf, memoryMbOf } from './task-spec.ts';

export const NO_OVERRIDES: TaskOverrides = {
  environment: [],
  command: undefined,
  raw: { containerOverrides: [], inferenceAcceleratorOverrides: [] },
};

export type NewTask = Pick<
  TaskRecord,
  | 'clusterName'
  | 'service'
  | 'deployment'
  | 'group'
  | 'startedBy'
  | 'revision'
  | 'capacityProvider'
  | 'overrides'
  | 'enableExecuteCommand'
  | 'tags'
  | 'zone'
>;

export function createTaskRecord(scope: ArnScope, given: NewTask, now: number): TaskRecord {
  const id = randomHex();
  // `family:revision`: lists filter by family before the task definition is loaded.
  const [family = '', revision = '0'] = lastPart(given.revision.taskDefinitionArn).split(':');
  return {
    ...given,
    id,
    arn: taskArn(scope, given.clusterName, id),
    createdAt: now,
    family,
    definitionRevision: Number(revision),
    cpu: '',
    memory: '',
    logDriver: undefined,
    logOptions: {},
    status: 'PROVISIONING',
    desiredStatus: 'RUNNING',
    version: 1,
    containers: [],
    network: undefined,
    running: undefined,
    targets: [],
    everHealthy: false,
    containerHealth: undefined,
    pullStartedAt: undefined,
    pullStoppedAt: undefined,
    connectedAt: undefined,
    startedAt: undefined,
    stoppingAt: undefined,
    executionStoppedAt: undefined,
    stoppedAt: undefined,
    stopCause: undefined,
  };
}

/** Each change of state counts up the version, as on AWS. */
export function enterStatus(task: TaskRecord, status: TaskStatus): void {
  task.status = status;
  task.version += 1;
}

/**
 * Only `runs` is started by the driver: the embedded AWS runs one container for each task.
 * @returns the state of that container
 */
export function describeDefinition(
  task: TaskRecord,
  definition: TaskDefinition,
  runs: ContainerDefinition,
  scope: ArnScope,
): ContainerState {
  task.cpu = String(cpuUnitsOf(definition));
  task.memory = String(memoryMbOf(definition));
  task.logDriver = runs.logConfiguration?.logDriver;
  task.logOptions = runs.logConfiguration?.options ?? {};
  const describe = (container: ContainerDefinition): ContainerState => ({
    name: container.name,
    arn: containerArn(scope, task.clusterName, task.id, randomUuid()),
    image: container.image,
    imageDigest: undefined,
    runtimeId: `${task.id}-${randomHex(5)}`,
    runs: container === runs,
    exitCode: undefined,
    reason:
      container === runs ? undefined : 'Not started: the embedded AWS runs the essential container only',
  });
  const main = describe(runs);
  task.containers = definition.containerDefinitions.map((container) =>
    container === runs ? main : describe(container),
  );
  return main;
}

export function networkFor(subnet: Subnet, allocation: Allocation): TaskNetwork {
  const host = allocation.privateIp.split('.').map(Number);
  const macAddress = ['0a', 'ff', ...host.map((part) => part.toString(16).padStart(2, '0'))].join(':');
  return {
    subnetId: subnet.id,
    vpcId: subnet.vpcId,
    zone: subnet.zone,
    cidr: subnet.cidr,
    privateIp: allocation.privateIp,
    loopback: allocation.loopback,
    attachmentId: randomUuid(),
    networkInterfaceId: `eni-${randomHex().slice(0, 17)}`,
    macAddress,
  };
}
