/**
 * Tags of services and tasks. Those of other resources are moto's.
 */
import * as z from 'zod';
import { AwsError, type AwsRequest } from '../../contract.ts';
import { parseResourceArn } from '../identifiers.ts';
import type { Json, Tag } from '../model.ts';
import { type ApiContext, invalidParameter, readInput, tagsSchema } from './context.ts';

/** AWS's limit for one resource. */
const MAX_TAGS = 50;

const tagInput = z.object({ resourceArn: z.string(), tags: tagsSchema.default([]) });
const untagInput = z.object({ resourceArn: z.string(), tagKeys: z.array(z.string()).default([]) });

/** Whether the resource of the request is ours to answer for. */
export function ownsTagsOf(request: AwsRequest): boolean {
  const { resourceArn } = request.json();
  const type = typeof resourceArn === 'string' ? parseResourceArn(resourceArn)?.type : undefined;
  return type === 'service' || type === 'task';
}

function holder(context: ApiContext, arn: string): { tags: Tag[] } {
  const parsed = parseResourceArn(arn);
  if (parsed?.type === 'task') {
    const task = context.store.tasks().find((candidate) => candidate.arn === arn);
    if (task) return task;
    throw new AwsError('ResourceNotFoundException', `The specified task was not found: ${arn}`);
  }
  const service = context.store.services().find((candidate) => candidate.arn === arn);
  if (service && service.status !== 'INACTIVE') return service;
  throw new AwsError('ServiceNotFoundException', 'Service not found.');
}

export async function tagResource(context: ApiContext, request: AwsRequest): Promise<Json> {
  const input = readInput(tagInput, request);
  const target = holder(context, input.resourceArn);
  const tags = new Map(target.tags.map(({ key, value }) => [key, value]));
  for (const { key, value } of input.tags) tags.set(key, value);
  if (tags.size > MAX_TAGS)
    throw invalidParameter(`A resource can have at most ${MAX_TAGS} tags; this would make ${tags.size}.`);
  target.tags = [...tags].map(([key, value]) => ({ key, value }));
  return {};
}

export async function untagResource(context: ApiContext, request: AwsRequest): Promise<Json> {
  const input = readInput(untagInput, request);
  const target = holder(context, input.resourceArn);
  target.tags = target.tags.filter(({ key }) => !input.tagKeys.includes(key));
  return {};
}

export async function listTagsForResource(context: ApiContext, request: AwsRequest): Promise<Json> {
  const input = readInput(tagInput, request);
  return { tags: holder(context, input.resourceArn).tags };
}
