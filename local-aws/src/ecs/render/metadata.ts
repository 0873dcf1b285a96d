/**
 * The task metadata endpoint, version 4: what a container reads at ECS_CONTAINER_METADATA_URI_V4.
 */
import { type ArnScope, clusterArn } from '../identifiers.ts';
import type { ContainerState, Json, TaskRecord } from '../model.ts';

export type MetadataSuffix = '' | 'task' | 'stats' | 'task/stats';

const iso = (ms: number | undefined): string | undefined =>
  ms === undefined ? undefined : new Date(ms).toISOString();
const compact = (entries: Json): Json =>
  Object.fromEntries(Object.entries(entries).filter(([, value]) => value !== undefined));

/** CPU units of one core, and bytes of a megabyte. */
const UNITS_PER_CORE = 1_024;
const BYTES_PER_MB = 1_048_576;

function containerMetadata(task: TaskRecord, container: ContainerState): Json {
  const { network } = task;
  return compact({
    DockerId: container.runtimeId,
    Name: container.name,
    DockerName: container.name,
    Image: container.image,
    ImageID: container.imageDigest,
    Labels: {
      'com.amazonaws.ecs.cluster': task.clusterName,
      'com.amazonaws.ecs.container-name': container.name,
      'com.amazonaws.ecs.task-arn': task.arn,
      'com.amazonaws.ecs.task-definition-family': task.family,
      'com.amazonaws.ecs.task-definition-version': String(task.definitionRevision),
    },
    DesiredStatus: task.desiredStatus,
    KnownStatus: task.status === 'STOPPED' ? 'STOPPED' : task.running ? 'RUNNING' : 'CREATED',
    ExitCode: container.exitCode,
    Limits: { CPU: Number(task.cpu), Memory: Number(task.memory) },
    CreatedAt: iso(task.createdAt),
    StartedAt: iso(task.startedAt),
    FinishedAt: iso(task.executionStoppedAt),
    Type: 'NORMAL',
    LogDriver: task.logDriver,
    LogOptions: task.logDriver === undefined ? undefined : task.logOptions,
    ContainerARN: container.arn,
    Networks: network
      ? [
          {
            NetworkMode: 'awsvpc',
            IPv4Addresses: [network.privateIp],
            AttachmentIndex: 0,
            MACAddress: network.macAddress,
            IPv4SubnetCIDRBlock: network.cidr,
            PrivateDNSName: `ip-${network.privateIp.replaceAll('.', '-')}.ec2.internal`,
          },
        ]
      : [],
    Snapshotter: 'overlayfs',
  });
}

function taskMetadata(scope: ArnScope, task: TaskRecord): Json {
  return compact({
    Cluster: clusterArn(scope, task.clusterName),
    TaskARN: task.arn,
    Family: task.family,
    Revision: String(task.definitionRevision),
    ServiceName: task.service?.name,
    DesiredStatus: task.desiredStatus,
    KnownStatus: task.status,
    Limits: { CPU: Number(task.cpu) / UNITS_PER_CORE, Memory: Number(task.memory) },
    PullStartedAt: iso(task.pullStartedAt),
    PullStoppedAt: iso(task.pullStoppedAt),
    AvailabilityZone: task.zone,
    LaunchType: 'FARGATE',
    VPCID: task.network?.vpcId,
    Containers: task.containers
      .filter((container) => container.runs)
      .map((container) => containerMetadata(task, container)),
  });
}

/** CPU as a share of the task's own units, memory in bytes; `null` until the process runs, as on AWS. */
function statistics(task: TaskRecord, now: number): Json | null {
  if (!task.running) return null;
  const { cpuUnits, memoryMb } = task.running.usage();
  return {
    read: new Date(now).toISOString(),
    cpu_stats: { online_cpus: 1, used_cpu_units: cpuUnits },
    memory_stats: { usage: memoryMb * BYTES_PER_MB, limit: Number(task.memory) * BYTES_PER_MB },
    pids_stats: {},
    networks: {},
  };
}

/** The document at `suffix` of the container's metadata address. */
export function renderMetadata(
  scope: ArnScope,
  task: TaskRecord,
  suffix: MetadataSuffix,
  now: number,
): object | undefined {
  const container = task.containers.find((candidate) => candidate.runs);
  if (suffix === 'task') return taskMetadata(scope, task);
  if (!container) return undefined;
  if (suffix === '') return containerMetadata(task, container);
  const stats = statistics(task, now);
  return suffix === 'stats' ? (stats ?? {}) : { [container.runtimeId]: stats };
}
