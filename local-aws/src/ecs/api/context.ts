/**
 * What every action of the API works with, and how it reads its input and answers.
 */
import * as z from 'zod';
import {
  AwsError,
  type AwsRequest,
  type AwsResponse,
  type Clock,
  type CommandSessions,
  type ControlPlane,
} from '../../contract.ts';
import { type ArnScope, clusterNameOf, serviceKey } from '../identifiers.ts';
import type { SubnetDirectory } from '../lifecycle/subnets.ts';
import type { TaskRunner } from '../lifecycle/task-runner.ts';
import type { Json, ServiceRecord } from '../model.ts';
import type { DeclaredConditions } from '../placement.ts';
import type { Store } from '../store.ts';
import type { ZoneOutages } from '../zone-outages.ts';

export interface ApiContext {
  readonly store: Store;
  readonly scope: ArnScope;
  readonly clock: Clock;
  readonly control: ControlPlane;
  readonly subnets: SubnetDirectory;
  readonly runner: TaskRunner;
  /** Load balancer ARN by target group ARN, learnt when a service starts to use the group. */
  readonly loadBalancerOf: Map<string, string>;
  readonly outages: ZoneOutages;
  /** For ExecuteCommand. */
  readonly sessions: CommandSessions;
  readonly conditions: DeclaredConditions;
}

/** An action that the embedded AWS answers itself. */
export type Action = (context: ApiContext, request: AwsRequest) => Promise<Json>;

export const invalidParameter = (message: string): AwsError =>
  new AwsError('InvalidParameterException', message);

export function answerJson(body: Json): AwsResponse {
  return {
    status: 200,
    headers: { 'content-type': 'application/x-amz-json-1.1' },
    body: JSON.stringify(body),
  };
}

/** @throws AwsError `InvalidParameterException` that names each wrong field */
export function readInput<S extends z.ZodType>(schema: S, request: AwsRequest): z.infer<S> {
  const result = schema.safeParse(request.json());
  if (result.success) return result.data;
  const problems = result.error.issues.map((issue) => `${issue.path.join('.') || 'body'}: ${issue.message}`);
  throw invalidParameter(`Invalid input for ${request.action}: ${problems.join('; ')}`);
}

interface ClustersAnswer {
  readonly clusters?: readonly {
    readonly clusterName?: string;
    readonly status?: string;
    readonly defaultCapacityProviderStrategy?: unknown;
  }[];
}

export interface ClusterSummary {
  readonly name: string;
  readonly defaultCapacityProviderStrategy: unknown;
}

/** @throws AwsError `ClusterNotFoundException` unless moto has an ACTIVE cluster of that name */
export async function requireCluster(
  context: ApiContext,
  reference: string | undefined,
): Promise<ClusterSummary> {
  const name = clusterNameOf(reference);
  const answer = await context.control.json<ClustersAnswer>('ecs', 'DescribeClusters', { clusters: [name] });
  const cluster = answer.clusters?.find((candidate) => candidate.clusterName === name);
  if (!cluster || cluster.status === 'INACTIVE')
    throw new AwsError('ClusterNotFoundException', 'Cluster not found.');
  return { name, defaultCapacityProviderStrategy: cluster.defaultCapacityProviderStrategy };
}

/**
 * The service of a request, in any state.
 * @throws AwsError `ClusterNotFoundException`, `ServiceNotFoundException`
 */
export async function requireService(
  context: ApiContext,
  cluster: string | undefined,
  reference: string,
): Promise<ServiceRecord> {
  const found = context.store.findService(cluster, reference);
  if (found) return found;
  if (cluster !== undefined || !reference.startsWith('arn:')) await requireCluster(context, cluster);
  throw new AwsError('ServiceNotFoundException', 'Service not found.');
}

export const keyOf = (service: ServiceRecord): string => serviceKey(service.clusterName, service.name);

/** One page of a list: the token is the place to go on from. */
export function page<T>(
  items: readonly T[],
  maxResults: number | undefined,
  nextToken: string | undefined,
  fallbackSize: number,
): { readonly items: readonly T[]; readonly next: Json } {
  const start = nextToken === undefined ? 0 : Number.parseInt(nextToken, 10);
  if (!Number.isInteger(start) || start < 0) throw invalidParameter(`Invalid token: ${nextToken}`);
  const size = maxResults ?? fallbackSize;
  const end = start + size;
  return {
    items: items.slice(start, end),
    next: end < items.length ? { nextToken: String(end) } : {},
  };
}

export const tagsSchema = z.array(z.object({ key: z.string(), value: z.string().default('') }));
