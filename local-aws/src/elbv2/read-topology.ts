/**
 * Reads moto's XML about load balancers, listeners and target groups into the wiring that the load balancer needs. Pure.
 * Listener rules are not part of the wiring: every request takes a listener's default action.
 */
import type { ListenerAction, ListenerWiring, LoadBalancerWiring, TargetGroupConfig } from '../contract.ts';
import { listAt, readXml, textAt, type XmlElement } from '../gateway/xml.ts';

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
): LoadBalancerWiring {
  const listeners = listAt(readXml(listenersXml), 'DescribeListenersResult', 'Listeners');
  return {
    arn: listed.arn,
    name: listed.name,
    idleTimeoutSeconds: numberOr(attributes.get('idle_timeout.timeout_seconds'), defaultIdleTimeoutSeconds),
    listeners: listeners.flatMap((member) => readListener(member) ?? []),
  };
}

/** @returns undefined for listeners that are not HTTP: network load balancers carry no traffic here */
function readListener(member: XmlElement): ListenerWiring | undefined {
  const protocol = textAt(member, 'Protocol');
  if (protocol !== 'HTTP' && protocol !== 'HTTPS') return undefined;
  const actions = [...listAt(member, 'DefaultActions')].sort(
    (a, b) => numberOr(textAt(a, 'Order'), 0) - numberOr(textAt(b, 'Order'), 0),
  );
  return {
    arn: required(member, 'ListenerArn'),
    port: numberOr(textAt(member, 'Port'), 80),
    protocol,
    // The last action routes; those before it authenticate, which needs an identity provider.
    defaultAction: readAction(actions.at(-1)),
  };
}

export function readAction(action: XmlElement | undefined): ListenerAction {
  switch (textAt(action, 'Type')) {
    case 'redirect': {
      const at = (name: string) => textAt(action, 'RedirectConfig', name);
      return {
        type: 'redirect',
        statusCode: at('StatusCode') === 'HTTP_301' ? 301 : 302,
        protocol: at('Protocol') ?? '#{protocol}',
        port: at('Port') ?? '#{port}',
        host: at('Host') ?? '#{host}',
        path: at('Path') ?? '/#{path}',
        query: at('Query') ?? '#{query}',
      };
    }
    case 'fixed-response': {
      const at = (name: string) => textAt(action, 'FixedResponseConfig', name);
      return {
        type: 'fixed-response',
        statusCode: numberOr(at('StatusCode'), 503),
        contentType: at('ContentType') ?? 'text/plain',
        body: at('MessageBody') ?? '',
      };
    }
    default:
      return { type: 'forward', targets: readForwardTargets(action) };
  }
}

function readForwardTargets(action: XmlElement | undefined): { targetGroupArn: string; weight: number }[] {
  const weighted = listAt(action, 'ForwardConfig', 'TargetGroups').map((member) => ({
    targetGroupArn: required(member, 'TargetGroupArn'),
    weight: numberOr(textAt(member, 'Weight'), 1),
  }));
  const single = textAt(action, 'TargetGroupArn');
  return weighted.length === 0 && single !== undefined ? [{ targetGroupArn: single, weight: 1 }] : weighted;
}

export interface ListedTargetGroup {
  readonly arn: string;
  readonly port: number;
  readonly targetType: string;
  /** Everything but the attributes, which are listed on their own. */
  readonly config: Omit<TargetGroupConfig, 'deregistrationDelaySeconds'>;
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
  return { ...listed.config, deregistrationDelaySeconds: numberOr(delay, defaultDeregistrationDelaySeconds) };
}

function required(element: XmlElement, name: string): string {
  const text = textAt(element, name);
  if (text === undefined) throw new Error(`the control plane's answer has no ${name} in ${element.name}`);
  return text;
}

function numberOr(text: string | undefined, fallback: number): number {
  const value = Number(text);
  return text === undefined || text === '' || !Number.isFinite(value) ? fallback : value;
}
