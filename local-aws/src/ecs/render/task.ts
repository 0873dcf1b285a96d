/**
 * Tasks in the JSON shape of the ECS API.
 */
import type { ArnScope } from '../identifiers.ts';
import { clusterArn } from '../identifiers.ts';
import type { ContainerState, Json, TaskRecord } from '../model.ts';
import { CURRENT_PLATFORM, seconds } from './service.ts';

const times = (entries: Readonly<Record<string, number | undefined>>): Json =>
  Object.fromEntries(
    Object.entries(entries).flatMap(([name, ms]) => (ms === undefined ? [] : [[name, seconds(ms)]])),
  );

function attachmentStatus(task: TaskRecord): string {
  if (task.status === 'STOPPED') return 'DELETED';
  return task.status === 'PROVISIONING' ? 'PRECREATED' : 'ATTACHED';
}

function renderAttachments(task: TaskRecord): readonly Json[] {
  const { network } = task;
  if (!network) return [];
  const details = {
    subnetId: network.subnetId,
    networkInterfaceId: network.networkInterfaceId,
    macAddress: network.macAddress,
    privateDnsName: `ip-${network.privateIp.replaceAll('.', '-')}.ec2.internal`,
    privateIPv4Address: network.privateIp,
  };
  return [
    {
      id: network.attachmentId,
      type: 'ElasticNetworkInterface',
      status: attachmentStatus(task),
      details: Object.entries(details).map(([name, value]) => ({ name, value })),
    },
  ];
}

function containerStatus(task: TaskRecord, container: ContainerState): string {
  if (!container.runs || task.status === 'STOPPED' || task.status === 'DEPROVISIONING') return 'STOPPED';
  if (task.status === 'PROVISIONING' || task.status === 'PENDING') return 'PENDING';
  return task.running ? 'RUNNING' : 'PENDING';
}

function renderContainer(task: TaskRecord, container: ContainerState): Json {
  return {
    containerArn: container.arn,
    taskArn: task.arn,
    name: container.name,
    image: container.image,
    ...(container.imageDigest === undefined ? {} : { imageDigest: container.imageDigest }),
    runtimeId: container.runtimeId,
    lastStatus: containerStatus(task, container),
    ...(container.exitCode === undefined ? {} : { exitCode: container.exitCode }),
    ...(container.reason === undefined ? {} : { reason: container.reason }),
    networkBindings: [],
    networkInterfaces: task.network
      ? [{ attachmentId: task.network.attachmentId, privateIpv4Address: task.network.privateIp }]
      : [],
    healthStatus: 'UNKNOWN',
    ...(task.enableExecuteCommand ? { managedAgents: [renderExecAgent(task, container)] } : {}),
    cpu: '0',
  };
}

function renderExecAgent(task: TaskRecord, container: ContainerState): Json {
  const runs = containerStatus(task, container) === 'RUNNING';
  return {
    name: 'ExecuteCommandAgent',
    lastStatus: runs ? 'RUNNING' : task.desiredStatus === 'STOPPED' ? 'STOPPED' : 'PENDING',
    ...(runs ? times({ lastStartedAt: task.startedAt }) : {}),
  };
}

export function renderTask(scope: ArnScope, task: TaskRecord, withTags: boolean): Json {
  // AWS shows the launch type FARGATE also for tasks that came through a Fargate capacity provider.
  const fargate = task.capacityProvider ?? 'FARGATE';
  return {
    attachments: renderAttachments(task),
    attributes: [{ name: 'ecs.cpu-architecture', value: 'x86_64' }],
    availabilityZone: task.zone,
    ...(task.capacityProvider === undefined ? {} : { capacityProviderName: task.capacityProvider }),
    clusterArn: clusterArn(scope, task.clusterName),
    ...(task.connectedAt === undefined ? {} : { connectivity: 'CONNECTED' }),
    containers: task.containers.map((container) => renderContainer(task, container)),
    cpu: task.cpu,
    memory: task.memory,
    desiredStatus: task.desiredStatus,
    enableExecuteCommand: task.enableExecuteCommand,
    group: task.group,
    healthStatus: task.containerHealth ?? 'UNKNOWN',
    lastStatus: task.status,
    launchType: fargate.startsWith('FARGATE') ? 'FARGATE' : 'EC2',
    overrides: task.overrides.raw,
    platformVersion: CURRENT_PLATFORM,
    platformFamily: 'Linux',
    ...(task.startedBy === undefined ? {} : { startedBy: task.startedBy }),
    ...(task.stopCause && task.desiredStatus === 'STOPPED'
      ? { stopCode: task.stopCause.code, stoppedReason: task.stopCause.reason }
      : {}),
    taskArn: task.arn,
    taskDefinitionArn: task.revision.taskDefinitionArn,
    version: task.version,
    ephemeralStorage: { sizeInGiB: 20 },
    fargateEphemeralStorage: { sizeInGiB: 20 },
    ...times({
      createdAt: task.createdAt,
      connectivityAt: task.connectedAt,
      pullStartedAt: task.pullStartedAt,
      pullStoppedAt: task.pullStoppedAt,
      startedAt: task.startedAt,
      stoppingAt: task.stoppingAt,
      executionStoppedAt: task.executionStoppedAt,
      stoppedAt: task.stoppedAt,
    }),
    tags: withTags ? task.tags : [],
  };
}
