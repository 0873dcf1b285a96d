/**
 * The part of the ECS API that is answered here; clusters, task definitions, capacity providers and
 * account settings are moto's.
 */
import type { Overlay } from '../../contract.ts';
import { describeClusters, listClusters, refuseBusyCluster } from './clusters.ts';
import { type Action, type ApiContext, answerJson } from './context.ts';
import { createService } from './create-service.ts';
import { executeCommand } from './execute-command.ts';
import { refuseUnknownSize } from './fargate-sizes.ts';
import { runTask } from './run-task.ts';
import {
  describeServiceDeployments,
  describeServiceRevisions,
  listServiceDeployments,
  stopServiceDeployment,
} from './service-deployments.ts';
import { deleteService, describeServices, listServices } from './services.ts';
import { listTagsForResource, ownsTagsOf, tagResource, untagResource } from './tags.ts';
import { describeTasks, listTasks, stopTask } from './tasks.ts';
import { updateService } from './update-service.ts';

const ACTIONS: ReadonlyMap<string, Action> = new Map<string, Action>([
  ['CreateService', createService],
  ['UpdateService', updateService],
  ['DeleteService', deleteService],
  ['DescribeServices', describeServices],
  ['ListServices', listServices],
  ['ListTasks', listTasks],
  ['DescribeTasks', describeTasks],
  ['RunTask', runTask],
  ['StopTask', stopTask],
  ['ExecuteCommand', executeCommand],
  ['ListServiceDeployments', listServiceDeployments],
  ['DescribeServiceDeployments', describeServiceDeployments],
  ['DescribeServiceRevisions', describeServiceRevisions],
  ['StopServiceDeployment', stopServiceDeployment],
]);

const TAG_ACTIONS: ReadonlyMap<string, Action> = new Map<string, Action>([
  ['TagResource', tagResource],
  ['UntagResource', untagResource],
  ['ListTagsForResource', listTagsForResource],
]);

/** Actions that change nothing. */
const READS = /^(Describe|List)/;

export function createOverlay(context: ApiContext): Overlay {
  return {
    service: 'ecs',
    async handle(request, forward) {
      if (request.action === 'DescribeClusters') return describeClusters(context, forward);
      if (request.action === 'ListClusters') return listClusters(context, forward);
      if (request.action === 'RegisterTaskDefinition') refuseUnknownSize(request.json());
      if (request.action === 'DeleteCluster') refuseBusyCluster(context, request);
      const tagAction = TAG_ACTIONS.get(request.action);
      if (tagAction) {
        if (!ownsTagsOf(request)) return undefined;
        context.store.touch();
        return answerJson(await tagAction(context, request));
      }
      const action = ACTIONS.get(request.action);
      if (!action) return undefined;
      const answer = answerJson(await action(context, request));
      if (!READS.test(request.action)) context.store.touch();
      return answer;
    },
  };
}
