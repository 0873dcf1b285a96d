/** Tasks that run one command beside the service, with its definition, network and log. */
import type { Service } from '@aws-sdk/client-ecs';
import { TowpathError } from '../../domain/errors.ts';
import { environmentNames } from '../../domain/names.ts';
import type { Environment, Project } from '../../domain/project.ts';
import type { OneOffPort } from '../../ports.ts';
import { callAws, callAwsOrAbsent } from './errors.ts';
import { describeTasks, NO_SERVICE } from './service-tasks.ts';
import type { Session } from './session.ts';
import { type LogStream, logStreamOf } from './task-log.ts';

/** Lines in one GetLogEvents answer (CloudWatch Logs API reference). */
const MAX_LOG_LINES = 10_000;

export interface OneOffOptions {
  readonly session: Session;
  readonly project: Project;
  readonly environment: Environment;
}

export function createOneOff({ session, project, environment }: OneOffOptions): OneOffPort {
  const names = environmentNames(project.name, environment.name);
  const streams = new Map<string, LogStream>();
  return {
    async start(command) {
      const service = await describeService();
      if (service?.taskDefinition === undefined || service.status === 'INACTIVE') return undefined;
      return runTask(service, command);
    },
    async look(taskId) {
      const [task] = await describeTasks(session, names, [taskId]);
      if (task === undefined) return undefined;
      const containers = task.containers ?? [];
      const container = containers.find(({ name }) => name === project.application) ?? containers[0];
      return {
        status: task.lastStatus ?? '',
        exitCode: container?.exitCode,
        reason: container?.reason ?? task.stoppedReason,
      };
    },
    async log(taskId, cursor) {
      const stream = streams.get(taskId) ?? (await logStreamOf(session, project, environment, taskId));
      streams.set(taskId, stream);
      const answer = await callAwsOrAbsent(
        session,
        'logs:GetLogEvents',
        ['ResourceNotFoundException'],
        async () => {
          const { GetLogEventsCommand } = await import('@aws-sdk/client-cloudwatch-logs');
          const from = cursor === undefined ? {} : { nextToken: cursor };
          const query = { ...stream, ...from, limit: MAX_LOG_LINES, startFromHead: true };
          return (await session.logs()).send(new GetLogEventsCommand(query));
        },
      );
      return {
        lines: (answer?.events ?? []).map(({ message }) => (message ?? '').trimEnd()),
        cursor: answer?.nextForwardToken ?? cursor,
      };
    },
    async stop(taskId, reason) {
      await callAwsOrAbsent(session, 'ecs:StopTask', ['InvalidParameterException'], async () => {
        const { StopTaskCommand } = await import('@aws-sdk/client-ecs');
        return (await session.ecs()).send(
          new StopTaskCommand({ cluster: names.cluster, task: taskId, reason }),
        );
      });
    },
  };

  async function describeService(): Promise<Service | undefined> {
    const answer = await callAwsOrAbsent(session, 'ecs:DescribeServices', NO_SERVICE, async () => {
      const { DescribeServicesCommand } = await import('@aws-sdk/client-ecs');
      return (await session.ecs()).send(
        new DescribeServicesCommand({ cluster: names.cluster, services: [names.service] }),
      );
    });
    return answer?.services?.[0];
  }

  async function runTask(service: Service, command: readonly string[]): Promise<string> {
    const answer = await callAws(session, 'ecs:RunTask', async () => {
      const { RunTaskCommand } = await import('@aws-sdk/client-ecs');
      return (await session.ecs()).send(
        new RunTaskCommand({
          cluster: names.cluster,
          taskDefinition: service.taskDefinition,
          // Not on Spot: a migration that is interrupted half way helps nobody.
          capacityProviderStrategy: [{ capacityProvider: 'FARGATE', weight: 1 }],
          networkConfiguration: service.networkConfiguration,
          startedBy: 'towpath-run',
          enableECSManagedTags: true,
          propagateTags: 'TASK_DEFINITION',
          overrides: { containerOverrides: [{ name: project.application, command: [...command] }] },
        }),
      );
    });
    const id = answer.tasks?.[0]?.taskArn?.split('/').at(-1);
    if (id !== undefined) return id;
    const why =
      answer.failures?.map(({ reason, detail }) => detail ?? reason).join('; ') || 'no reason given';
    throw new TowpathError('RUN_FAILED', `ECS started no task: ${why}.`, {
      hint: 'run the same command again in a moment',
    });
  }
}
