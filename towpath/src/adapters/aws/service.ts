/** An environment's ECS service and load balancer as they are right now: a look, and the changes that Terraform can't make. */
import { environmentNames } from '../../domain/names.ts';
import type { Environment, Project } from '../../domain/project.ts';
import type { TargetView } from '../../domain/rollout.ts';
import type { ServicePort } from '../../ports.ts';
import { callAws, callAwsOrAbsent } from './errors.ts';
import { probe } from './probe.ts';
import { loadSettings } from './service-settings.ts';
import { renderSnapshot } from './service-snapshot.ts';
import { NO_SERVICE, tasksOfService } from './service-tasks.ts';
import type { Session } from './session.ts';
import { describeDefinition, logStreamOf } from './task-log.ts';

/** Lines in one GetLogEvents answer (CloudWatch Logs API reference). */
const MAX_LOG_LINES = 10_000;

export interface ServiceOptions {
  readonly session: Session;
  readonly project: Project;
  readonly environment: Environment;
}

interface LoadBalancer {
  readonly arn: string;
  readonly url: string;
}

export function createService(options: ServiceOptions): ServicePort {
  const { session, project, environment } = options;
  const names = environmentNames(project.name, environment.name);

  return {
    async snapshot() {
      const [service, running, stopped, loadBalancer] = await Promise.all([
        describeService(),
        tasksOfService(session, names, 'RUNNING'),
        tasksOfService(session, names, 'STOPPED'),
        findLoadBalancer(session, names.loadBalancer),
      ]);
      if (service === undefined || service.status === 'INACTIVE') return undefined;
      const groups = (service.loadBalancers ?? []).flatMap(({ targetGroupArn }) => targetGroupArn ?? []);
      const targets = (await Promise.all(groups.map((arn) => targetsOf(session, arn)))).flat();
      return renderSnapshot({
        service,
        running,
        stopped,
        targets,
        url: loadBalancer?.url,
        containerName: project.application,
      });
    },
    async settings(taskDefinition) {
      const [service, definition] = await Promise.all([
        describeService(),
        describeDefinition(session, taskDefinition),
      ]);
      const containerName = project.application;
      return loadSettings(session, { environment: environment.name, service, definition, containerName });
    },
    async taskLog(taskId, lines) {
      const stream = await logStreamOf(session, project, environment, taskId);
      const answer = await callAwsOrAbsent(
        session,
        'logs:GetLogEvents',
        ['ResourceNotFoundException'],
        async () => {
          const { GetLogEventsCommand } = await import('@aws-sdk/client-cloudwatch-logs');
          return (await session.logs()).send(
            new GetLogEventsCommand({
              ...stream,
              limit: Math.min(lines, MAX_LOG_LINES),
              startFromHead: false,
            }),
          );
        },
      );
      return (answer?.events ?? []).slice(-lines).map(({ message }) => (message ?? '').trimEnd());
    },
    probe,
    async retireTaskDefinitions() {
      const arns = await activeTaskDefinitions();
      await Promise.all(arns.map((arn) => deregister(arn)));
      return arns.length;
    },
    async startAnew() {
      await callAws(session, 'ecs:UpdateService', async () => {
        const { UpdateServiceCommand } = await import('@aws-sdk/client-ecs');
        return (await session.ecs()).send(
          new UpdateServiceCommand({
            cluster: names.cluster,
            service: names.service,
            forceNewDeployment: true,
          }),
        );
      });
    },
    async disableDeletionProtection() {
      const found = await findLoadBalancer(session, names.loadBalancer);
      if (found === undefined) return;
      await callAws(session, 'elasticloadbalancing:ModifyLoadBalancerAttributes', async () => {
        const { ModifyLoadBalancerAttributesCommand } = await import(
          '@aws-sdk/client-elastic-load-balancing-v2'
        );
        return (await session.loadBalancing()).send(
          new ModifyLoadBalancerAttributesCommand({
            LoadBalancerArn: found.arn,
            Attributes: [{ Key: 'deletion_protection.enabled', Value: 'false' }],
          }),
        );
      });
    },
  };

  /** Of the family alone: `familyPrefix` also finds families that only begin like it. */
  async function activeTaskDefinitions(): Promise<readonly string[]> {
    const answer = await callAws(session, 'ecs:ListTaskDefinitions', async () => {
      const { ListTaskDefinitionsCommand } = await import('@aws-sdk/client-ecs');
      return (await session.ecs()).send(
        new ListTaskDefinitionsCommand({ familyPrefix: names.taskFamily, status: 'ACTIVE' }),
      );
    });
    return (answer.taskDefinitionArns ?? []).filter(
      (arn) => arn.split('/').at(-1)?.split(':')[0] === names.taskFamily,
    );
  }

  async function deregister(taskDefinition: string): Promise<void> {
    await callAws(session, 'ecs:DeregisterTaskDefinition', async () => {
      const { DeregisterTaskDefinitionCommand } = await import('@aws-sdk/client-ecs');
      return (await session.ecs()).send(new DeregisterTaskDefinitionCommand({ taskDefinition }));
    });
  }

  async function describeService() {
    const answer = await callAwsOrAbsent(session, 'ecs:DescribeServices', NO_SERVICE, async () => {
      const { DescribeServicesCommand } = await import('@aws-sdk/client-ecs');
      return (await session.ecs()).send(
        new DescribeServicesCommand({ cluster: names.cluster, services: [names.service] }),
      );
    });
    return answer?.services?.[0];
  }
}

async function findLoadBalancer(session: Session, name: string): Promise<LoadBalancer | undefined> {
  const answer = await callAwsOrAbsent(
    session,
    'elasticloadbalancing:DescribeLoadBalancers',
    ['LoadBalancerNotFound', 'LoadBalancerNotFoundException'],
    async () => {
      const { DescribeLoadBalancersCommand } = await import('@aws-sdk/client-elastic-load-balancing-v2');
      return (await session.loadBalancing()).send(new DescribeLoadBalancersCommand({ Names: [name] }));
    },
  );
  const found = answer?.LoadBalancers?.[0];
  if (found?.LoadBalancerArn === undefined || found.DNSName === undefined) return undefined;
  const arn = found.LoadBalancerArn;
  const listeners = await callAwsOrAbsent(
    session,
    'elasticloadbalancing:DescribeListeners',
    ['LoadBalancerNotFound', 'LoadBalancerNotFoundException'],
    async () => {
      const { DescribeListenersCommand } = await import('@aws-sdk/client-elastic-load-balancing-v2');
      return (await session.loadBalancing()).send(new DescribeListenersCommand({ LoadBalancerArn: arn }));
    },
  );
  const secure = (listeners?.Listeners ?? []).some(
    ({ Port, Protocol }) => Port === 443 && Protocol === 'HTTPS',
  );
  return { arn, url: `${secure ? 'https' : 'http'}://${found.DNSName}` };
}

async function targetsOf(session: Session, TargetGroupArn: string): Promise<readonly TargetView[]> {
  const answer = await callAwsOrAbsent(
    session,
    'elasticloadbalancing:DescribeTargetHealth',
    ['TargetGroupNotFound', 'TargetGroupNotFoundException'],
    async () => {
      const { DescribeTargetHealthCommand } = await import('@aws-sdk/client-elastic-load-balancing-v2');
      return (await session.loadBalancing()).send(new DescribeTargetHealthCommand({ TargetGroupArn }));
    },
  );
  return (answer?.TargetHealthDescriptions ?? []).map(({ Target, TargetHealth }) => ({
    id: Target?.Id ?? '',
    port: Target?.Port ?? 0,
    state: TargetHealth?.State ?? 'unknown',
    reason: TargetHealth?.Reason,
    description: TargetHealth?.Description,
  }));
}
