/**
 * The shape of a snapshot of the ECS part: what `snapshot.ts` writes, and what it takes back.
 * References between records are ids here. Absent and undefined are the same.
 */
import * as z from 'zod';

const maybe = <T extends z.ZodType>(schema: T) => schema.nullish().transform((value) => value ?? undefined);

const tags = z.array(z.object({ key: z.string(), value: z.string() }));
const breaker = z.object({ enable: z.boolean(), rollback: z.boolean() });

const configuration = z.object({
  maximumPercent: z.number(),
  minimumHealthyPercent: z.number(),
  circuitBreaker: breaker,
  alarms: z.object({ alarmNames: z.array(z.string()), enable: z.boolean(), rollback: z.boolean() }),
});

const revision = z.object({
  taskDefinitionArn: z.string(),
  cpuUnits: z.number(),
  launchType: maybe(z.enum(['FARGATE', 'EC2', 'EXTERNAL'])),
  capacityProviderStrategy: z.array(
    z.object({ capacityProvider: z.string(), weight: z.number(), base: z.number() }),
  ),
  platformVersion: z.string(),
  network: z.object({
    subnets: z.array(z.string()),
    securityGroups: z.array(z.string()),
    assignPublicIp: z.enum(['ENABLED', 'DISABLED']),
  }),
  loadBalancers: z.array(
    z.object({ targetGroupArn: z.string(), containerName: z.string(), containerPort: z.number() }),
  ),
  enableEcsManagedTags: z.boolean(),
  propagateTags: z.enum(['NONE', 'SERVICE', 'TASK_DEFINITION']),
  definitionTags: tags,
  serviceRegistries: z.array(z.unknown()),
});

const deployment = z.object({
  id: z.string(),
  revision,
  createdAt: z.number(),
  status: z.enum(['PRIMARY', 'ACTIVE', 'INACTIVE']),
  updatedAt: z.number(),
  rolloutState: z.enum(['IN_PROGRESS', 'COMPLETED', 'FAILED']),
  rolloutStateReason: z.string(),
  failedTasks: z.number(),
  throttledUntil: z.number(),
  imageDigests: z.record(z.string(), z.string()),
  alarmsIgnored: z.boolean(),
});

const historyEntry = z.object({
  arn: z.string(),
  deploymentId: z.string(),
  sourceDeploymentIds: z.array(z.string()),
  createdAt: z.number(),
  configuration,
  status: z.enum([
    'PENDING',
    'IN_PROGRESS',
    'SUCCESSFUL',
    'STOPPED',
    'ROLLBACK_IN_PROGRESS',
    'ROLLBACK_SUCCESSFUL',
    'ROLLBACK_FAILED',
  ]),
  statusReason: maybe(z.string()),
  finishedAt: maybe(z.number()),
  updatedAt: z.number(),
  rollback: maybe(z.object({ reason: z.string(), startedAt: z.number(), deploymentId: z.string() })),
  failureCount: z.number(),
  breakerTriggered: z.boolean(),
});

const service = z.object({
  arn: z.string(),
  name: z.string(),
  clusterName: z.string(),
  createdAt: z.number(),
  clientToken: maybe(z.string()),
  createdBy: z.string(),
  status: z.enum(['ACTIVE', 'DRAINING', 'INACTIVE']),
  inactiveAt: maybe(z.number()),
  desiredCount: z.number().int().min(0),
  revision,
  configuration,
  healthCheckGracePeriodSeconds: z.number(),
  availabilityZoneRebalancing: z.enum(['ENABLED', 'DISABLED']),
  enableExecuteCommand: z.boolean(),
  placementConstraints: z.array(z.unknown()),
  placementStrategy: z.array(z.unknown()),
  tags,
  /** Ids, newest first. */
  deployments: z.array(z.string()),
  lastCompleted: maybe(z.string()),
  history: z.array(historyEntry),
  known: z.array(deployment),
  events: z.array(z.object({ id: z.string(), createdAt: z.number(), message: z.string() })),
});

const container = z.object({
  name: z.string(),
  arn: z.string(),
  image: z.string(),
  imageDigest: maybe(z.string()),
  runtimeId: z.string(),
  runs: z.boolean(),
  exitCode: maybe(z.number()),
  reason: maybe(z.string()),
});

const task = z.object({
  id: z.string(),
  arn: z.string(),
  clusterName: z.string(),
  /** `cluster/name`; absent for RunTask. */
  service: maybe(z.string()),
  deployment: maybe(z.string()),
  group: z.string(),
  startedBy: maybe(z.string()),
  /** Absent where it is the deployment's. */
  revision: maybe(revision),
  capacityProvider: maybe(z.string()),
  overrides: z.object({
    environment: z.array(z.object({ name: z.string(), value: z.string() })),
    command: maybe(z.array(z.string())),
    raw: z.record(z.string(), z.unknown()),
  }),
  enableExecuteCommand: z.boolean(),
  createdAt: z.number(),
  tags,
  zone: z.string(),
  family: z.string(),
  definitionRevision: z.number(),
  cpu: z.string(),
  memory: z.string(),
  logDriver: maybe(z.string()),
  logOptions: z.record(z.string(), z.string()),
  version: z.number(),
  containers: z.array(container),
  network: maybe(
    z.object({
      subnetId: z.string(),
      vpcId: z.string(),
      zone: z.string(),
      cidr: z.string(),
      privateIp: z.string(),
      loopback: z.string(),
      attachmentId: z.string(),
      networkInterfaceId: z.string(),
      macAddress: z.string(),
    }),
  ),
  everHealthy: z.boolean(),
  pullStartedAt: maybe(z.number()),
  pullStoppedAt: maybe(z.number()),
  connectedAt: maybe(z.number()),
  startedAt: maybe(z.number()),
  stoppingAt: maybe(z.number()),
  executionStoppedAt: maybe(z.number()),
  /** Absent for a task that had not ended when the snapshot was taken. */
  stoppedAt: maybe(z.number()),
  stopCause: maybe(
    z.object({
      code: z.enum([
        'TaskFailedToStart',
        'EssentialContainerExited',
        'UserInitiated',
        'ServiceSchedulerInitiated',
        'SpotInterruption',
      ]),
      reason: z.string(),
      failure: z.boolean(),
    }),
  ),
});

export const snapshotSchema = z.object({
  format: z.literal(1),
  /** Load balancer ARN by target group ARN. */
  loadBalancers: z.record(z.string(), z.string()),
  services: z.array(service),
  tasks: z.array(task),
});

export type StoredService = z.output<typeof service>;
export type StoredTask = z.output<typeof task>;
