/**
 * Checks that CreateService, UpdateService and RunTask share, with the codes and sentences of AWS.
 */
import { AwsError } from '../../contract.ts';
import type { LoadedTaskDefinition } from '../lifecycle/task-definition.ts';
import { loadTaskDefinition } from '../lifecycle/task-definition.ts';
import type { DeploymentConfiguration, LoadBalancerBinding, NetworkConfiguration } from '../model.ts';
import { type ApiContext, invalidParameter } from './context.ts';
import type { DeploymentConfigurationInput, LoadBalancerInput, NetworkInput } from './schemas.ts';

const DEFAULT_CONFIGURATION: DeploymentConfiguration = {
  maximumPercent: 200,
  minimumHealthyPercent: 100,
  circuitBreaker: { enable: false, rollback: false },
  alarms: { alarmNames: [], enable: false, rollback: false },
};

/** @throws AwsError `ClientException` when it does not exist or is inactive */
export async function requireTaskDefinition(
  context: ApiContext,
  reference: string,
): Promise<LoadedTaskDefinition> {
  const definition = await loadTaskDefinition(context.control, reference).catch((error: unknown) => {
    if (error instanceof AwsError && error.code === 'ClientException')
      throw new AwsError('ClientException', `TaskDefinition not found: ${reference}`);
    throw error;
  });
  if (definition.status !== 'ACTIVE')
    throw new AwsError('ClientException', `TaskDefinition is inactive: ${reference}`);
  return definition;
}

/** Also makes the zones of the subnets known to the scheduler. */
export async function requireNetwork(
  context: ApiContext,
  input: NetworkInput | undefined,
): Promise<NetworkConfiguration> {
  const network = input?.awsvpcConfiguration;
  if (!network)
    throw invalidParameter("Network Configuration must be provided when networkMode 'awsvpc' is specified.");
  if (network.subnets.length === 0) throw invalidParameter('subnets can not be empty.');
  const found = await context.subnets.load(network.subnets).catch((error: unknown) => {
    if (!(error instanceof AwsError)) throw error;
    throw invalidParameter(
      `Error retrieving subnet information for [${network.subnets.join(', ')}]: ${error.message} (ErrorCode: ${error.code})`,
    );
  });
  const missing = network.subnets.filter((id) => !found.some((subnet) => subnet.id === id));
  if (missing.length > 0)
    throw invalidParameter(
      `Error retrieving subnet information for [${missing.join(', ')}]: The subnet ID '${missing[0]}' does not exist (ErrorCode: InvalidSubnetID.NotFound)`,
    );
  return network;
}

/** Target groups must exist and be used by a listener; container and port must be in the task definition. */
export async function requireLoadBalancers(
  context: ApiContext,
  input: LoadBalancerInput,
  definition: LoadedTaskDefinition,
): Promise<readonly LoadBalancerBinding[]> {
  const bindings: LoadBalancerBinding[] = [];
  for (const { targetGroupArn, containerName, containerPort } of input) {
    if (targetGroupArn === undefined || targetGroupArn === '')
      throw invalidParameter('loadBalancers.targetGroupArn: Fargate services need a target group.');
    const container = definition.containerDefinitions.find((candidate) => candidate.name === containerName);
    if (!container)
      throw invalidParameter(`The container ${containerName} does not exist in the task definition.`);
    if (!container.portMappings.some((mapping) => mapping.containerPort === containerPort))
      throw invalidParameter(
        `The container ${containerName} did not have a container port ${containerPort} defined.`,
      );
    await requireTargetGroup(context, targetGroupArn);
    bindings.push({ targetGroupArn, containerName, containerPort });
  }
  return bindings;
}

async function requireTargetGroup(context: ApiContext, arn: string): Promise<void> {
  const xml = await context.control
    .query('elasticloadbalancing', 'DescribeTargetGroups', { 'TargetGroupArns.member.1': arn })
    .catch((error: unknown) => {
      if (!(error instanceof AwsError)) throw error;
      throw invalidParameter(`The specified target group does not exist. (targetGroupArn: ${arn})`);
    });
  if (/<TargetType>instance<\/TargetType>/.test(xml))
    throw invalidParameter(
      `The provided target group ${arn} has target type instance, which is incompatible with the awsvpc network mode specified in the task definition.`,
    );
  const loadBalancerArn = /<LoadBalancerArns>\s*<member>([^<]+)</.exec(xml)?.[1];
  if (loadBalancerArn === undefined)
    throw invalidParameter(
      `The target group with targetGroupArn ${arn} does not have an associated load balancer.`,
    );
  context.loadBalancerOf.set(arn, loadBalancerArn);
}

/** Fields that are absent keep the value of `before`. */
export function mergeConfiguration(
  input: DeploymentConfigurationInput | undefined,
  before: DeploymentConfiguration = DEFAULT_CONFIGURATION,
): DeploymentConfiguration {
  if (input?.strategy !== undefined && input.strategy !== 'ROLLING')
    throw invalidParameter(
      `deploymentConfiguration.strategy: the embedded AWS knows ROLLING only, not ${input.strategy}.`,
    );
  const merged = {
    maximumPercent: input?.maximumPercent ?? before.maximumPercent,
    minimumHealthyPercent: input?.minimumHealthyPercent ?? before.minimumHealthyPercent,
    circuitBreaker: input?.deploymentCircuitBreaker ?? before.circuitBreaker,
    alarms: input?.alarms ?? before.alarms,
  };
  if (merged.maximumPercent < 100)
    throw invalidParameter(
      `The deployment configuration's maximumPercent must be at least 100, not ${merged.maximumPercent}.`,
    );
  if (merged.minimumHealthyPercent > 100)
    throw invalidParameter(
      `The deployment configuration's minimumHealthyPercent must be between 0 and 100, not ${merged.minimumHealthyPercent}.`,
    );
  if (merged.maximumPercent === 100 && merged.minimumHealthyPercent === 100)
    throw invalidParameter(
      'Both maximumPercent and minimumHealthyPercent cannot be 100 as this will block deployments.',
    );
  return merged;
}
