/**
 * Rebuilds the load balancer's wiring from moto. Refreshes never overlap, and callers that come
 * while one is running share the next.
 */
import type { ControlPlane, LoadBalancerTopology } from '../contract.ts';
import {
  readAttributes,
  readListenerArns,
  readLoadBalancer,
  readLoadBalancers,
  readTargetGroup,
  readTargetGroups,
} from './read-topology.ts';

const service = 'elasticloadbalancing';

export async function loadTopology(control: ControlPlane): Promise<LoadBalancerTopology> {
  const [balancersXml, groupsXml] = await Promise.all([
    control.query(service, 'DescribeLoadBalancers', {}),
    control.query(service, 'DescribeTargetGroups', {}),
  ]);
  const loadBalancers = readLoadBalancers(balancersXml)
    .filter(({ type }) => type === 'application')
    .map(async (listed) => {
      const where = { LoadBalancerArn: listed.arn };
      const [attributes, listeners] = await Promise.all([
        control.query(service, 'DescribeLoadBalancerAttributes', where),
        control.query(service, 'DescribeListeners', where),
      ]);
      const rules = await Promise.all(
        readListenerArns(listeners).map(async (ListenerArn) => {
          const xml = await control.query(service, 'DescribeRules', { ListenerArn });
          return [ListenerArn, xml] as const;
        }),
      );
      return readLoadBalancer(listed, readAttributes(attributes), listeners, new Map(rules));
    });
  const targetGroups = readTargetGroups(groupsXml).map(async (listed) => {
    const attributes = await control.query(service, 'DescribeTargetGroupAttributes', {
      TargetGroupArn: listed.arn,
    });
    return readTargetGroup(listed, readAttributes(attributes));
  });
  return { loadBalancers: await Promise.all(loadBalancers), targetGroups: await Promise.all(targetGroups) };
}

/** @returns a function whose promise resolves when a refresh that began after the call has ended */
export function createRefresher(refresh: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | undefined;
  let next: Promise<void> | undefined;
  const start = (): Promise<void> => {
    running = refresh().finally(() => {
      running = undefined;
    });
    return running;
  };
  return () => {
    if (running === undefined) return start();
    next ??= running
      .catch(() => undefined)
      .then(() => {
        next = undefined;
        return start();
      });
    return next;
  };
}
