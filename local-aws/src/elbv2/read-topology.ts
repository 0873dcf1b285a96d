/**
 * Reads moto's XML about load balancers, listeners and target groups into the wiring that the load balancer needs. Pure.
 */
import type { ListenerRule, ListenerWiring, LoadBalancerWiring, TargetGroupConfig } from '../contract.ts';
import { listAt, readXml, textAt, type XmlElement } from '../gateway/xml.ts';
import { numberOr, readRoutingAction, required } from './read-action.ts';
import { readRules } from './read-rules.ts';

const defaultIdleTimeoutSeconds = 60;
const defaultDeregistrationDelaySeconds = 300;

export type Attributes = ReadonlyMap<string, string>;

export function readAttributes(xml: string): Attributes {
  const document = readXml(xml);
  const result = document.children.find(({ name }) => name.endsWith('Result'));
  return new Map(
    listAt(result, 'Attributes').map((member) => [
      textAt(member, 'Key') ?? '',
      textAt(member, 'Value') ?? '',
    ]),
  );
}

export interface ListedLoadBalancer {
  readonly arn: string;
  readonly name: string;
  readonly dnsName: string;
  readonly type: string;
}

/** Also reads the answer of CreateLoadBalancer, which has the same list. */
export function readLoadBalancers(xml: string): ListedLoadBalancer[] {
  const result = readXml(xml).children.find(({ name }) => name.endsWith('Result'));
  return listAt(result, 'LoadBalancers').map((member) => ({
    arn: required(member, 'LoadBalancerArn'),
    name: required(member, 'LoadBalancerName'),
    dnsName: textAt(member, 'DNSName') ?? '',
    type: textAt(member, 'Type') ?? 'application',
  }));
}

export function readLoadBalancer(
  listed: ListedLoadBalancer,
  attributes: Attributes,
  listenersXml: string,
  rulesXml: ReadonlyMap<string, string> = new Map(),
): LoadBalancerWiring {
  return {
    arn: listed.arn,
    name: listed.name,
    idleTimeoutSeconds: numberOr(attributes.get('idle_timeout.timeout_seconds'), defaultIdleTimeoutSeconds),
    listeners: listenersOf(listenersXml).flatMap((member) => {
      const xml = rulesXml.get(textAt(member, 'ListenerArn') ?? '');
      return readListener(member, xml === undefined ? [] : readRules(xml)) ?? [];
    }),
    ...(attributes.get('access_logs.s3.enabled') === 'true' && {
      accessLogs: {
        bucket: attributes.get('access_logs.s3.bucket') ?? '',
        prefix: attributes.get('access_logs.s3.prefix') ?? '',
      },
    }),
  };
}

/** ARNs of the listeners in an answer of DescribeListeners. */
export function readListenerArns(listenersXml: string): string[] {
  return listenersOf(listenersXml).map((member) => required(member, 'ListenerArn'));
}

function listenersOf(xml: string): readonly XmlElement[] {
  return listAt(readXml(xml), 'DescribeListenersResult', 'Listeners');
}

/** @returns undefined for listeners that are not HTTP: network load balancers carry no traffic here */
function readListener(member: XmlElement, rules: readonly ListenerRule[]): ListenerWiring | undefined {
  const protocol = textAt(member, 'Protocol');
  if (protocol !== 'HTTP' && protocol !== 'HTTPS') return undefined;
  return {
    arn: required(member, 'ListenerArn'),
    port: numberOr(textAt(member, 'Port'), 80),
    protocol,
    defaultAction: readRoutingAction(listAt(member, 'DefaultActions')),
    ...(rules.length > 0 && { rules }),
  };
}

export interface ListedTargetGroup {
  readonly arn: string;
  readonly port: number;
  readonly targetType: string;
  /** Everything but the attributes, which are listed on their own. */
  readonly config: Omit<TargetGroupConfig, 'deregistrationDelaySeconds' | 'slowStartSeconds'>;
}

export function readTargetGroups(xml: string): ListedTargetGroup[] {
  const result = readXml(xml).children.find(({ name }) => name.endsWith('Result'));
  return listAt(result, 'TargetGroups').map((member) => {
    const seconds = (name: string, fallback: number) => numberOr(textAt(member, name), fallback);
    const arn = required(member, 'TargetGroupArn');
    const port = seconds('Port', 80);
    return {
      arn,
      port,
      targetType: textAt(member, 'TargetType') ?? 'instance',
      config: {
        arn,
        name: required(member, 'TargetGroupName'),
        port,
        healthCheck: {
          path: textAt(member, 'HealthCheckPath') ?? '/',
          intervalSeconds: seconds('HealthCheckIntervalSeconds', 30),
          timeoutSeconds: seconds('HealthCheckTimeoutSeconds', 5),
          healthyThreshold: seconds('HealthyThresholdCount', 5),
          unhealthyThreshold: seconds('UnhealthyThresholdCount', 2),
          matcher: textAt(member, 'Matcher', 'HttpCode') ?? '200',
        },
      },
    };
  });
}

export function readTargetGroup(listed: ListedTargetGroup, attributes: Attributes): TargetGroupConfig {
  const delay = attributes.get('deregistration_delay.timeout_seconds');
  const slowStart = numberOr(attributes.get('slow_start.duration_seconds'), 0);
  return {
    ...listed.config,
    deregistrationDelaySeconds: numberOr(delay, defaultDeregistrationDelaySeconds),
    ...(slowStart > 0 && { slowStartSeconds: slowStart }),
  };
}
