/**
 * What the ECS part keeps in memory: services, their deployments, tasks.
 * Only types stand here. How they look on the wire is in `render/`; what is to be done with them in `decide/`.
 * All times are milliseconds since the epoch.
 */
import type { RunningTask, Target } from '../contract.ts';

export type Json = Record<string, unknown>;

export interface Tag {
  readonly key: string;
  readonly value: string;
}

export interface CapacityProviderStrategyItem {
  readonly capacityProvider: string;
  readonly weight: number;
  readonly base: number;
}

export interface LoadBalancerBinding {
  readonly targetGroupArn: string;
  readonly containerName: string;
  readonly containerPort: number;
}

export interface NetworkConfiguration {
  readonly subnets: readonly string[];
  readonly securityGroups: readonly string[];
  readonly assignPublicIp: 'ENABLED' | 'DISABLED';
}

export interface DeploymentConfiguration {
  readonly maximumPercent: number;
  readonly minimumHealthyPercent: number;
  readonly circuitBreaker: { readonly enable: boolean; readonly rollback: boolean };
  readonly alarms: {
    readonly alarmNames: readonly string[];
    readonly enable: boolean;
    readonly rollback: boolean;
  };
}

/** The part of a service that a deployment fixes: a change of any of it starts a new deployment. */
export interface ServiceRevision {
  readonly taskDefinitionArn: string;
  /** Of one task, for the account's quota. */
  readonly cpuUnits: number;
  readonly launchType: 'FARGATE' | 'EC2' | 'EXTERNAL' | undefined;
  readonly capacityProviderStrategy: readonly CapacityProviderStrategyItem[];
  readonly platformVersion: string;
  readonly network: NetworkConfiguration;
  readonly loadBalancers: readonly LoadBalancerBinding[];
  readonly enableEcsManagedTags: boolean;
  readonly propagateTags: 'NONE' | 'SERVICE' | 'TASK_DEFINITION';
  /** Tags of the task definition when the deployment was made, for `propagateTags`. */
  readonly definitionTags: readonly Tag[];
  readonly serviceRegistries: readonly unknown[];
}

export type RolloutState = 'IN_PROGRESS' | 'COMPLETED' | 'FAILED';

export interface DeploymentRecord {
  /** `ecs-svc/<19 digits>`. */
  readonly id: string;
  readonly revision: ServiceRevision;
  readonly createdAt: number;
  status: 'PRIMARY' | 'ACTIVE' | 'INACTIVE';
  updatedAt: number;
  rolloutState: RolloutState;
  rolloutStateReason: string;
  /** Consecutive failures; one healthy task sets it back to 0. */
  failedTasks: number;
  /** No task is started before this time (throttling after repeated failures); 0 = no throttle. */
  throttledUntil: number;
  /** Image digest by container name, fixed by the first pull: all later tasks run the same bytes. */
  readonly imageDigests: Map<string, string>;
  /** Alarms that were in ALARM already when the deployment started: alarm checks are off for it. */
  alarmsIgnored: boolean;
}

export type ServiceDeploymentStatus =
  | 'PENDING'
  | 'IN_PROGRESS'
  | 'SUCCESSFUL'
  | 'STOPPED'
  | 'ROLLBACK_IN_PROGRESS'
  | 'ROLLBACK_SUCCESSFUL'
  | 'ROLLBACK_FAILED';

/** The history entry of one attempt to deploy, answered by DescribeServiceDeployments. */
export interface ServiceDeploymentRecord {
  readonly arn: string;
  readonly deploymentId: string;
  readonly sourceDeploymentIds: readonly string[];
  readonly createdAt: number;
  readonly configuration: DeploymentConfiguration;
  status: ServiceDeploymentStatus;
  statusReason: string | undefined;
  finishedAt: number | undefined;
  updatedAt: number;
  rollback:
    | { readonly reason: string; readonly startedAt: number; readonly deploymentId: string }
    | undefined;
  /** The breaker's figures at the end of the attempt. */
  failureCount: number;
  breakerTriggered: boolean;
}

export interface ServiceEvent {
  readonly id: string;
  readonly createdAt: number;
  readonly message: string;
}

export interface PendingEvents {
  started: string[];
  /** How many of `started` replace tasks that failed their health checks. */
  replaced: number;
  /** Tasks that were ended before they ran. */
  abandoned: number;
  draining: number;
  stopped: string[];
  registered: Map<string, number>;
  deregistered: Map<string, number>;
}

export interface ServiceRecord {
  readonly arn: string;
  readonly name: string;
  readonly clusterName: string;
  readonly createdAt: number;
  readonly clientToken: string | undefined;
  readonly createdBy: string;
  status: 'ACTIVE' | 'DRAINING' | 'INACTIVE';
  inactiveAt: number | undefined;
  desiredCount: number;
  revision: ServiceRevision;
  configuration: DeploymentConfiguration;
  healthCheckGracePeriodSeconds: number;
  availabilityZoneRebalancing: 'ENABLED' | 'DISABLED';
  enableExecuteCommand: boolean;
  placementConstraints: readonly unknown[];
  placementStrategy: readonly unknown[];
  tags: Tag[];
  /** Newest first: PRIMARY, then those that still have tasks. */
  deployments: DeploymentRecord[];
  /** The deployment that a rollback goes to; undefined until the first one completes. */
  lastCompleted: DeploymentRecord | undefined;
  /** Newest first, bounded. */
  history: ServiceDeploymentRecord[];
  /** Every deployment that history mentions, by id. */
  readonly known: Map<string, DeploymentRecord>;
  /** Newest first, at most 100. */
  events: ServiceEvent[];
  /** Whether "has reached a steady state" was said since the last change. */
  steady: boolean;
  /** Whether "was unable to stop or start tasks" was said since the last change. */
  blocked: boolean;
  /** Whether "is unable to consistently start tasks" was said since the last task became healthy. */
  struggling: boolean;
  /** Whether an availability-zone rebalancing is under way. */
  rebalancing: boolean;
  /** Effects since the last tick, told as one event each. */
  readonly pendingEvents: PendingEvents;
}

export type TaskStatus =
  | 'PROVISIONING'
  | 'PENDING'
  | 'ACTIVATING'
  | 'RUNNING'
  | 'DEACTIVATING'
  | 'STOPPING'
  | 'DEPROVISIONING'
  | 'STOPPED';

export type StopCode =
  | 'TaskFailedToStart'
  | 'EssentialContainerExited'
  | 'UserInitiated'
  | 'ServiceSchedulerInitiated'
  | 'SpotInterruption';

/** Why a task ends: fixed by whoever is first to end it. */
export interface StopCause {
  readonly code: StopCode;
  readonly reason: string;
  /** Whether the circuit breaker and the throttle count it. */
  readonly failure: boolean;
  /** The service has told of it already. */
  readonly told?: boolean;
}

export interface ContainerState {
  readonly name: string;
  readonly arn: string;
  readonly image: string;
  imageDigest: string | undefined;
  readonly runtimeId: string;
  /** False for the containers of a task definition that the embedded AWS does not start. */
  readonly runs: boolean;
  exitCode: number | undefined;
  reason: string | undefined;
}

export interface TaskOverrides {
  readonly environment: readonly { readonly name: string; readonly value: string }[];
  readonly command: readonly string[] | undefined;
  /** As the caller sent it, for DescribeTasks. */
  readonly raw: Json;
}

export interface TaskNetwork {
  readonly subnetId: string;
  readonly vpcId: string;
  readonly zone: string;
  readonly cidr: string;
  privateIp: string;
  /** Loopback address that stands for the private address. */
  loopback: string;
  readonly attachmentId: string;
  readonly networkInterfaceId: string;
  readonly macAddress: string;
}

export interface TaskRecord {
  readonly id: string;
  readonly arn: string;
  readonly clusterName: string;
  /** Undefined for RunTask. */
  readonly service: ServiceRecord | undefined;
  readonly deployment: DeploymentRecord | undefined;
  readonly group: string;
  readonly startedBy: string | undefined;
  readonly revision: ServiceRevision;
  readonly capacityProvider: string | undefined;
  readonly overrides: TaskOverrides;
  readonly enableExecuteCommand: boolean;
  readonly createdAt: number;
  tags: Tag[];
  zone: string;
  readonly family: string;
  readonly definitionRevision: number;
  cpu: string;
  memory: string;
  logDriver: string | undefined;
  logOptions: Readonly<Record<string, string>>;
  status: TaskStatus;
  desiredStatus: 'RUNNING' | 'STOPPED';
  version: number;
  containers: ContainerState[];
  network: TaskNetwork | undefined;
  running: RunningTask | undefined;
  /** Where the task is registered: target group ARN and target. */
  targets: { readonly targetGroupArn: string; readonly target: Target }[];
  everHealthy: boolean;
  /** Of the task definition's health check; undefined where it has none. */
  containerHealth: 'UNKNOWN' | 'HEALTHY' | 'UNHEALTHY' | undefined;
  pullStartedAt: number | undefined;
  pullStoppedAt: number | undefined;
  connectedAt: number | undefined;
  startedAt: number | undefined;
  stoppingAt: number | undefined;
  executionStoppedAt: number | undefined;
  stoppedAt: number | undefined;
  stopCause: StopCause | undefined;
}
