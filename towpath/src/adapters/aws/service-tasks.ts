/** The tasks of an environment's service, as ECS describes them. */
import type { Task } from '@aws-sdk/client-ecs';
import { callAwsOrAbsent } from './errors.ts';
import type { Session } from './session.ts';

/** Tasks in one ListTasks page and one DescribeTasks call (ECS API reference). */
const TASKS_PER_CALL = 100;
/** Pages of tasks read; 1 000 tasks are a hundred times the default maximum of a service. */
const MAX_TASK_PAGES = 10;
export const NO_SERVICE = [
  'ClusterNotFoundException',
  'ServiceNotFoundException',
  'ServiceNotActiveException',
];

interface ServiceNames {
  readonly cluster: string;
  readonly service: string;
}

/** None when there is no such service. */
export async function tasksOfService(
  session: Session,
  names: ServiceNames,
  desiredStatus: 'RUNNING' | 'STOPPED',
): Promise<readonly Task[]> {
  const tasks: Task[] = [];
  let nextToken: string | undefined;
  for (let page = 0; page < MAX_TASK_PAGES; page += 1) {
    const listed = await callAwsOrAbsent(session, 'ecs:ListTasks', NO_SERVICE, async () => {
      const { ListTasksCommand } = await import('@aws-sdk/client-ecs');
      const query = {
        cluster: names.cluster,
        serviceName: names.service,
        desiredStatus,
        maxResults: TASKS_PER_CALL,
      };
      return (await session.ecs()).send(
        new ListTasksCommand({ ...query, ...(nextToken ? { nextToken } : {}) }),
      );
    });
    const arns = listed?.taskArns ?? [];
    if (arns.length > 0) tasks.push(...(await describeTasks(session, names, arns)));
    nextToken = listed?.nextToken;
    if (!nextToken) break;
  }
  return tasks;
}

export async function describeTasks(
  session: Session,
  { cluster }: Pick<ServiceNames, 'cluster'>,
  tasks: string[],
): Promise<readonly Task[]> {
  const answer = await callAwsOrAbsent(session, 'ecs:DescribeTasks', NO_SERVICE, async () => {
    const { DescribeTasksCommand } = await import('@aws-sdk/client-ecs');
    return (await session.ecs()).send(new DescribeTasksCommand({ cluster, tasks }));
  });
  return answer?.tasks ?? [];
}
