/** Where a task of the service logs, by its own definition. */
import { environmentNames } from '../../domain/names.ts';
import type { Environment, Project } from '../../domain/project.ts';
import { callAwsOrAbsent } from './errors.ts';
import { describeTasks } from './service-tasks.ts';
import type { Session } from './session.ts';

export interface LogStream {
  readonly logGroupName: string;
  readonly logStreamName: string;
}

/** @param taskDefinition ARN or family; undefined when it is not there */
export async function describeDefinition(session: Session, taskDefinition: string) {
  const answer = await callAwsOrAbsent(
    session,
    'ecs:DescribeTaskDefinition',
    ['ClientException'],
    async () => {
      const { DescribeTaskDefinitionCommand } = await import('@aws-sdk/client-ecs');
      return (await session.ecs()).send(new DescribeTaskDefinitionCommand({ taskDefinition }));
    },
  );
  return answer?.taskDefinition;
}

/** Where tasks of a definition log: streams are named `prefix/container/task`. */
export interface LogPlace {
  readonly logGroupName: string;
  readonly container: string;
  readonly prefix: string;
}

/** @param taskDefinition ARN or family; where it is not there, the names of today */
export async function logPlaceOf(
  session: Session,
  project: Project,
  environment: Environment,
  taskDefinition: string,
): Promise<LogPlace> {
  const names = environmentNames(project.name, environment.name);
  const containers = (await describeDefinition(session, taskDefinition))?.containerDefinitions ?? [];
  const container = containers.find(({ name }) => name === project.application) ?? containers[0];
  const settings = container?.logConfiguration?.options;
  return {
    logGroupName: settings?.['awslogs-group'] ?? names.logGroup,
    container: container?.name ?? project.application,
    prefix: settings?.['awslogs-stream-prefix'] ?? project.application,
  };
}

/** Group and stream from the task's own definition; a task that is forgotten has the names of today. */
export async function logStreamOf(
  session: Session,
  project: Project,
  environment: Environment,
  taskId: string,
): Promise<LogStream> {
  const names = environmentNames(project.name, environment.name);
  const [task] = await describeTasks(session, names, [taskId]);
  const taskDefinition = task?.taskDefinitionArn ?? names.taskFamily;
  const { logGroupName, container, prefix } = await logPlaceOf(session, project, environment, taskDefinition);
  return { logGroupName, logStreamName: `${prefix}/${container}/${taskId}` };
}
