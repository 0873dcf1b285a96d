/** The whole API of Application Auto Scaling: nothing of it reaches moto, whose own lacks tags and never scales. */
import { AwsError, type Overlay } from '../contract.ts';
import { jsonAnswer } from '../gateway/aws-answer.ts';
import type { AutoscalingOptions } from './autoscaling-options.ts';
import {
  deregisterScalableTarget,
  describeScalableTargets,
  listTagsForResource,
  registerScalableTarget,
  tagResource,
  untagResource,
} from './scalable-target-actions.ts';
import {
  deleteScalingPolicy,
  describeScalingActivities,
  describeScalingPolicies,
  putScalingPolicy,
} from './scaling-policy-actions.ts';
import {
  deleteScheduledAction,
  describeScheduledActions,
  putScheduledAction,
} from './scheduled-action-actions.ts';

type Action = (options: AutoscalingOptions, payload: object) => Promise<object>;

const actions: Readonly<Record<string, Action>> = {
  RegisterScalableTarget: registerScalableTarget,
  DescribeScalableTargets: describeScalableTargets,
  DeregisterScalableTarget: deregisterScalableTarget,
  ListTagsForResource: listTagsForResource,
  TagResource: tagResource,
  UntagResource: untagResource,
  PutScalingPolicy: putScalingPolicy,
  DescribeScalingPolicies: describeScalingPolicies,
  DeleteScalingPolicy: deleteScalingPolicy,
  DescribeScalingActivities: describeScalingActivities,
  PutScheduledAction: putScheduledAction,
  DescribeScheduledActions: describeScheduledActions,
  DeleteScheduledAction: deleteScheduledAction,
};

export function createAutoscalingOverlay(options: AutoscalingOptions): Overlay {
  return {
    service: 'application-autoscaling',
    handle: async (request) => {
      const action = actions[request.action];
      if (action === undefined) {
        throw new AwsError(
          'UnknownOperationException',
          `The embedded AWS does not support application-autoscaling ${request.action}`,
        );
      }
      return jsonAnswer(await action(options, request.json()));
    },
  };
}
