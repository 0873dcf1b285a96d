/**
 * CreateService.
 */
import type { AwsRequest } from '../../contract.ts';
import { startDeployment } from '../deployments.ts';
import { serviceArn, serviceKey } from '../identifiers.ts';
import { cpuUnitsOf } from '../lifecycle/task-spec.ts';
import type { Json, ServiceRecord, ServiceRevision } from '../model.ts';
import { renderService } from '../render/service.ts';
import { noPendingEvents } from '../service-events.ts';
import { mergeConfiguration, requireLoadBalancers, requireNetwork, requireTaskDefinition } from './checks.ts';
import {
  type ApiContext,
  type ClusterSummary,
  invalidParameter,
  readInput,
  requireCluster,
} from './context.ts';
import { decideLaunch } from './decide-launch.ts';
import { type CreateServiceInput, createServiceInput } from './schemas.ts';

const SERVICE_NAME = /^[A-Za-z0-9_-]{1,255}$/;

export async function createService(context: ApiContext, request: AwsRequest): Promise<Json> {
  const { store, clock, scope } = context;
  const input = readInput(createServiceInput, request);
  checkShape(input);
  const cluster = await requireCluster(context, input.cluster);
  const existing = store.service(serviceKey(cluster.name, input.serviceName));
  if (existing && existing.status !== 'INACTIVE') return repeated(context, existing, input);
  const revision = await resolveRevision(context, input, cluster);
  // Two equal requests may have passed the look-up above while this one waited.
  const raced = store.service(serviceKey(cluster.name, input.serviceName));
  if (raced && raced !== existing && raced.status !== 'INACTIVE') return repeated(context, raced, input);
  const now = clock.now();
  const service: ServiceRecord = {
    arn: serviceArn(scope, cluster.name, input.serviceName),
    name: input.serviceName,
    clusterName: cluster.name,
    createdAt: now,
    clientToken: input.clientToken,
    createdBy: `arn:aws:iam::${scope.accountId}:root`,
    status: 'ACTIVE',
    inactiveAt: undefined,
    desiredCount: input.desiredCount ?? 0,
    revision,
    configuration: mergeConfiguration(input.deploymentConfiguration),
    healthCheckGracePeriodSeconds: input.healthCheckGracePeriodSeconds ?? 0,
    availabilityZoneRebalancing: input.availabilityZoneRebalancing ?? 'ENABLED',
    enableExecuteCommand: input.enableExecuteCommand ?? false,
    placementConstraints: input.placementConstraints ?? [],
    placementStrategy: input.placementStrategy ?? [],
    tags: input.tags ?? [],
    deployments: [],
    lastCompleted: undefined,
    history: [],
    known: new Map(),
    events: [],
    steady: false,
    blocked: false,
    struggling: false,
    rebalancing: false,
    pendingEvents: noPendingEvents(),
  };
  startDeployment(store, service, revision, now);
  store.putService(service);
  return { service: renderService(store, service, true) };
}

function checkShape(input: CreateServiceInput): void {
  if (!SERVICE_NAME.test(input.serviceName))
    throw invalidParameter(
      `Name ${JSON.stringify(input.serviceName)}: up to 255 letters, numbers, underscores and hyphens are allowed.`,
    );
  if (input.schedulingStrategy !== undefined && input.schedulingStrategy !== 'REPLICA')
    throw invalidParameter(
      `schedulingStrategy ${input.schedulingStrategy} is not supported for Fargate services. Use REPLICA.`,
    );
  const controller = input.deploymentController?.type ?? 'ECS';
  if (controller !== 'ECS')
    throw invalidParameter(`deploymentController ${controller}: the embedded AWS knows type ECS only.`);
  if (input.healthCheckGracePeriodSeconds && !input.loadBalancers?.length)
    throw invalidParameter(
      'Health check grace period is only valid for services configured to use load balancers',
    );
  if (input.taskDefinition === undefined) throw invalidParameter('TaskDefinition can not be blank.');
}

function repeated(context: ApiContext, existing: ServiceRecord, input: CreateServiceInput): Json {
  if (existing.status === 'DRAINING')
    throw invalidParameter('Unable to Start a service that is still Draining.');
  if (existing.clientToken === undefined || existing.clientToken !== input.clientToken)
    throw invalidParameter('Creation of service was not idempotent.');
  return { service: renderService(context.store, existing, true) };
}

async function resolveRevision(
  context: ApiContext,
  input: CreateServiceInput,
  cluster: ClusterSummary,
): Promise<ServiceRevision> {
  const definition = await requireTaskDefinition(context, input.taskDefinition ?? '');
  const network = await requireNetwork(context, input.networkConfiguration);
  const loadBalancers = await requireLoadBalancers(context, input.loadBalancers ?? [], definition);
  return {
    taskDefinitionArn: definition.taskDefinitionArn,
    cpuUnits: cpuUnitsOf(definition),
    ...decideLaunch(input, cluster),
    platformVersion: input.platformVersion || 'LATEST',
    network,
    loadBalancers,
    enableEcsManagedTags: input.enableECSManagedTags ?? false,
    propagateTags: input.propagateTags || 'NONE',
    definitionTags: definition.tags,
    serviceRegistries: input.serviceRegistries ?? [],
  };
}
