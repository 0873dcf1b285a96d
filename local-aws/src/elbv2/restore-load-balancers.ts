/**
 * Brings the load balancers back at the start: their listeners on the ports that they had, and the targets that
 * were registered by the API. Those of ECS services come when their tasks run.
 */
import type { ControlPlane, LoadBalancerPlane, Target } from '../contract.ts';
import { listAt, readXml, textAt } from '../gateway/xml.ts';
import { dialAddress } from './elbv2-overlay.ts';
import { readTargetGroups } from './read-topology.ts';
import { loadTopology } from './topology-refresher.ts';

const service = 'elasticloadbalancing';

export async function restoreLoadBalancers(control: ControlPlane, plane: LoadBalancerPlane): Promise<void> {
  const topology = await loadTopology(control);
  if (topology.loadBalancers.length === 0 && topology.targetGroups.length === 0) return;
  await plane.apply(topology);
  const groups = readTargetGroups(await control.query(service, 'DescribeTargetGroups', {}));
  for (const { arn, targetType } of groups) {
    if (targetType !== 'ip') continue;
    const health = await control.query(service, 'DescribeTargetHealth', { TargetGroupArn: arn });
    const targets = readTargets(health);
    if (targets.length > 0) plane.register(arn, targets);
  }
}

function readTargets(xml: string): Target[] {
  const members = listAt(readXml(xml), 'DescribeTargetHealthResult', 'TargetHealthDescriptions');
  return members.flatMap((member) => {
    const id = textAt(member, 'Target', 'Id');
    const port = Number(textAt(member, 'Target', 'Port'));
    const zone = textAt(member, 'Target', 'AvailabilityZone') ?? 'all';
    return id === undefined ? [] : [{ id, port, zone, dial: { address: dialAddress(id), port } }];
  });
}
