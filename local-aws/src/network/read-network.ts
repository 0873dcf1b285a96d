/** Reads what EC2 and ELBv2 answer about security groups, routes and endpoints. Pure. */
import { findElement, listAt, readXml, textAt, type XmlElement } from '../gateway/xml.ts';
import type { IngressRule, Route } from './decide-reach.ts';

/** Rules of all groups in an answer of DescribeSecurityGroups, by group id. */
export function readIngressRules(xml: string): ReadonlyMap<string, readonly IngressRule[]> {
  return new Map(
    listAt(readXml(xml), 'securityGroupInfo').map((group) => [
      textAt(group, 'groupId') ?? '',
      listAt(group, 'ipPermissions').map(readRule),
    ]),
  );
}

function readRule(permission: XmlElement): IngressRule {
  const texts = (list: string, field: string): readonly string[] =>
    listAt(permission, list).flatMap((item) => textAt(item, field) ?? []);
  return {
    protocol: textAt(permission, 'ipProtocol') ?? '-1',
    fromPort: numberAt(permission, 'fromPort'),
    toPort: numberAt(permission, 'toPort'),
    groups: texts('groups', 'groupId'),
    cidrs: texts('ipRanges', 'cidrIp'),
    prefixLists: texts('prefixListIds', 'prefixListId'),
  };
}

function numberAt(element: XmlElement, name: string): number | undefined {
  const text = textAt(element, name);
  return text === undefined ? undefined : Number(text);
}

/**
 * The routes of a subnet: of the table that it is associated with, else of the VPC's main table.
 * @returns undefined when the answer of DescribeRouteTables holds neither
 */
export function readRoutes(xml: string, subnetId: string): readonly Route[] | undefined {
  const tables = listAt(readXml(xml), 'routeTableSet');
  const associated = (name: string, value: string) =>
    tables.find((table) =>
      listAt(table, 'associationSet').some((association) => textAt(association, name) === value),
    );
  const table = associated('subnetId', subnetId) ?? associated('main', 'true');
  return table && listAt(table, 'routeSet').map(readRoute);
}

const ROUTE_TARGETS = [
  'gatewayId',
  'natGatewayId',
  'networkInterfaceId',
  'instanceId',
  'transitGatewayId',
  'vpcPeeringConnectionId',
  'localGatewayId',
];

function readRoute(route: XmlElement): Route {
  const blackhole = textAt(route, 'state') === 'blackhole';
  const target = ROUTE_TARGETS.map((name) => textAt(route, name)).find((id) => id !== undefined);
  return { destination: textAt(route, 'destinationCidrBlock') ?? '', target: blackhole ? undefined : target };
}

/** Service names of the interface endpoints in an answer of DescribeVpcEndpoints. */
export function readInterfaceEndpoints(xml: string): readonly string[] {
  return listAt(readXml(xml), 'vpcEndpointSet')
    .filter((endpoint) => textAt(endpoint, 'vpcEndpointType') === 'Interface')
    .flatMap((endpoint) => textAt(endpoint, 'serviceName') ?? []);
}

/** Security groups and subnets of the first load balancer in an answer of DescribeLoadBalancers. */
export function readBalancerPlace(
  xml: string,
): { readonly groups: readonly string[]; readonly subnets: readonly string[] } | undefined {
  const result = findElement(readXml(xml), 'DescribeLoadBalancersResult');
  const [balancer] = listAt(result, 'LoadBalancers');
  if (balancer === undefined) return undefined;
  return {
    groups: listAt(balancer, 'SecurityGroups').map(({ text }) => text),
    subnets: listAt(balancer, 'AvailabilityZones').flatMap((zone) => textAt(zone, 'SubnetId') ?? []),
  };
}
