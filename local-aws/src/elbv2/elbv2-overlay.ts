/**
 * The part of the ELBv2 API that must be true: addresses of load balancers lead to a real local port,
 * target health is what the health checks saw. moto keeps everything else, and each change reaches the load balancer.
 */
import {
  AwsError,
  type AwsRequest,
  type AwsResponse,
  type ControlPlane,
  type LoadBalancerPlane,
  type Overlay,
  type Target,
  type TargetHealth,
} from '../contract.ts';
import { queryAnswer } from '../gateway/aws-answer.ts';
import { escapeXml } from '../gateway/xml.ts';
import { type ListedTargetGroup, readLoadBalancers, readTargetGroups } from './read-topology.ts';
import { createRefresher, loadTopology } from './topology-refresher.ts';

const service = 'elasticloadbalancing';
const namespace = 'http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/';

const mutations: ReadonlySet<string> = new Set([
  'CreateLoadBalancer',
  'DeleteLoadBalancer',
  'ModifyLoadBalancerAttributes',
  'CreateListener',
  'ModifyListener',
  'DeleteListener',
  'CreateRule',
  'ModifyRule',
  'DeleteRule',
  'SetRulePriorities',
  'CreateTargetGroup',
  'ModifyTargetGroup',
  'ModifyTargetGroupAttributes',
  'DeleteTargetGroup',
]);

export interface Elbv2OverlayOptions {
  readonly control: ControlPlane;
  readonly plane: LoadBalancerPlane;
  readonly log: (line: string) => void;
}

export function createElbv2Overlay(options: Elbv2OverlayOptions): Overlay {
  const { control, plane, log } = options;
  const refresh = createRefresher(async () => {
    try {
      await plane.apply(await loadTopology(control));
    } catch (error) {
      // The API call itself has succeeded; the next change, or the next start, tries again.
      log(
        `load balancer: can't follow the control plane: ${error instanceof Error ? error.message : String(error)}`,
      );
    }
  });
  return {
    service,
    handle: async (request, forward) => {
      switch (request.action) {
        case 'DescribeLoadBalancers':
          return withLocalAddresses(plane, await forward());
        case 'DescribeTargetHealth':
          return describeTargetHealth(options, request, forward);
        case 'RegisterTargets':
          return registerTargets(options, request, forward);
        case 'DeregisterTargets':
          return deregisterTargets(options, request, forward);
      }
      if (!mutations.has(request.action)) return undefined;
      const answer = await forward();
      if (answer.status >= 300) return answer;
      await refresh();
      return request.action === 'CreateLoadBalancer' ? withLocalAddresses(plane, answer) : answer;
    },
  };
}

/** Puts `127.0.0.1:PORT` in the place of made-up host names; the port stays the same for a name. */
async function withLocalAddresses(plane: LoadBalancerPlane, answer: AwsResponse): Promise<AwsResponse> {
  if (answer.status >= 300) return answer;
  let xml = answer.body.toString();
  for (const { name, dnsName, type } of readLoadBalancers(xml)) {
    if (type !== 'application' || dnsName === '') continue;
    const address = `127.0.0.1:${await plane.reservePort(name)}`;
    xml = xml.replace(`<DNSName>${dnsName}</DNSName>`, `<DNSName>${address}</DNSName>`);
  }
  return { ...answer, body: xml };
}

async function describeTargetHealth(
  { plane }: Elbv2OverlayOptions,
  request: AwsRequest,
  forward: () => Promise<AwsResponse>,
): Promise<AwsResponse> {
  const form = request.form();
  const arn = form.get('TargetGroupArn') ?? '';
  const asked = readTargetList(form);
  // moto knows whether the target group exists; what it says of health is made up.
  const checked = await forward();
  if (checked.status >= 300) return checked;
  const known = plane.health(arn);
  const shown = asked.length === 0 ? known.map(showHealth) : asked.map((target) => showAsked(known, target));
  const list =
    shown.length === 0
      ? '<TargetHealthDescriptions/>'
      : `<TargetHealthDescriptions>${shown.join('')}</TargetHealthDescriptions>`;
  return queryAnswer('DescribeTargetHealth', namespace, list);
}

interface AskedTarget {
  readonly id: string;
  readonly port: number | undefined;
  readonly zone: string | undefined;
}

/** `Targets.member.1.Id=...&Targets.member.1.Port=...`, in order. */
export function readTargetList(form: URLSearchParams): AskedTarget[] {
  const targets: AskedTarget[] = [];
  for (let i = 1; form.has(`Targets.member.${i}.Id`); i += 1) {
    const port = form.get(`Targets.member.${i}.Port`);
    targets.push({
      id: form.get(`Targets.member.${i}.Id`) ?? '',
      port: port === null ? undefined : Number(port),
      zone: form.get(`Targets.member.${i}.AvailabilityZone`) ?? undefined,
    });
  }
  return targets;
}

function showAsked(known: readonly TargetHealth[], asked: AskedTarget): string {
  const found = known.find(
    ({ target }) => target.id === asked.id && (asked.port ?? target.port) === target.port,
  );
  if (found !== undefined) return showHealth(found);
  const port = asked.port === undefined ? '' : `<Port>${asked.port}</Port>`;
  return (
    `<member><Target><Id>${escapeXml(asked.id)}</Id>${port}</Target><TargetHealth><State>unused</State>` +
    '<Reason>Target.NotRegistered</Reason><Description>Target is not registered to the target group</Description>' +
    '</TargetHealth></member>'
  );
}

function showHealth({ target, state, reason, description }: TargetHealth): string {
  const optional = (name: string, text: string | undefined) =>
    text === undefined || text === '' ? '' : `<${name}>${escapeXml(text)}</${name}>`;
  return (
    `<member><Target><Id>${escapeXml(target.id)}</Id><Port>${target.port}</Port>` +
    `${optional('AvailabilityZone', target.zone)}</Target><HealthCheckPort>${target.port}</HealthCheckPort>` +
    `<TargetHealth><State>${state}</State>${optional('Reason', reason)}${optional('Description', description)}</TargetHealth></member>`
  );
}

async function registerTargets(
  { control, plane }: Elbv2OverlayOptions,
  request: AwsRequest,
  forward: () => Promise<AwsResponse>,
): Promise<AwsResponse> {
  const answer = await forward();
  if (answer.status >= 300) return answer;
  const group = await loadTargetGroup(control, request.form().get('TargetGroupArn') ?? '');
  // Instances and functions do not run here; moto remembers them.
  if (group.targetType !== 'ip') return answer;
  const targets = readTargetList(request.form()).map(({ id, port = group.port, zone = 'all' }): Target => {
    return { id, port, zone, dial: { address: dialAddress(id), port } };
  });
  plane.register(group.arn, targets);
  return answer;
}

async function deregisterTargets(
  { control, plane }: Elbv2OverlayOptions,
  request: AwsRequest,
  forward: () => Promise<AwsResponse>,
): Promise<AwsResponse> {
  const answer = await forward();
  if (answer.status >= 300) return answer;
  const group = await loadTargetGroup(control, request.form().get('TargetGroupArn') ?? '');
  const known = plane.health(group.arn);
  const leaving = readTargetList(request.form()).flatMap(({ id, port }) =>
    // Without a port all registrations of that address leave.
    known
      .filter(({ target }) => target.id === id && (port ?? target.port) === target.port)
      .map(({ target }) => target),
  );
  plane.deregister(group.arn, leaving);
  return answer;
}

async function loadTargetGroup(control: ControlPlane, arn: string): Promise<ListedTargetGroup> {
  const xml = await control.query(service, 'DescribeTargetGroups', { 'TargetGroupArns.member.1': arn });
  const [group] = readTargetGroups(xml);
  if (group === undefined) throw new AwsError('TargetGroupNotFound', `Target group '${arn}' not found`);
  return group;
}

/** Tasks listen on loopback: 10.2.101.7 is 127.2.101.7 here. */
export function dialAddress(privateIp: string): string {
  if (!/^\d{1,3}(?:\.\d{1,3}){3}$/.test(privateIp)) {
    throw new AwsError('ValidationError', `The IP address '${privateIp}' is not a valid IPv4 address`);
  }
  return privateIp.replace(/^\d+/, '127');
}
