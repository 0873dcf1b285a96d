/** What ECS tells EventBridge when a deployment begins, ends well, or fails. Pure. */
import type { AwsEvent } from '../events/aws-event.ts';

export interface DeploymentStateChange {
  readonly serviceArn: string;
  readonly deploymentId: string;
  readonly became: 'IN_PROGRESS' | 'COMPLETED' | 'FAILED';
  readonly reason: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

/** Shape: "Amazon ECS service deployment state change events" in AWS's developer guide. */
export function renderDeploymentEvent(change: DeploymentStateChange): AwsEvent {
  const { serviceArn, deploymentId, became, reason, at } = change;
  return {
    source: 'aws.ecs',
    detailType: 'ECS Deployment State Change',
    resources: [serviceArn],
    detail: {
      eventType: became === 'FAILED' ? 'ERROR' : 'INFO',
      eventName: `SERVICE_DEPLOYMENT_${became}`,
      deploymentId,
      updatedAt: new Date(at).toISOString(),
      reason,
    },
    at,
  };
}
