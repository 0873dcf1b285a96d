/**
 * What the configuration in AWS says about a service, for the explanation of a failure: task definition, target group,
 * security groups. What can't be read is left out; an explanation must not fail for it.
 */
import type { Service, TaskDefinition } from '@aws-sdk/client-ecs';
import type { IngressView, ServiceSettings } from '../../domain/explanation.ts';
import { queryEc2 } from './ec2-query.ts';
import { callAws } from './errors.ts';
import type { Session } from './session.ts';

export interface SettingsInput {
  readonly environment: string;
  readonly service: Service | undefined;
  readonly definition: TaskDefinition | undefined;
  /** The container that counts, beside sidecars. */
  readonly containerName: string;
}

export async function loadSettings(session: Session, input: SettingsInput): Promise<ServiceSettings> {
  const { service } = input;
  const [targetGroupArn] = (service?.loadBalancers ?? []).flatMap((binding) => binding.targetGroupArn ?? []);
  const group =
    targetGroupArn === undefined ? undefined : await orNothing(loadGroup(session, targetGroupArn));
  const taskGroups = service?.networkConfiguration?.awsvpcConfiguration?.securityGroups ?? [];
  const [balancerArn] = group?.LoadBalancerArns ?? [];
  const network =
    balancerArn === undefined || taskGroups.length === 0
      ? undefined
      : await orNothing(loadNetwork(session, taskGroups, balancerArn));
  return { ...renderSettings(input), healthCheck: group && renderHealthCheck(group), network };
}

/** The part that needs no further call. */
function renderSettings({ environment, service, definition, containerName }: SettingsInput) {
  const containers = definition?.containerDefinitions ?? [];
  const container = containers.find(({ name }) => name === containerName) ?? containers[0];
  const binding = service?.loadBalancers?.find(({ containerName: name }) => name === container?.name);
  const memory = container?.memory ?? definition?.memory;
  return {
    environment,
    container: container && {
      image: container.image ?? '',
      port: binding?.containerPort ?? container.portMappings?.[0]?.containerPort,
      architecture: definition?.runtimePlatform?.cpuArchitecture ?? 'X86_64',
      memoryMb: memory === undefined ? undefined : Number(memory),
      logGroup: container.logConfiguration?.options?.['awslogs-group'],
    },
    executionRole: definition?.executionRoleArn?.split('/').at(-1),
    graceSeconds: service?.healthCheckGracePeriodSeconds ?? 0,
    minimumHealthyPercent: service?.deploymentConfiguration?.minimumHealthyPercent ?? 100,
    maximumPercent: service?.deploymentConfiguration?.maximumPercent ?? 200,
    capacityProviders: (service?.capacityProviderStrategy ?? []).flatMap(
      ({ capacityProvider }) => capacityProvider ?? [],
    ),
  };
}

async function loadGroup(session: Session, arn: string) {
  const answer = await callAws(session, 'elasticloadbalancing:DescribeTargetGroups', async () => {
    const { DescribeTargetGroupsCommand } = await import('@aws-sdk/client-elastic-load-balancing-v2');
    return (await session.loadBalancing()).send(new DescribeTargetGroupsCommand({ TargetGroupArns: [arn] }));
  });
  return answer.TargetGroups?.[0];
}

function renderHealthCheck(group: NonNullable<Awaited<ReturnType<typeof loadGroup>>>) {
  return {
    path: group.HealthCheckPath ?? '/',
    timeoutSeconds: group.HealthCheckTimeoutSeconds ?? 5,
    intervalSeconds: group.HealthCheckIntervalSeconds ?? 30,
    unhealthyThreshold: group.UnhealthyThresholdCount ?? 2,
    matcher: group.Matcher?.HttpCode ?? '200',
  };
}

async function loadNetwork(session: Session, taskGroups: readonly string[], balancerArn: string) {
  const [balancer, xml] = await Promise.all([
    callAws(session, 'elasticloadbalancing:DescribeLoadBalancers', async () => {
      const { DescribeLoadBalancersCommand } = await import('@aws-sdk/client-elastic-load-balancing-v2');
      return (await session.loadBalancing()).send(
        new DescribeLoadBalancersCommand({ LoadBalancerArns: [balancerArn] }),
      );
    }),
    queryEc2(
      session,
      'DescribeSecurityGroups',
      Object.fromEntries(taskGroups.map((id, index) => [`GroupId.${index + 1}`, id])),
    ),
  ]);
  const balancerGroups = balancer.LoadBalancers?.[0]?.SecurityGroups ?? [];
  return { taskGroups, balancerGroups, ingress: readIngress(xml) };
}

/**
 * The inbound rules in an answer of DescribeSecurityGroups. Lists of EC2 are `<item>`s that hold lists themselves, so
 * the text is walked with its depth rather than matched.
 */
export function readIngress(xml: string): readonly IngressView[] {
  return elements(xml, 'ipPermissions').flatMap((list) =>
    items(list).map((rule) => {
      const texts = (list: string, field: string) =>
        elements(rule, list).flatMap((text) => elements(text, field));
      const number = (name: string) => {
        const [text] = elements(rule, name);
        return text === undefined ? undefined : Number(text);
      };
      return {
        protocol: elements(rule, 'ipProtocol')[0] ?? '-1',
        fromPort: number('fromPort'),
        toPort: number('toPort'),
        groups: texts('groups', 'groupId'),
        ranges: [
          ...texts('ipRanges', 'cidrIp'),
          ...texts('ipv6Ranges', 'cidrIpv6'),
          ...texts('prefixListIds', 'prefixListId'),
        ],
      };
    }),
  );
}

/** Contents of all elements of a name; none of the names that are asked for holds another of its own name. */
function elements(xml: string, name: string): readonly string[] {
  return [...xml.matchAll(new RegExp(`<${name}>([\\s\\S]*?)</${name}>`, 'g'))].map(
    ([, content]) => content ?? '',
  );
}

/** The outermost `<item>`s. */
function items(xml: string): readonly string[] {
  const found: string[] = [];
  let depth = 0;
  let start = 0;
  for (const match of xml.matchAll(/<(\/?)item>/g)) {
    const opens = match[1] === '';
    if (opens && depth === 0) start = match.index + match[0].length;
    depth += opens ? 1 : -1;
    if (!opens && depth === 0) found.push(xml.slice(start, match.index));
  }
  return found;
}

async function orNothing<T>(reading: Promise<T>): Promise<T | undefined> {
  return reading.catch(() => undefined);
}
