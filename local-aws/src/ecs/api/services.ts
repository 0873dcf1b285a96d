/**
 * DescribeServices, ListServices, DeleteService.
 */
import * as z from 'zod';
import { AwsError, type AwsRequest } from '../../contract.ts';
import { lastPart, serviceArn } from '../identifiers.ts';
import type { Json } from '../model.ts';
import { renderService } from '../render/service.ts';
import {
  type ApiContext,
  invalidParameter,
  page,
  readInput,
  requireCluster,
  requireService,
} from './context.ts';

/** DescribeServices takes this many names at once. */
const MAX_DESCRIBED = 10;
const DEFAULT_PAGE = 10;

const describeInput = z.object({
  cluster: z.string().optional(),
  services: z.array(z.string()),
  include: z.array(z.string()).default([]),
});

export async function describeServices(context: ApiContext, request: AwsRequest): Promise<Json> {
  const input = readInput(describeInput, request);
  if (input.services.length === 0) throw invalidParameter('Services cannot be empty.');
  if (input.services.length > MAX_DESCRIBED)
    throw invalidParameter(`Services cannot have more than ${MAX_DESCRIBED} elements.`);
  const { store } = context;
  const found = input.services.map((reference) => store.findService(input.cluster, reference));
  const withTags = input.include.includes('TAGS');
  // A service that is here proves its cluster; a poll every few seconds need not ask moto as well.
  const cluster = found.every((service) => service?.status === 'ACTIVE')
    ? ''
    : (await requireCluster(context, input.cluster)).name;
  return {
    services: found.flatMap((service) => (service ? [renderService(store, service, withTags)] : [])),
    failures: input.services.flatMap((reference, i) =>
      found[i]
        ? []
        : [
            {
              arn: reference.startsWith('arn:')
                ? reference
                : serviceArn(context.scope, cluster, lastPart(reference)),
              reason: 'MISSING',
            },
          ],
    ),
  };
}

const listInput = z.object({
  cluster: z.string().optional(),
  launchType: z.string().optional(),
  schedulingStrategy: z.string().optional(),
  maxResults: z.number().int().min(1).max(100).optional(),
  nextToken: z.string().optional(),
});

export async function listServices(context: ApiContext, request: AwsRequest): Promise<Json> {
  const input = readInput(listInput, request);
  const { name } = await requireCluster(context, input.cluster);
  const arns = context.store
    .services()
    .filter((service) => service.clusterName === name && service.status !== 'INACTIVE')
    .filter((service) => input.launchType === undefined || service.revision.launchType === input.launchType)
    .filter(() => input.schedulingStrategy === undefined || input.schedulingStrategy === 'REPLICA')
    .map((service) => service.arn);
  const { items, next } = page(arns, input.maxResults, input.nextToken, DEFAULT_PAGE);
  return { serviceArns: items, ...next };
}

const deleteInput = z.object({
  cluster: z.string().optional(),
  service: z.string(),
  force: z.boolean().default(false),
});

/** The service is DRAINING until its last task has stopped, then INACTIVE. */
export async function deleteService(context: ApiContext, request: AwsRequest): Promise<Json> {
  const input = readInput(deleteInput, request);
  const service = await requireService(context, input.cluster, input.service);
  if (service.status === 'INACTIVE') throw new AwsError('ServiceNotFoundException', 'Service not found.');
  if (!input.force && service.desiredCount > 0)
    throw invalidParameter('The service cannot be stopped while it is scaled above 0.');
  service.status = 'DRAINING';
  service.desiredCount = 0;
  return { service: renderService(context.store, service, true) };
}
