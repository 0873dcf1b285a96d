/**
 * Clusters are moto's; what they contain is known here.
 */
import { AwsError, type AwsRequest, type AwsResponse } from '../../contract.ts';
import { clusterNameOf } from '../identifiers.ts';
import type { Json } from '../model.ts';
import { isPending, isRunning } from '../render/service.ts';
import type { ApiContext } from './context.ts';

/** moto's answer to DescribeClusters with the real counts. */
export async function describeClusters(
  context: ApiContext,
  forward: () => Promise<AwsResponse>,
): Promise<AwsResponse> {
  const response = await forward();
  if (response.status !== 200) return response;
  const body = JSON.parse(response.body.toString()) as { clusters?: Json[] };
  for (const cluster of body.clusters ?? []) {
    const name = cluster.clusterName;
    const tasks = context.store.tasks().filter((task) => task.clusterName === name);
    cluster.runningTasksCount = tasks.filter(isRunning).length;
    cluster.pendingTasksCount = tasks.filter(isPending).length;
    cluster.activeServicesCount = context.store
      .services()
      .filter((service) => service.clusterName === name && service.status === 'ACTIVE').length;
  }
  return replaceBody(response, body);
}

/** moto's answer to ListClusters without those that were deleted: moto keeps them as INACTIVE. */
export async function listClusters(
  context: ApiContext,
  forward: () => Promise<AwsResponse>,
): Promise<AwsResponse> {
  const response = await forward();
  if (response.status !== 200) return response;
  const body = JSON.parse(response.body.toString()) as { clusterArns?: string[] };
  const clusters = body.clusterArns ?? [];
  const described = await context.control.json<{ clusters?: Json[] }>('ecs', 'DescribeClusters', {
    clusters,
  });
  const active = new Set(
    (described.clusters ?? [])
      .filter(({ status }) => status === 'ACTIVE')
      .map(({ clusterArn }) => clusterArn),
  );
  return replaceBody(response, { ...body, clusterArns: clusters.filter((arn) => active.has(arn)) });
}

function replaceBody(response: AwsResponse, body: object): AwsResponse {
  const { 'content-length': _stale, ...headers } = response.headers;
  return { ...response, headers, body: JSON.stringify(body) };
}

/** @throws AwsError as AWS refuses it, while anything in the cluster is active */
export function refuseBusyCluster(context: ApiContext, request: AwsRequest): void {
  const { cluster } = request.json();
  const name = clusterNameOf(typeof cluster === 'string' ? cluster : undefined);
  const { store } = context;
  if (store.services().some((service) => service.clusterName === name && service.status !== 'INACTIVE'))
    throw new AwsError(
      'ClusterContainsServicesException',
      'The Cluster cannot be deleted while Services are active.',
    );
  if (store.tasks().some((task) => task.clusterName === name && task.status !== 'STOPPED'))
    throw new AwsError(
      'ClusterContainsTasksException',
      'The Cluster cannot be deleted while Tasks are active.',
    );
}
