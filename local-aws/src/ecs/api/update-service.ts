/**
 * UpdateService, and the change of the desired count by the autoscaler.
 */
import { AwsError, type AwsRequest } from '../../contract.ts';
import { disturb, startDeployment } from '../deployments.ts';
import { type LoadedTaskDefinition, loadTaskDefinition } from '../lifecycle/task-definition.ts';
import { cpuUnitsOf } from '../lifecycle/task-spec.ts';
import type { Json, ServiceRecord, ServiceRevision } from '../model.ts';
import { renderService } from '../render/service.ts';
import { mergeConfiguration, requireLoadBalancers, requireNetwork, requireTaskDefinition } from './checks.ts';
import { type ApiContext, invalidParameter, readInput, requireService } from './context.ts';
import { type UpdateServiceInput, updateServiceInput } from './schemas.ts';

export async function updateService(context: ApiContext, request: AwsRequest): Promise<Json> {
  const input = readInput(updateServiceInput, request);
  const service = await requireService(context, input.cluster, input.service);
  requireActive(service);
  if (input.deploymentController && input.deploymentController.type !== 'ECS')
    throw invalidParameter(
      `deploymentController ${input.deploymentController.type}: the embedded AWS knows type ECS only.`,
    );
  const configuration = mergeConfiguration(input.deploymentConfiguration, service.configuration);
  const revision = await changedRevision(context, service, input);
  // Looking things up took time: the service may have been deleted meanwhile.
  requireActive(service);
  service.configuration = configuration;
  service.healthCheckGracePeriodSeconds =
    input.healthCheckGracePeriodSeconds ?? service.healthCheckGracePeriodSeconds;
  service.availabilityZoneRebalancing =
    input.availabilityZoneRebalancing ?? service.availabilityZoneRebalancing;
  service.enableExecuteCommand = input.enableExecuteCommand ?? service.enableExecuteCommand;
  service.placementConstraints = input.placementConstraints ?? service.placementConstraints;
  service.placementStrategy = input.placementStrategy ?? service.placementStrategy;
  if (input.desiredCount !== undefined) changeDesiredCount(service, input.desiredCount);
  const changed = JSON.stringify(revision) !== JSON.stringify(service.revision);
  if (changed || input.forceNewDeployment)
    startDeployment(context.store, service, revision, context.clock.now());
  return { service: renderService(context.store, service, true) };
}

function requireActive(service: ServiceRecord): void {
  if (service.status !== 'ACTIVE') throw new AwsError('ServiceNotActiveException', 'Service was not ACTIVE.');
}

/** Has an effect on the next tick; a deployment in progress uses the new count as well. */
export function changeDesiredCount(service: ServiceRecord, count: number): void {
  if (service.desiredCount === count) return;
  service.desiredCount = count;
  service.rebalancing = false;
  disturb(service);
}

async function changedRevision(
  context: ApiContext,
  service: ServiceRecord,
  input: UpdateServiceInput,
): Promise<ServiceRevision> {
  const before = service.revision;
  const definition = await newDefinition(context, before, input);
  const network = input.networkConfiguration
    ? await requireNetwork(context, input.networkConfiguration)
    : before.network;
  const loadBalancers =
    input.loadBalancers && definition
      ? await requireLoadBalancers(context, input.loadBalancers, definition)
      : before.loadBalancers;
  const strategy = input.capacityProviderStrategy;
  const usesStrategy = (strategy?.length ?? 0) > 0;
  if (strategy && !input.forceNewDeployment && JSON.stringify(strategy) !== strategyOf(before))
    throw invalidParameter(
      'When you update the capacity provider strategy of a service, forceNewDeployment must be set.',
    );
  return {
    ...before,
    taskDefinitionArn: definition?.taskDefinitionArn ?? before.taskDefinitionArn,
    cpuUnits: definition ? cpuUnitsOf(definition) : before.cpuUnits,
    definitionTags: definition?.tags ?? before.definitionTags,
    network,
    loadBalancers,
    launchType: usesStrategy ? undefined : before.launchType,
    capacityProviderStrategy: strategy ?? before.capacityProviderStrategy,
    platformVersion: input.platformVersion || before.platformVersion,
    enableEcsManagedTags: input.enableECSManagedTags ?? before.enableEcsManagedTags,
    propagateTags: input.propagateTags || before.propagateTags,
    serviceRegistries: input.serviceRegistries ?? before.serviceRegistries,
  };
}

/** What a service runs already may be INACTIVE by now; what it is asked to run must not be. */
async function newDefinition(
  context: ApiContext,
  before: ServiceRevision,
  input: UpdateServiceInput,
): Promise<LoadedTaskDefinition | undefined> {
  if (input.taskDefinition !== undefined) return requireTaskDefinition(context, input.taskDefinition);
  return input.loadBalancers === undefined
    ? undefined
    : loadTaskDefinition(context.control, before.taskDefinitionArn);
}

const strategyOf = (revision: ServiceRevision): string => JSON.stringify(revision.capacityProviderStrategy);
