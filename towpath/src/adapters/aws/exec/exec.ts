/** Commands in running tasks, by ECS Exec. */
import type { Task } from '@aws-sdk/client-ecs';
import { TowpathError } from '../../../domain/errors.ts';
import type { ExecTask } from '../../../domain/exec-task.ts';
import { environmentNames } from '../../../domain/names.ts';
import type { Environment, Project } from '../../../domain/project.ts';
import type { ExecPort } from '../../../ports.ts';
import { callAws, isAwsError } from '../errors.ts';
import { tasksOfService } from '../service-tasks.ts';
import type { Session } from '../session.ts';

export interface ExecOptions {
  readonly session: Session;
  readonly project: Project;
  readonly environment: Environment;
}

export function createExec({ session, project, environment }: ExecOptions): ExecPort {
  const names = environmentNames(project.name, environment.name);
  return {
    async tasks() {
      const tasks = await tasksOfService(session, names, 'RUNNING');
      return tasks.map((task) => renderExecTask(task, project.application));
    },
    async run(task, command, terminal, signal) {
      const answer = await startSession(task, command);
      const { streamUrl, tokenValue } = answer.session ?? {};
      if (streamUrl === undefined || tokenValue === undefined)
        throw new TowpathError('EXEC_FAILED', `ECS opened no session into task ${task}.`);
      const { runDataChannel } = await import('./data-channel.ts');
      return runDataChannel({ streamUrl, tokenValue, terminal, signal });
    },
  };

  async function startSession(task: string, command: string) {
    try {
      return await callAws(session, 'ecs:ExecuteCommand', async () => {
        const { ExecuteCommandCommand } = await import('@aws-sdk/client-ecs');
        const container = project.application;
        return (await session.ecs()).send(
          new ExecuteCommandCommand({ cluster: names.cluster, container, task, command, interactive: true }),
        );
      });
    } catch (error) {
      if (isAwsError(error, 'InvalidParameterException', 'TargetNotConnectedException'))
        throw notConnected(task, error);
      throw error;
    }
  }
}

/** ECS gives both names to whatever keeps its agent from answering, and one text to several causes. */
function notConnected(task: string, error: unknown): TowpathError {
  const said =
    error instanceof TowpathError && error.cause instanceof Error ? error.cause.message : undefined;
  return new TowpathError('EXEC_FAILED', `ECS can't open a session into task ${task}.`, {
    cause: error,
    ...(said === undefined ? {} : { context: [said] }),
    hint: 'try again in a moment: the task may be ending or its agent starting; or name another one with --task',
  });
}

function renderExecTask(task: Task, application: string): ExecTask {
  const containers = task.containers ?? [];
  const container = containers.find(({ name }) => name === application) ?? containers[0];
  const agent = container?.managedAgents?.find(({ name }) => name === 'ExecuteCommandAgent');
  return {
    id: task.taskArn?.split('/').at(-1) ?? '',
    zone: task.availabilityZone ?? '',
    status: task.lastStatus ?? '',
    startedAt: task.startedAt?.toISOString(),
    enabled: task.enableExecuteCommand === true,
    // AWS shows the agent soon after the start, and always by the time it runs.
    ready: agent?.lastStatus === 'RUNNING',
  };
}
