/** Looks at a service for tests: stable, under way, given up. Shapes as the service adapter makes them. */
import type {
  DeploymentView,
  ServiceEventView,
  ServiceSnapshot,
  TargetView,
  TaskView,
} from '../../src/domain/rollout.ts';

export const SAMPLE_URL = 'http://shop-test-alb.elb.example';

const ZONES = ['us-east-1a', 'us-east-1b', 'us-east-1c'] as const;

/** `sha256:` and 64 times the same hex digit: digests that a test can tell apart. */
export function sampleDigest(hexDigit: string): string {
  return `sha256:${hexDigit.repeat(64)}`;
}

export function sampleTask(index: number, imageDigest: string, changes: Partial<TaskView> = {}): TaskView {
  return {
    id: `task${index}`.padEnd(32, '0'),
    zone: ZONES[index % ZONES.length] ?? ZONES[0],
    status: 'RUNNING',
    taskDefinition: taskDefinitionOf(imageDigest),
    imageDigest,
    startedAt: '2026-01-01T00:00:00.000Z',
    stoppedReason: undefined,
    exitCode: undefined,
    containerReason: undefined,
    privateIp: `10.0.${index}.7`,
    ...changes,
  };
}

export function sampleDeployment(imageDigest: string, changes: Partial<DeploymentView> = {}): DeploymentView {
  return {
    id: 'ecs-svc/1',
    status: 'PRIMARY',
    rolloutState: 'COMPLETED',
    rolloutReason: undefined,
    taskDefinition: taskDefinitionOf(imageDigest),
    desired: 1,
    running: 1,
    pending: 0,
    failed: 0,
    ...changes,
  };
}

/** The service as it is when all is well: every task runs the image, behind a healthy target. */
export function stableSnapshot(
  imageDigest: string,
  { count = 1, ...changes }: Partial<ServiceSnapshot> & { readonly count?: number } = {},
): ServiceSnapshot {
  const tasks = Array.from({ length: count }, (_, index) => sampleTask(index, imageDigest));
  return {
    status: 'ACTIVE',
    desired: count,
    running: count,
    pending: 0,
    taskDefinition: taskDefinitionOf(imageDigest),
    deployments: [sampleDeployment(imageDigest, { desired: count, running: count })],
    events: [],
    tasks,
    stopped: [],
    targets: tasks.map(({ privateIp }) => sampleTarget(privateIp ?? '')),
    url: SAMPLE_URL,
    ...changes,
  };
}

/** Tasks of the image start; nothing is decided. */
export function startingSnapshot(
  imageDigest: string,
  changes: Partial<ServiceSnapshot> = {},
): ServiceSnapshot {
  return stableSnapshot(imageDigest, {
    running: 0,
    pending: 1,
    deployments: [sampleDeployment(imageDigest, { rolloutState: 'IN_PROGRESS', running: 0, pending: 1 })],
    tasks: [sampleTask(0, imageDigest, { status: 'PENDING' })],
    targets: [],
    ...changes,
  });
}

/** The circuit breaker has given the image up: its tasks die at start. */
export function givenUpSnapshot(
  imageDigest: string,
  changes: Partial<ServiceSnapshot> = {},
): ServiceSnapshot {
  return startingSnapshot(imageDigest, {
    pending: 0,
    deployments: [
      sampleDeployment(imageDigest, {
        rolloutState: 'FAILED',
        rolloutReason: 'ECS deployment circuit breaker: tasks failed to start.',
        running: 0,
        failed: 3,
      }),
    ],
    tasks: [],
    stopped: [
      sampleTask(9, imageDigest, {
        status: 'STOPPED',
        stoppedReason: 'Essential container in task exited',
        exitCode: 1,
      }),
    ],
    ...changes,
  });
}

export function sampleTarget(id: string, changes: Partial<TargetView> = {}): TargetView {
  return { id, port: 5000, state: 'healthy', reason: undefined, description: undefined, ...changes };
}

export function sampleServiceEvent(id: string, time: string, message: string): ServiceEventView {
  return { id, time, message };
}

function taskDefinitionOf(imageDigest: string): string {
  return `arn:aws:ecs:us-east-1:123456789012:task-definition/shop-test-ecs-task:${imageDigest.slice(7, 9)}`;
}
