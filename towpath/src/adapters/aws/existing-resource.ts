/**
 * By what `terraform import` knows a resource that exists already: from the values that were planned for it, where AWS
 * knows it by a name of ours, else by a look at what bears the name or the tags. Source: "Import" in each resource's documentation
 * of the AWS provider, 5.100.
 */
import { OWNER_TAGS } from '../../domain/names.ts';
import { queryEc2 } from './ec2-query.ts';
import { callAws } from './errors.ts';
import type { Session } from './session.ts';

/** Planned values of a resource, as `terraform show -json` gives them. */
export type PlannedValues = Readonly<Record<string, unknown>>;

/** What AWS has of a creation that was cut short. */
export interface ExistingResources {
  /** @returns undefined for types that have no name of ours, or when nothing bears it */
  find(type: string, values: PlannedValues): Promise<string | undefined>;
  /** Does what the provider does after AWS's answer, in calls of its own, and never looks at again. */
  finishCreation(type: string, id: string): Promise<void>;
}

type Find = (session: Session, values: PlannedValues) => Promise<string | undefined>;

const text = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' ? value : undefined;

/** Several values joined as the import wants them; undefined when one of them was not known when the plan was made. */
const joined =
  (separator: string, ...keys: readonly string[]): Find =>
  async (_session, values) => {
    const parts = keys.map((key) => text(values[key]));
    return parts.includes(undefined) ? undefined : parts.join(separator);
  };

const loadBalancer: Find = async (session, values) => {
  const name = text(values.name);
  if (name === undefined) return undefined;
  const answer = await callAws(session, 'elasticloadbalancing:DescribeLoadBalancers', async () => {
    const { DescribeLoadBalancersCommand } = await import('@aws-sdk/client-elastic-load-balancing-v2');
    return (await session.loadBalancing()).send(new DescribeLoadBalancersCommand({ Names: [name] }));
  });
  return answer.LoadBalancers?.[0]?.LoadBalancerArn;
};

const targetGroup: Find = async (session, values) => {
  const name = text(values.name);
  if (name === undefined) return undefined;
  const answer = await callAws(session, 'elasticloadbalancing:DescribeTargetGroups', async () => {
    const { DescribeTargetGroupsCommand } = await import('@aws-sdk/client-elastic-load-balancing-v2');
    return (await session.loadBalancing()).send(new DescribeTargetGroupsCommand({ Names: [name] }));
  });
  return answer.TargetGroups?.[0]?.TargetGroupArn;
};

const listener: Find = async (session, values) => {
  const loadBalancerArn = text(values.load_balancer_arn);
  if (loadBalancerArn === undefined) return undefined;
  const answer = await callAws(session, 'elasticloadbalancing:DescribeListeners', async () => {
    const { DescribeListenersCommand } = await import('@aws-sdk/client-elastic-load-balancing-v2');
    const command = new DescribeListenersCommand({ LoadBalancerArn: loadBalancerArn });
    return (await session.loadBalancing()).send(command);
  });
  return answer.Listeners?.find(({ Port }) => Port === values.port)?.ListenerArn;
};

/** Whose a resource is, and which of theirs. */
const IDENTIFYING_TAGS = [...OWNER_TAGS, 'Name'] as const;

/**
 * The one resource that bears all identifying tags that were planned for it.
 * @param pattern of the answer's XML, with the identifier as its first group
 */
const tagged =
  (action: string, pattern: RegExp, filters: Readonly<Record<string, readonly string[]>> = {}): Find =>
  async (session, values) => {
    const tags = (values.tags_all ?? {}) as Readonly<Record<string, unknown>>;
    if (IDENTIFYING_TAGS.some((tag) => text(tags[tag]) === undefined)) return undefined;
    const wanted = [
      ...IDENTIFYING_TAGS.map((tag) => [`tag:${tag}`, [String(tags[tag])]] as const),
      ...Object.entries(filters),
    ];
    const params = wanted.flatMap(([name, allowed], index) => [
      [`Filter.${index + 1}.Name`, name],
      ...allowed.map((value, at) => [`Filter.${index + 1}.Value.${at + 1}`, value]),
    ]);
    return pattern.exec(await queryEc2(session, action, Object.fromEntries(params)))?.[1];
  };

/** Rules of both directions may bear one name. */
const securityGroupRule = (isEgress: boolean): Find =>
  tagged(
    'DescribeSecurityGroupRules',
    new RegExp(`<securityGroupRuleId>([^<]+)<(?:(?!<securityGroupRuleId>)[\\s\\S])*<isEgress>${isEgress}<`),
  );

/**
 * AWS lets a new group send anything anywhere. The provider takes that rule away in a call of its own, which one that
 * was interrupted has not made: left there, it stands in the way of the rule that is planned, or opens more than that.
 * A rule of Terraform's bears tags.
 */
async function closeNewGroup(session: Session, group: string): Promise<void> {
  const rules = await queryEc2(session, 'DescribeSecurityGroupRules', {
    'Filter.1.Name': 'group-id',
    'Filter.1.Value.1': group,
  });
  const isAwsOwn = (rule: string) =>
    ['<isEgress>true<', '<ipProtocol>-1<', '<cidrIpv4>0.0.0.0/0<'].every((part) => rule.includes(part)) &&
    !rule.includes('<key>');
  if (rules.split('<securityGroupRuleId>').slice(1).some(isAwsOwn))
    await queryEc2(session, 'RevokeSecurityGroupEgress', {
      GroupId: group,
      'IpPermissions.1.IpProtocol': '-1',
      'IpPermissions.1.IpRanges.1.CidrIp': '0.0.0.0/0',
    });
}

/** The types of `infra/modules` that AWS refuses to create a second time, or creates a second time without a word. */
const FINDERS: Readonly<Record<string, Find>> = {
  aws_cloudwatch_log_group: joined('', 'name'),
  aws_ecs_service: async (_session, { cluster, name }) => {
    const [clusterName, service] = [text(cluster)?.split('/').at(-1), text(name)];
    return clusterName && service ? `${clusterName}/${service}` : undefined;
  },
  aws_eip: tagged('DescribeAddresses', /<allocationId>([^<]+)</),
  aws_flow_log: tagged('DescribeFlowLogs', /<flowLogId>([^<]+)</),
  aws_iam_role: joined('', 'name'),
  aws_internet_gateway: tagged('DescribeInternetGateways', /<internetGatewayId>([^<]+)</),
  aws_lb: loadBalancer,
  aws_lb_listener: listener,
  aws_lb_target_group: targetGroup,
  // Those that are gone are listed for an hour.
  aws_nat_gateway: tagged('DescribeNatGateways', /<natGatewayId>([^<]+)</, {
    state: ['pending', 'available'],
  }),
  aws_route: joined('_', 'route_table_id', 'destination_cidr_block'),
  aws_route_table_association: joined('/', 'subnet_id', 'route_table_id'),
  aws_route_table: tagged('DescribeRouteTables', /<routeTableId>([^<]+)</),
  aws_security_group: tagged('DescribeSecurityGroups', /<groupId>([^<]+)</),
  aws_subnet: tagged('DescribeSubnets', /<subnetId>([^<]+)</),
  aws_vpc: tagged('DescribeVpcs', /<vpcId>([^<]+)</),
  aws_vpc_endpoint: tagged('DescribeVpcEndpoints', /<vpcEndpointId>([^<]+)</, {
    'vpc-endpoint-state': ['pending', 'available'],
  }),
  aws_vpc_security_group_egress_rule: securityGroupRule(true),
  aws_vpc_security_group_ingress_rule: securityGroupRule(false),
};

export function createExistingResources(session: Session): ExistingResources {
  return {
    find: async (type, values) => FINDERS[type]?.(session, values),
    finishCreation: async (type, id) => {
      if (type === 'aws_security_group') await closeNewGroup(session, id);
    },
  };
}
