/**
 * ListTasks, DescribeTasks, StopTask.
 */
import * as z from 'zod';
import type { AwsRequest } from '../../contract.ts';
import { lastPart, taskArn } from '../identifiers.ts';
import type { Json, TaskRecord } from '../model.ts';
import { renderTask } from '../render/task.ts';
import { stopText } from '../wording.ts';
import {
  type ApiContext,
  invalidParameter,
  page,
  readInput,
  requireCluster,
  requireService,
} from './context.ts';

const MAX_DESCRIBED = 100;
const DEFAULT_PAGE = 100;

const listInput = z.object({
  cluster: z.string().optional(),
  containerInstance: z.string().optional(),
  family: z.string().optional(),
  serviceName: z.string().optional(),
  startedBy: z.string().optional(),
  desiredStatus: z.enum(['RUNNING', 'PENDING', 'STOPPED']).default('RUNNING'),
  launchType: z.string().optional(),
  maxResults: z.number().int().min(1).max(100).optional(),
  nextToken: z.string().optional(),
});

export async function listTasks(context: ApiContext, request: AwsRequest): Promise<Json> {
  const input = readInput(listInput, request);
  const cluster = (await requireCluster(context, input.cluster)).name;
  const service =
    input.serviceName === undefined
      ? undefined
      : await requireService(context, input.cluster ?? 'default', input.serviceName);
  const matches = (task: TaskRecord): boolean =>
    task.clusterName === cluster &&
    task.desiredStatus === input.desiredStatus &&
    (service === undefined || task.service === service) &&
    (input.family === undefined || task.family === input.family) &&
    (input.startedBy === undefined || task.startedBy === input.startedBy) &&
    (input.launchType === undefined || input.launchType === 'FARGATE') &&
    // No task runs on an EC2 instance here.
    input.containerInstance === undefined;
  const arns = context.store
    .tasks()
    .filter(matches)
    .map((task) => task.arn);
  const { items, next } = page(arns, input.maxResults, input.nextToken, DEFAULT_PAGE);
  return { taskArns: items, ...next };
}

const describeInput = z.object({
  cluster: z.string().optional(),
  tasks: z.array(z.string()),
  include: z.array(z.string()).default([]),
});

export function findTask(context: ApiContext, cluster: string, reference: string): TaskRecord | undefined {
  const task = context.store.task(lastPart(reference));
  return task?.clusterName === cluster ? task : undefined;
}

export async function describeTasks(context: ApiContext, request: AwsRequest): Promise<Json> {
  const input = readInput(describeInput, request);
  if (input.tasks.length === 0) throw invalidParameter('Tasks cannot be empty.');
  if (input.tasks.length > MAX_DESCRIBED)
    throw invalidParameter(`Tasks cannot have more than ${MAX_DESCRIBED} elements.`);
  const cluster = (await requireCluster(context, input.cluster)).name;
  const withTags = input.include.includes('TAGS');
  const tasks: Json[] = [];
  const failures: Json[] = [];
  for (const reference of input.tasks) {
    const task = findTask(context, cluster, reference);
    if (task) tasks.push(renderTask(context.scope, task, withTags));
    else
      failures.push({
        arn: reference.startsWith('arn:') ? reference : taskArn(context.scope, cluster, reference),
        reason: 'MISSING',
      });
  }
  return { tasks, failures };
}

const stopInput = z.object({
  cluster: z.string().optional(),
  task: z.string(),
  reason: z.string().max(1_024).optional(),
});

export async function stopTask(context: ApiContext, request: AwsRequest): Promise<Json> {
  const input = readInput(stopInput, request);
  const cluster = (await requireCluster(context, input.cluster)).name;
  const task = findTask(context, cluster, input.task);
  if (!task) throw invalidParameter('The referenced task was not found.');
  context.runner.retire(task, {
    code: 'UserInitiated',
    reason: input.reason ?? stopText.byUser,
    failure: false,
  });
  return { task: renderTask(context.scope, task, true) };
}
