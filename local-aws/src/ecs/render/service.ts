/**
 * Services and deployments in the JSON shapes of the ECS API. Times are epoch seconds there.
 */
import { thresholdOf } from '../deployments.ts';
import { clusterArn, serviceRevisionArn } from '../identifiers.ts';
import type {
  DeploymentConfiguration,
  DeploymentRecord,
  Json,
  ServiceDeploymentRecord,
  ServiceRecord,
  ServiceRevision,
  TaskRecord,
} from '../model.ts';
import type { Store } from '../store.ts';

/** What Fargate runs today when a caller says LATEST. */
export const CURRENT_PLATFORM = '1.4.0';

export const seconds = (ms: number): number => ms / 1_000;
const optionalSeconds = (name: string, ms: number | undefined): Json =>
  ms === undefined ? {} : { [name]: seconds(ms) };

const PENDING_STATES: readonly string[] = ['PROVISIONING', 'PENDING', 'ACTIVATING'];
export const isRunning = (task: TaskRecord): boolean => task.status === 'RUNNING';
export const isPending = (task: TaskRecord): boolean =>
  PENDING_STATES.includes(task.status) && !task.stopCause;

function renderConfiguration(configuration: DeploymentConfiguration): Json {
  return {
    deploymentCircuitBreaker: configuration.circuitBreaker,
    maximumPercent: configuration.maximumPercent,
    minimumHealthyPercent: configuration.minimumHealthyPercent,
    alarms: configuration.alarms,
    strategy: 'ROLLING',
    bakeTimeInMinutes: 0,
  };
}

function renderNetwork(revision: ServiceRevision): Json {
  return { awsvpcConfiguration: revision.network };
}

/** Launch type or capacity providers: a service has one of the two. */
function renderCapacity(revision: ServiceRevision): Json {
  if (revision.capacityProviderStrategy.length > 0)
    return { capacityProviderStrategy: revision.capacityProviderStrategy };
  return { launchType: revision.launchType };
}

function renderDeployment(
  service: ServiceRecord,
  deployment: DeploymentRecord,
  tasks: readonly TaskRecord[],
): Json {
  const own = tasks.filter((task) => task.deployment === deployment);
  const running = own.filter(isRunning).length;
  const pending = own.filter(isPending).length;
  return {
    id: deployment.id,
    status: deployment.status,
    taskDefinition: deployment.revision.taskDefinitionArn,
    desiredCount: deployment.status === 'PRIMARY' ? service.desiredCount : running + pending,
    pendingCount: pending,
    runningCount: running,
    failedTasks: deployment.failedTasks,
    createdAt: seconds(deployment.createdAt),
    updatedAt: seconds(deployment.updatedAt),
    ...renderCapacity(deployment.revision),
    platformVersion:
      deployment.revision.platformVersion === 'LATEST'
        ? CURRENT_PLATFORM
        : deployment.revision.platformVersion,
    platformFamily: 'Linux',
    networkConfiguration: renderNetwork(deployment.revision),
    rolloutState: deployment.rolloutState,
    rolloutStateReason: deployment.rolloutStateReason,
  };
}

export function renderService(store: Store, service: ServiceRecord, withTags: boolean): Json {
  const tasks = store.tasksOf(service);
  const { revision } = service;
  const current = service.history.find((entry) => entry.finishedAt === undefined);
  return {
    serviceArn: service.arn,
    serviceName: service.name,
    clusterArn: clusterArn(store.scope, service.clusterName),
    loadBalancers: revision.loadBalancers,
    serviceRegistries: revision.serviceRegistries,
    status: service.status,
    desiredCount: service.desiredCount,
    runningCount: tasks.filter(isRunning).length,
    pendingCount: tasks.filter(isPending).length,
    ...renderCapacity(revision),
    platformVersion: revision.platformVersion,
    platformFamily: 'Linux',
    taskDefinition: revision.taskDefinitionArn,
    deploymentConfiguration: renderConfiguration(service.configuration),
    deployments: service.deployments.map((deployment) => renderDeployment(service, deployment, tasks)),
    roleArn: `arn:aws:iam::${store.scope.accountId}:role/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS`,
    events: service.events.map(({ id, createdAt, message }) => ({
      id,
      createdAt: seconds(createdAt),
      message,
    })),
    createdAt: seconds(service.createdAt),
    ...(current ? { currentServiceDeployment: current.arn } : {}),
    currentServiceRevisions: service.deployments.map((deployment) =>
      revisionSummary(store, service, deployment),
    ),
    placementConstraints: service.placementConstraints,
    placementStrategy: service.placementStrategy,
    networkConfiguration: renderNetwork(revision),
    ...(revision.loadBalancers.length > 0
      ? { healthCheckGracePeriodSeconds: service.healthCheckGracePeriodSeconds }
      : {}),
    schedulingStrategy: 'REPLICA',
    deploymentController: { type: 'ECS' },
    createdBy: service.createdBy,
    enableECSManagedTags: revision.enableEcsManagedTags,
    propagateTags: revision.propagateTags,
    enableExecuteCommand: service.enableExecuteCommand,
    availabilityZoneRebalancing: service.availabilityZoneRebalancing,
    ...(withTags ? { tags: service.tags } : {}),
  };
}

function revisionSummary(store: Store, service: ServiceRecord, deployment: DeploymentRecord): Json {
  const own = store.tasksOf(service).filter((task) => task.deployment === deployment);
  const running = own.filter(isRunning).length;
  const pending = own.filter(isPending).length;
  return {
    arn: serviceRevisionArn(store.scope, service.clusterName, service.name, deployment.id),
    requestedTaskCount: deployment.status === 'PRIMARY' ? service.desiredCount : running + pending,
    runningTaskCount: running,
    pendingTaskCount: pending,
  };
}

export function renderServiceDeploymentBrief(
  store: Store,
  service: ServiceRecord,
  entry: ServiceDeploymentRecord,
): Json {
  return {
    serviceDeploymentArn: entry.arn,
    serviceArn: service.arn,
    clusterArn: clusterArn(store.scope, service.clusterName),
    createdAt: seconds(entry.createdAt),
    startedAt: seconds(entry.createdAt),
    ...optionalSeconds('finishedAt', entry.finishedAt),
    targetServiceRevisionArn: serviceRevisionArn(
      store.scope,
      service.clusterName,
      service.name,
      entry.deploymentId,
    ),
    status: entry.status,
    ...(entry.statusReason === undefined ? {} : { statusReason: entry.statusReason }),
  };
}

function renderBreaker(service: ServiceRecord, entry: ServiceDeploymentRecord): Json {
  const deployment = service.known.get(entry.deploymentId);
  const over = entry.finishedAt !== undefined || entry.rollback !== undefined;
  const watching = over ? 'MONITORING_COMPLETE' : 'MONITORING';
  const enabled = entry.configuration.circuitBreaker.enable;
  return {
    status: entry.breakerTriggered ? 'TRIGGERED' : enabled ? watching : 'DISABLED',
    failureCount: over ? entry.failureCount : (deployment?.failedTasks ?? 0),
    threshold: thresholdOf(service),
  };
}

export function renderServiceDeployment(
  store: Store,
  service: ServiceRecord,
  entry: ServiceDeploymentRecord,
): Json {
  const { targetServiceRevisionArn: _shortForm, ...brief } = renderServiceDeploymentBrief(
    store,
    service,
    entry,
  );
  const summaries = (ids: readonly string[]): readonly Json[] =>
    ids.flatMap((id) => {
      const deployment = service.known.get(id);
      return deployment ? [revisionSummary(store, service, deployment)] : [];
    });
  const stopped = entry.status === 'STOPPED' ? entry.finishedAt : undefined;
  return {
    ...brief,
    ...optionalSeconds('stoppedAt', stopped),
    updatedAt: seconds(entry.updatedAt),
    sourceServiceRevisions: summaries(entry.sourceDeploymentIds),
    targetServiceRevision: summaries([entry.deploymentId])[0],
    deploymentConfiguration: renderConfiguration(entry.configuration),
    deploymentCircuitBreaker: renderBreaker(service, entry),
    ...(entry.rollback
      ? {
          rollback: {
            reason: entry.rollback.reason,
            startedAt: seconds(entry.rollback.startedAt),
            serviceRevisionArn: serviceRevisionArn(
              store.scope,
              service.clusterName,
              service.name,
              entry.rollback.deploymentId,
            ),
          },
        }
      : {}),
  };
}

export function renderServiceRevision(
  store: Store,
  service: ServiceRecord,
  deployment: DeploymentRecord,
): Json {
  const { revision } = deployment;
  const images = new Map<string, Json>();
  for (const task of store.tasksOf(service).filter((t) => t.deployment === deployment))
    for (const container of task.containers)
      if (container.imageDigest !== undefined)
        images.set(container.name, {
          containerName: container.name,
          image: container.image,
          imageDigest: container.imageDigest,
        });
  return {
    serviceRevisionArn: serviceRevisionArn(store.scope, service.clusterName, service.name, deployment.id),
    serviceArn: service.arn,
    clusterArn: clusterArn(store.scope, service.clusterName),
    taskDefinition: revision.taskDefinitionArn,
    ...renderCapacity(revision),
    platformVersion: revision.platformVersion === 'LATEST' ? CURRENT_PLATFORM : revision.platformVersion,
    platformFamily: 'Linux',
    loadBalancers: revision.loadBalancers,
    serviceRegistries: revision.serviceRegistries,
    networkConfiguration: renderNetwork(revision),
    containerImages: [...images.values()],
    guardDutyEnabled: false,
    createdAt: seconds(deployment.createdAt),
  };
}
