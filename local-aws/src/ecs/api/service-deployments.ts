/**
 * ListServiceDeployments, DescribeServiceDeployments, DescribeServiceRevisions, StopServiceDeployment.
 */
import * as z from 'zod';
import { AwsError, type AwsRequest } from '../../contract.ts';
import { failDeployment, openServiceDeployment } from '../deployments.ts';
import { lastPart, serviceRevisionArn } from '../identifiers.ts';
import type { Json, ServiceDeploymentRecord, ServiceRecord } from '../model.ts';
import {
  renderServiceDeployment,
  renderServiceDeploymentBrief,
  renderServiceRevision,
} from '../render/service.ts';
import { type ApiContext, invalidParameter, page, readInput, requireService } from './context.ts';

/** Both describe actions take this many ARNs at once. */
const MAX_DESCRIBED = 20;
const DEFAULT_PAGE = 20;

const listInput = z.object({
  service: z.string(),
  cluster: z.string().optional(),
  status: z.array(z.string()).default([]),
  createdAt: z.object({ before: z.number().optional(), after: z.number().optional() }).optional(),
  maxResults: z.number().int().min(1).max(100).optional(),
  nextToken: z.string().optional(),
});

export async function listServiceDeployments(context: ApiContext, request: AwsRequest): Promise<Json> {
  const input = readInput(listInput, request);
  const service = await requireService(context, input.cluster, input.service);
  const after = (input.createdAt?.after ?? 0) * 1_000;
  const before = (input.createdAt?.before ?? Number.POSITIVE_INFINITY) * 1_000;
  const entries = service.history
    .filter((entry) => input.status.length === 0 || input.status.includes(entry.status))
    .filter((entry) => entry.createdAt >= after && entry.createdAt <= before)
    .map((entry) => renderServiceDeploymentBrief(context.store, service, entry));
  const { items, next } = page(entries, input.maxResults, input.nextToken, DEFAULT_PAGE);
  return { serviceDeployments: items, ...next };
}

function findEntry(
  context: ApiContext,
  arn: string,
): { readonly service: ServiceRecord; readonly entry: ServiceDeploymentRecord } | undefined {
  for (const service of context.store.services()) {
    const entry = service.history.find((candidate) => candidate.arn === arn);
    if (entry) return { service, entry };
  }
  return undefined;
}

function bounded(arns: readonly string[], name: string): void {
  if (arns.length === 0) throw invalidParameter(`${name} cannot be empty.`);
  if (arns.length > MAX_DESCRIBED)
    throw invalidParameter(`${name} cannot have more than ${MAX_DESCRIBED} elements.`);
}

const describeInput = z.object({ serviceDeploymentArns: z.array(z.string()) });

export async function describeServiceDeployments(context: ApiContext, request: AwsRequest): Promise<Json> {
  const { serviceDeploymentArns: arns } = readInput(describeInput, request);
  bounded(arns, 'serviceDeploymentArns');
  const found = arns.map((arn) => findEntry(context, arn));
  return {
    serviceDeployments: found.flatMap((hit) =>
      hit ? [renderServiceDeployment(context.store, hit.service, hit.entry)] : [],
    ),
    failures: arns.flatMap((arn, i) => (found[i] ? [] : [{ arn, reason: 'MISSING' }])),
  };
}

const revisionsInput = z.object({ serviceRevisionArns: z.array(z.string()) });

export async function describeServiceRevisions(context: ApiContext, request: AwsRequest): Promise<Json> {
  const { serviceRevisionArns: arns } = readInput(revisionsInput, request);
  bounded(arns, 'serviceRevisionArns');
  const { store, scope } = context;
  const found = arns.map((arn) => {
    for (const service of store.services()) {
      const deployment = service.known.get(`ecs-svc/${lastPart(arn)}`);
      if (deployment && serviceRevisionArn(scope, service.clusterName, service.name, deployment.id) === arn)
        return renderServiceRevision(store, service, deployment);
    }
    return undefined;
  });
  return {
    serviceRevisions: found.filter((revision) => revision !== undefined),
    failures: arns.flatMap((arn, i) => (found[i] ? [] : [{ arn, reason: 'MISSING' }])),
  };
}

const stopInput = z.object({
  serviceDeploymentArn: z.string(),
  stopType: z.enum(['ABORT', 'ROLLBACK']).default('ROLLBACK'),
});

/** Rolls an attempt that is under way back to the last completed deployment, or ends it where it stands. */
export async function stopServiceDeployment(context: ApiContext, request: AwsRequest): Promise<Json> {
  const input = readInput(stopInput, request);
  const hit = findEntry(context, input.serviceDeploymentArn);
  if (!hit) throw new AwsError('ServiceDeploymentNotFoundException', 'Service deployment not found.');
  const { service, entry } = hit;
  const deployment = service.deployments.find((candidate) => candidate.id === entry.deploymentId);
  if (openServiceDeployment(service) !== entry || entry.status !== 'IN_PROGRESS' || !deployment)
    throw new AwsError(
      'ConflictException',
      `The service deployment is ${entry.status} and can no longer be stopped.`,
    );
  const target = input.stopType === 'ROLLBACK' ? service.lastCompleted : undefined;
  if (input.stopType === 'ROLLBACK' && !target)
    throw new AwsError(
      'ConflictException',
      `Service ${service.name} has no completed deployment to roll back to. Use stopType ABORT.`,
    );
  failDeployment(context.store, service, deployment, 'user', target, context.clock.now());
  return { serviceDeploymentArn: entry.arn };
}
