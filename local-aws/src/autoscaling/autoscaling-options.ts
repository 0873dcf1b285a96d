/** What Application Auto Scaling needs from the rest, and the schemas that its actions share. */
import * as z from 'zod';
import { AwsError, type ControlPlane } from '../contract.ts';
import { parseInput } from '../gateway/parse-input.ts';
import type { AutoscalingStore, ScalableResource } from './autoscaling-store.ts';

export interface AutoscalingOptions {
  readonly store: AutoscalingStore;
  readonly control: ControlPlane;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Desired count of `service/CLUSTER/NAME`; undefined when there is no such service. */
  readonly desiredCount: (resourceId: string) => number | undefined;
  readonly setDesiredCount: (resourceId: string, count: number, cause: string) => void;
}

export const resourceFields = {
  ServiceNamespace: z.string().min(1),
  ResourceId: z.string().min(1).max(1600),
  ScalableDimension: z.string().min(1),
};

const maxPageSize = 50;

export const pagingFields = {
  MaxResults: z.number().int().min(1).max(maxPageSize).optional(),
  NextToken: z.string().optional(),
};

export function parseRequest<T extends z.ZodType>(schema: T, input: unknown): z.infer<T> {
  return parseInput(schema, input, 'ValidationException');
}

export function takePage<T>(
  items: readonly T[],
  paging: { readonly MaxResults?: number | undefined; readonly NextToken?: string | undefined },
): { readonly items: readonly T[]; readonly rest: { readonly NextToken?: string } } {
  const start = Number(paging.NextToken ?? 0);
  if (!Number.isInteger(start) || start < 0 || start > items.length) {
    throw new AwsError('InvalidNextTokenException', `The next token '${paging.NextToken}' is invalid`);
  }
  const end = start + (paging.MaxResults ?? maxPageSize);
  return { items: items.slice(start, end), rest: end < items.length ? { NextToken: String(end) } : {} };
}

export function describeResource(resource: ScalableResource): string {
  return `service namespace: ${resource.ServiceNamespace}, resource ID: ${resource.ResourceId}, scalable dimension: ${resource.ScalableDimension}`;
}

/** Whether a Describe action asks for it. */
export function isWanted(
  resource: ScalableResource,
  filter: {
    readonly ServiceNamespace: string;
    readonly ResourceId?: string | undefined;
    readonly ScalableDimension?: string | undefined;
  },
): boolean {
  return (
    resource.ServiceNamespace === filter.ServiceNamespace &&
    (filter.ResourceId === undefined || filter.ResourceId === resource.ResourceId) &&
    (filter.ScalableDimension === undefined || filter.ScalableDimension === resource.ScalableDimension)
  );
}

export function requireTarget({ store }: AutoscalingOptions, resource: ScalableResource): void {
  if (store.target(resource) !== undefined) return;
  throw new AwsError(
    'ObjectNotFoundException',
    `No scalable target registered for ${describeResource(resource)}`,
  );
}
