/**
 * From a task definition and the place of a task to what the driver starts. Pure.
 */
import type { TaskSpec } from '../../contract.ts';
import type { TaskNetwork, TaskRecord } from '../model.ts';
import type { ContainerDefinition, TaskDefinition } from './task-definition.ts';

/** Readiness fails this long before draining on Fargate; scaled unless the definition says otherwise. */
const SHUTDOWN_DELAY_AWS_MS = 5_000;
const DEFAULT_STOP_TIMEOUT_SECONDS = 30;
/** Fargate waits no longer. */
const MAX_STOP_TIMEOUT_SECONDS = 120;
/** Smallest Fargate size, for task definitions that name none. */
const DEFAULT_CPU_UNITS = 256;
const DEFAULT_MEMORY_MB = 512;

export interface TaskSurroundings {
  readonly region: string;
  readonly endpoint: string;
  readonly scaled: (awsMs: number) => number;
}

/** The port that the container listens on, from its first port mapping. */
export function containerPortOf(container: ContainerDefinition): number | undefined {
  return container.portMappings.find((mapping) => mapping.containerPort !== undefined)?.containerPort;
}

/** Log group and stream of the awslogs driver: `prefix/container/task`, or the container id without prefix. */
export function logTarget(
  container: ContainerDefinition,
  taskId: string,
  runtimeId: string,
): { readonly group: string; readonly stream: string } | undefined {
  const options = container.logConfiguration?.options ?? {};
  const group = options['awslogs-group'];
  if (container.logConfiguration?.logDriver !== 'awslogs' || group === undefined) return undefined;
  const prefix = options['awslogs-stream-prefix'];
  return { group, stream: prefix === undefined ? runtimeId : `${prefix}/${container.name}/${taskId}` };
}

/**
 * All variables of the task. Later ones win: the surroundings give defaults, the definition and the caller's
 * overrides change them, secrets come on top; where it listens is not the definition's to say.
 */
function taskEnvironment(
  task: TaskRecord,
  container: ContainerDefinition,
  network: TaskNetwork,
  port: number | undefined,
  secrets: Readonly<Record<string, string>>,
  surroundings: TaskSurroundings,
): Readonly<Record<string, string>> {
  const plain = Object.fromEntries(
    [...container.environment, ...task.overrides.environment].map(({ name, value }) => [name, value]),
  );
  const moved = port !== undefined && port !== containerPortOf(container);
  return {
    AWS_REGION: surroundings.region,
    AWS_DEFAULT_REGION: surroundings.region,
    AWS_ENDPOINT_URL: surroundings.endpoint,
    SHUTDOWN_DELAY_MS: String(Math.round(surroundings.scaled(SHUTDOWN_DELAY_AWS_MS))),
    ...(port === undefined ? {} : { PORT: String(port) }),
    ...plain,
    ...secrets,
    ...(moved ? { PORT: String(port) } : {}),
    AWS_EXECUTION_ENV: 'AWS_ECS_FARGATE',
    ECS_CONTAINER_METADATA_URI_V4: `${surroundings.endpoint}/v4/${task.id}`,
    HOST: network.loopback,
  };
}

export function cpuUnitsOf(definition: TaskDefinition): number {
  return sizeOf(definition.cpu, definition.containerDefinitions, 'cpu', DEFAULT_CPU_UNITS);
}

export function memoryMbOf(definition: TaskDefinition): number {
  return sizeOf(definition.memory, definition.containerDefinitions, 'memory', DEFAULT_MEMORY_MB);
}

function sizeOf(
  ofTask: string | undefined,
  containers: readonly ContainerDefinition[],
  field: 'cpu' | 'memory',
  fallback: number,
): number {
  const own = Number(ofTask);
  if (Number.isFinite(own) && own > 0) return own;
  return containers.reduce((sum, container) => sum + (container[field] ?? 0), 0) || fallback;
}

export function taskSpec(
  task: TaskRecord,
  definition: TaskDefinition,
  container: ContainerDefinition,
  network: TaskNetwork,
  port: number | undefined,
  secrets: Readonly<Record<string, string>>,
  surroundings: TaskSurroundings,
): TaskSpec {
  const state = task.containers.find((candidate) => candidate.name === container.name);
  const command = task.overrides.command ?? container.command;
  return {
    taskArn: task.arn,
    taskId: task.id,
    clusterName: task.clusterName,
    family: definition.family,
    revision: definition.revision,
    zone: network.zone,
    privateIp: network.privateIp,
    image: state?.imageDigest === undefined ? container.image : pinImage(container.image, state.imageDigest),
    containerName: container.name,
    ...(container.entryPoint ? { entryPoint: container.entryPoint } : {}),
    ...(command ? { command } : {}),
    environment: taskEnvironment(task, container, network, port, secrets, surroundings),
    secretNames: Object.keys(secrets),
    containerPort: port,
    cpuUnits: cpuUnitsOf(definition),
    memoryMb: memoryMbOf(definition),
    stopTimeoutSeconds: Math.min(
      container.stopTimeout ?? DEFAULT_STOP_TIMEOUT_SECONDS,
      MAX_STOP_TIMEOUT_SECONDS,
    ),
    log: logTarget(container, task.id, state?.runtimeId ?? task.id),
  };
}

/** The image reference with its tag replaced by a digest; a reference that has a digest stays. */
export function pinImage(image: string, digest: string): string {
  if (image.includes('@')) return image;
  const slash = image.lastIndexOf('/');
  const colon = image.indexOf(':', slash + 1);
  return `${colon === -1 ? image : image.slice(0, colon)}@${digest}`;
}
