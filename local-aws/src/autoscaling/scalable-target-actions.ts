/** Scalable targets: registering brings the service's desired count into the new bounds. Also their tags. */
import { randomBytes } from 'node:crypto';
import * as z from 'zod';
import { AwsError } from '../contract.ts';
import {
  type AutoscalingOptions,
  describeResource,
  pagingFields,
  parseRequest,
  resourceFields,
  takePage,
} from './autoscaling-options.ts';
import type { ScalableTarget } from './autoscaling-store.ts';
import { changeCapacity } from './change-capacity.ts';
import { deleteAlarms } from './scaling-policy-actions.ts';

const maxTags = 50;
const tagMap = z.record(z.string().min(1).max(128), z.string().max(256));
const suspended = z.object({
  DynamicScalingInSuspended: z.boolean().optional(),
  DynamicScalingOutSuspended: z.boolean().optional(),
  ScheduledScalingSuspended: z.boolean().optional(),
});
const registerInput = z.object({
  ...resourceFields,
  MinCapacity: z.number().int().min(0).optional(),
  MaxCapacity: z.number().int().min(0).optional(),
  RoleARN: z.string().optional(),
  SuspendedState: suspended.optional(),
  Tags: tagMap.optional(),
});
const resourceInput = z.object(resourceFields);
const describeInput = z.object({
  ServiceNamespace: z.string().min(1),
  ResourceIds: z.array(z.string()).max(50).optional(),
  ScalableDimension: z.string().optional(),
  ...pagingFields,
});
const arnField = { ResourceARN: z.string().min(1) };

export async function registerScalableTarget(options: AutoscalingOptions, payload: object): Promise<object> {
  const input = parseRequest(registerInput, payload);
  const known = options.store.target(input);
  const min = input.MinCapacity ?? known?.MinCapacity;
  const max = input.MaxCapacity ?? known?.MaxCapacity;
  if (min === undefined || max === undefined) {
    throw new AwsError(
      'ValidationException',
      'MinCapacity and MaxCapacity are required when a scalable target is registered for the first time',
    );
  }
  if (min > max) {
    throw new AwsError(
      'ValidationException',
      `Maximum capacity (${max}) cannot be less than minimum capacity (${min})`,
    );
  }
  checkTags(input.Tags ?? {});
  const desired = input.ServiceNamespace === 'ecs' ? requireService(options, input.ResourceId) : undefined;
  const target: ScalableTarget = {
    ServiceNamespace: input.ServiceNamespace,
    ResourceId: input.ResourceId,
    ScalableDimension: input.ScalableDimension,
    MinCapacity: min,
    MaxCapacity: max,
    RoleARN: input.RoleARN ?? known?.RoleARN ?? defaultRole(options.control.accountId),
    SuspendedState: {
      DynamicScalingInSuspended:
        input.SuspendedState?.DynamicScalingInSuspended ??
        known?.SuspendedState.DynamicScalingInSuspended ??
        false,
      DynamicScalingOutSuspended:
        input.SuspendedState?.DynamicScalingOutSuspended ??
        known?.SuspendedState.DynamicScalingOutSuspended ??
        false,
      ScheduledScalingSuspended:
        input.SuspendedState?.ScheduledScalingSuspended ??
        known?.SuspendedState.ScheduledScalingSuspended ??
        false,
    },
    CreationTime: known?.CreationTime ?? options.now() / 1000,
    ScalableTargetARN: known?.ScalableTargetARN ?? newTargetArn(options),
  };
  options.store.putTarget(target);
  const tags = options.store.tags(target.ScalableTargetARN);
  for (const [key, value] of Object.entries(input.Tags ?? {})) tags?.set(key, value);
  if (desired !== undefined) bringIntoBounds(options, target, desired);
  return { ScalableTargetARN: target.ScalableTargetARN };
}

/** @returns the count within the bounds, with AWS's cause; undefined when it is within them already */
export function decideBoundedCount(
  desired: number,
  min: number,
  max: number,
): { readonly count: number; readonly cause: string } | undefined {
  if (desired < min) return { count: min, cause: `minimum capacity was set to ${min}` };
  if (desired > max) return { count: max, cause: `maximum capacity was set to ${max}` };
  return undefined;
}

/** Also when a scheduled action has moved the bounds. */
export function bringIntoBounds(
  options: Pick<AutoscalingOptions, 'store' | 'now' | 'setDesiredCount'>,
  target: ScalableTarget,
  desired: number,
): void {
  const change = decideBoundedCount(desired, target.MinCapacity, target.MaxCapacity);
  if (change !== undefined) changeCapacity(options, target, change.count, change.cause);
}

function requireService(options: AutoscalingOptions, resourceId: string): number {
  if (!/^service\/[^/]+\/[^/]+$/.test(resourceId)) {
    throw new AwsError(
      'ValidationException',
      `Unsupported service namespace, resource type or scalable dimension: '${resourceId}' is not service/CLUSTER/SERVICE`,
    );
  }
  const desired = options.desiredCount(resourceId);
  if (desired === undefined)
    throw new AwsError('ValidationException', `ECS service doesn't exist: ${resourceId}`);
  return desired;
}

function defaultRole(accountId: string): string {
  return `arn:aws:iam::${accountId}:role/aws-service-role/ecs.application-autoscaling.amazonaws.com/AWSServiceRoleForApplicationAutoScaling_ECSService`;
}

function newTargetArn({ control }: AutoscalingOptions): string {
  const id = randomBytes(16).toString('hex');
  return `arn:aws:application-autoscaling:${control.region}:${control.accountId}:scalable-target/${id}`;
}

export async function describeScalableTargets(
  { store }: AutoscalingOptions,
  payload: object,
): Promise<object> {
  const input = parseRequest(describeInput, payload);
  const matching = store
    .targets()
    .filter(
      (target) =>
        target.ServiceNamespace === input.ServiceNamespace &&
        (input.ResourceIds === undefined ||
          input.ResourceIds.length === 0 ||
          input.ResourceIds.includes(target.ResourceId)) &&
        (input.ScalableDimension === undefined || input.ScalableDimension === target.ScalableDimension),
    );
  const page = takePage(matching, input);
  return { ScalableTargets: page.items, ...page.rest };
}

export async function deregisterScalableTarget(
  options: AutoscalingOptions,
  payload: object,
): Promise<object> {
  const input = parseRequest(resourceInput, payload);
  if (options.store.target(input) === undefined) {
    throw new AwsError('ObjectNotFoundException', `No scalable target found for ${describeResource(input)}`);
  }
  for (const policy of options.store.removeTarget(input)) await deleteAlarms(options.control, policy.Alarms);
  return {};
}

export async function listTagsForResource(options: AutoscalingOptions, payload: object): Promise<object> {
  const { ResourceARN } = parseRequest(z.object(arnField), payload);
  return { Tags: Object.fromEntries(tagsOf(options, ResourceARN)) };
}

export async function tagResource(options: AutoscalingOptions, payload: object): Promise<object> {
  const { ResourceARN, Tags } = parseRequest(z.object({ ...arnField, Tags: tagMap }), payload);
  const tags = tagsOf(options, ResourceARN);
  checkTags({ ...Object.fromEntries(tags), ...Tags });
  for (const [key, value] of Object.entries(Tags)) tags.set(key, value);
  return {};
}

export async function untagResource(options: AutoscalingOptions, payload: object): Promise<object> {
  const { ResourceARN, TagKeys } = parseRequest(
    z.object({ ...arnField, TagKeys: z.array(z.string()) }),
    payload,
  );
  const tags = tagsOf(options, ResourceARN);
  for (const key of TagKeys) tags.delete(key);
  return {};
}

function tagsOf({ store }: AutoscalingOptions, resourceArn: string): Map<string, string> {
  const tags = store.tags(resourceArn);
  if (tags === undefined) {
    throw new AwsError('ResourceNotFoundException', `The specified resource doesn't exist: ${resourceArn}`);
  }
  return tags;
}

function checkTags(tags: Readonly<Record<string, string>>): void {
  const count = Object.keys(tags).length;
  if (count > maxTags)
    throw new AwsError('TooManyTagsException', `A scalable target can have ${maxTags} tags, not ${count}`);
}
