/**
 * ExecuteCommand: prepares a session that runs a command in a task; the client opens it over its websocket.
 * Messages and their order are those of AWS.
 */
import * as z from 'zod';
import { AwsError, type AwsRequest } from '../../contract.ts';
import { clusterArn } from '../identifiers.ts';
import type { ContainerState, Json, TaskRecord } from '../model.ts';
import { type ApiContext, invalidParameter, readInput, requireCluster } from './context.ts';
import { findTask } from './tasks.ts';

const input = z.object({
  cluster: z.string().optional(),
  command: z.string().min(1),
  container: z.string().optional(),
  interactive: z.boolean(),
  task: z.string(),
});

/** @throws AwsError `InvalidParameterException`, `ClusterNotFoundException`, `TargetNotConnectedException` */
export async function executeCommand(context: ApiContext, request: AwsRequest): Promise<Json> {
  const { cluster: reference, command, container: name, interactive, task: id } = readInput(input, request);
  const cluster = (await requireCluster(context, reference)).name;
  if (!interactive) throw invalidParameter('Interactive is the only mode supported currently.');
  const task = findTask(context, cluster, id);
  if (!task || task.status === 'STOPPED') throw invalidParameter('The referenced task was not found.');
  const container = chooseContainer(task, name);
  if (!task.enableExecuteCommand || task.status !== 'RUNNING' || task.desiredStatus !== 'RUNNING')
    throw invalidParameter(
      'The execute command failed because execute command was not enabled when the task was run or the execute command agent isn’t running. Wait and try again or run a new task with execute command enabled and try again.',
    );
  // It has ended, and the task is about to.
  if (!task.running || !container.runs)
    throw new AwsError(
      'TargetNotConnectedException',
      'The execute command failed due to an internal error. Try again later.',
    );
  return {
    clusterArn: clusterArn(context.scope, cluster),
    containerArn: container.arn,
    containerName: container.name,
    interactive: true,
    session: context.sessions.prepare(task.running, command),
    taskArn: task.arn,
  };
}

function chooseContainer(task: TaskRecord, name: string | undefined): ContainerState {
  const [first, second] = task.containers;
  if (name === undefined && second !== undefined)
    throw invalidParameter('Container name must be specified for tasks with more than one container.');
  const found = name === undefined ? first : task.containers.find((container) => container.name === name);
  if (!found) throw invalidParameter(`The container ${name ?? ''} was not found in the task.`);
  return found;
}
