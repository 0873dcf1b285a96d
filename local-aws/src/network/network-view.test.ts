import { describe, expect, it } from 'vitest';
import type { ControlPlane } from '../contract.ts';
import { admits, covers, hasWayOut, type IngressRule } from './decide-reach.ts';
import { createNetworkView } from './network-view.ts';
import { noticeWrites } from './notice-writes.ts';
import { readInterfaceEndpoints, readRoutes } from './read-network.ts';

const rule = (changes: Partial<IngressRule>): IngressRule => ({
  protocol: 'tcp',
  fromPort: 5000,
  toPort: 5000,
  groups: [],
  cidrs: [],
  prefixLists: [],
  ...changes,
});
const balancer = { groups: ['sg-alb'], cidrs: ['10.0.1.0/24'] };

describe('admits', () => {
  it.each<[string, IngressRule[], boolean]>([
    ['no rule', [], false],
    ['the group of the load balancer', [rule({ groups: ['sg-alb'] })], true],
    ['another group', [rule({ groups: ['sg-other'] })], false],
    ['another port', [rule({ groups: ['sg-alb'], fromPort: 8080, toPort: 8080 })], false],
    ['a range of ports', [rule({ groups: ['sg-alb'], fromPort: 1024, toPort: 65535 })], true],
    ['another protocol', [rule({ groups: ['sg-alb'], protocol: 'udp' })], false],
    [
      'all protocols',
      [rule({ groups: ['sg-alb'], protocol: '-1', fromPort: undefined, toPort: undefined })],
      true,
    ],
    ['the whole world', [rule({ cidrs: ['0.0.0.0/0'] })], true],
    ['the subnets of the load balancer', [rule({ cidrs: ['10.0.0.0/16'] })], true],
    ['other addresses', [rule({ cidrs: ['192.168.0.0/16'] })], false],
    ['a prefix list', [rule({ prefixLists: ['pl-1'] })], true],
  ])('%s', (_, rules, expected) => {
    expect(admits(rules, 5000, balancer)).toBe(expected);
  });

  it.each([
    ['10.0.0.0/16', '10.0.255.0/24', true],
    ['10.0.1.0/24', '10.0.0.0/16', false],
    ['10.1.0.0/16', '10.0.1.0/24', false],
    ['10.0.1.7', '10.0.1.7/32', true],
    ['::/0', '10.0.1.0/24', false],
  ])('%s covers %s: %s', (outer, inner, expected) => {
    expect(covers(outer, inner)).toBe(expected);
  });
});

it.each([
  ['nothing but the VPC', [{ destination: '10.0.0.0/16', target: 'local' }], false, false],
  ['NAT', [{ destination: '0.0.0.0/0', target: 'nat-1' }], false, true],
  [
    'internet gateway without a public address',
    [{ destination: '0.0.0.0/0', target: 'igw-1' }],
    false,
    false,
  ],
  ['internet gateway with a public address', [{ destination: '0.0.0.0/0', target: 'igw-1' }], true, true],
  ['a blackhole', [{ destination: '0.0.0.0/0', target: undefined }], true, false],
])('a way out by %s', (_, routes, publicIp, expected) => {
  expect(hasWayOut(routes, publicIp)).toBe(expected);
});

const tables = (associations: string, routes: string) =>
  `<DescribeRouteTablesResponse><routeTableSet>
    <item><associationSet><item><main>true</main></item></associationSet><routeSet><item><destinationCidrBlock>10.0.0.0/16</destinationCidrBlock><gatewayId>local</gatewayId></item></routeSet></item>
    <item><associationSet>${associations}</associationSet><routeSet>${routes}</routeSet></item>
  </routeTableSet></DescribeRouteTablesResponse>`;
const NAT =
  '<item><destinationCidrBlock>0.0.0.0/0</destinationCidrBlock><natGatewayId>nat-1</natGatewayId><state>active</state></item>';

it("reads a subnet's own routes, else those of the main table", () => {
  const xml = tables('<item><subnetId>subnet-a</subnetId><main>false</main></item>', NAT);
  expect(readRoutes(xml, 'subnet-a')).toEqual([{ destination: '0.0.0.0/0', target: 'nat-1' }]);
  expect(readRoutes(xml, 'subnet-b')).toEqual([{ destination: '10.0.0.0/16', target: 'local' }]);
  expect(readRoutes('<r><routeTableSet/></r>', 'subnet-a')).toBeUndefined();
});

it('tells interface endpoints from gateway endpoints', () => {
  const endpoint = (type: string, name: string) =>
    `<item><vpcEndpointType>${type}</vpcEndpointType><serviceName>${name}</serviceName></item>`;
  const xml = `<r><vpcEndpointSet>${endpoint('Gateway', 's3')}${endpoint('Interface', 'ecr.api')}</vpcEndpointSet></r>`;
  expect(readInterfaceEndpoints(xml)).toEqual(['ecr.api']);
});

describe('the network view', () => {
  const place = { loadBalancerArn: 'arn:lb', securityGroups: ['sg-task'], port: 5000 };
  function world() {
    const state = { group: 'sg-other', calls: 0, broken: false };
    const control: ControlPlane = {
      region: 'us-east-1',
      accountId: '123456789012',
      json: () => Promise.reject(new Error('not asked')),
      async query(_service, action) {
        state.calls += 1;
        if (state.broken) throw new Error('the control plane is gone');
        if (action === 'DescribeLoadBalancers')
          return '<DescribeLoadBalancersResponse><DescribeLoadBalancersResult><LoadBalancers><member><SecurityGroups><member>sg-alb</member></SecurityGroups><AvailabilityZones><member><SubnetId>subnet-p</SubnetId></member></AvailabilityZones></member></LoadBalancers></DescribeLoadBalancersResult></DescribeLoadBalancersResponse>';
        return `<DescribeSecurityGroupsResponse><securityGroupInfo><item><groupId>sg-task</groupId><ipPermissions><item><ipProtocol>tcp</ipProtocol><fromPort>5000</fromPort><toPort>5000</toPort><groups><item><groupId>${state.group}</groupId></item></groups><ipRanges/></item></ipPermissions></item></securityGroupInfo></DescribeSecurityGroupsResponse>`;
      },
    };
    const logs: string[] = [];
    const view = createNetworkView({
      control,
      cidrsOf: async () => ['10.0.1.0/24'],
      log: (line) => logs.push(line),
    });
    return { state, view, logs };
  }

  it('keeps an answer until the network changes', async () => {
    const { state, view } = world();
    expect(await view.admits(place)).toBe(false);
    state.group = 'sg-alb';
    expect(await view.admits(place)).toBe(false);
    expect(state.calls).toBe(2);
    view.changed();
    expect(view.admitsNow(place)).toBe(false);
    expect(await view.admits(place)).toBe(true);
    expect(view.admitsNow(place)).toBe(true);
  });

  it('takes for open what it can not read, and says so', async () => {
    const { state, view, logs } = world();
    state.broken = true;
    expect(await view.admits(place)).toBe(true);
    expect(logs.join()).toContain('the control plane is gone; taken for open');
  });

  it('asks nothing for a task without security groups', async () => {
    const { state, view } = world();
    expect(await view.admits({ ...place, securityGroups: [] })).toBe(true);
    expect(state.calls).toBe(0);
  });
});

it('notices writes after they are done, and no reads', async () => {
  const order: string[] = [];
  const overlay = noticeWrites({ service: 'ec2', handle: async () => undefined }, () =>
    order.push('changed'),
  );
  const request = (action: string) => ({ action }) as Parameters<typeof overlay.handle>[0];
  const forward = async () => {
    order.push('forwarded');
    return { status: 200, headers: {}, body: '' };
  };
  expect(await overlay.handle(request('DescribeVpcs'), forward)).toBeUndefined();
  expect(order).toEqual([]);
  expect(await overlay.handle(request('AuthorizeSecurityGroupIngress'), forward)).toMatchObject({
    status: 200,
  });
  expect(order).toEqual(['forwarded', 'changed']);
});
