/** What a new service or task runs on: what the request says, else the cluster's default, else EC2. Pure. */
import type { CapacityProviderStrategyItem, ServiceRevision } from '../model.ts';
import { type ClusterSummary, invalidParameter } from './context.ts';

export interface LaunchRequest {
  readonly launchType?: ServiceRevision['launchType'];
  readonly capacityProviderStrategy?: readonly CapacityProviderStrategyItem[] | undefined;
}

/**
 * Facts: ECS API reference, CreateService and RunTask, launchType and capacityProviderStrategy.
 * @throws AwsError `InvalidParameterException`
 */
export function decideLaunch(
  { launchType, capacityProviderStrategy: asked = [] }: LaunchRequest,
  cluster: ClusterSummary,
): Pick<ServiceRevision, 'launchType' | 'capacityProviderStrategy'> {
  if (launchType !== undefined && asked.length > 0)
    throw invalidParameter(
      'Specifying both a launch type and capacity provider strategy is not supported. Remove one and try again.',
    );
  if (launchType !== undefined) return { launchType, capacityProviderStrategy: [] };
  const inherited = cluster.defaultCapacityProviderStrategy;
  const strategy = asked.length > 0 ? asked : isStrategy(inherited) ? inherited : [];
  return {
    launchType: strategy.length > 0 ? undefined : 'EC2',
    // The control plane's items lack what was not set.
    capacityProviderStrategy: strategy.map(({ capacityProvider, weight = 0, base = 0 }) => ({
      ...{ capacityProvider, weight, base },
    })),
  };
}

type PartialItem = Pick<CapacityProviderStrategyItem, 'capacityProvider'> &
  Partial<CapacityProviderStrategyItem>;

function isStrategy(value: unknown): value is readonly PartialItem[] {
  return Array.isArray(value) && value.every((item) => typeof item?.capacityProvider === 'string');
}
