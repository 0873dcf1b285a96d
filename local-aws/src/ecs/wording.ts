/**
 * The sentences that AWS writes into events, rollout reasons and stop reasons.
 * Tools and people match on them, so they stand in one place and follow AWS to the letter where it is known.
 */
const taskList = (taskIds: readonly string[]): string => taskIds.map((id) => `(task ${id})`).join(' ');
const zoneList = (zones: ReadonlyMap<string, number>): string =>
  [...zones].map(([zone, count]) => `${count} tasks in ${zone}`).join(', ');

export const eventText = {
  started: (service: string, taskIds: readonly string[], replaced = 0) =>
    `(service ${service}) has started ${taskIds.length} tasks: ${taskList(taskIds)}.${
      replaced > 0 ? ` Amazon ECS replaced ${replaced} tasks due to an unhealthy status.` : ''
    }`,
  stoppedPending: (service: string, count: number) => `(service ${service}) stopped ${count} pending tasks.`,
  stopped: (service: string, taskIds: readonly string[]) =>
    `(service ${service}) has stopped ${taskIds.length} running tasks: ${taskList(taskIds)}.`,
  registered: (service: string, count: number, targetGroupArn: string) =>
    `(service ${service}) registered ${count} targets in (target-group ${targetGroupArn})`,
  deregistered: (service: string, count: number, targetGroupArn: string) =>
    `(service ${service}) deregistered ${count} targets in (target-group ${targetGroupArn})`,
  draining: (service: string, count: number) =>
    `(service ${service}) has begun draining connections on ${count} tasks.`,
  completed: (service: string, deploymentId: string) =>
    `(service ${service}) (deployment ${deploymentId}) deployment completed.`,
  failed: (service: string, deploymentId: string, what: string) =>
    `(service ${service}) (deployment ${deploymentId}) deployment failed: ${what}.`,
  rollingBack: (service: string, deploymentId: string) =>
    `(service ${service}) rolling back to deployment ${deploymentId}.`,
  steady: (service: string) => `(service ${service}) has reached a steady state.`,
  unableToPlace: (service: string, reason: string) =>
    `(service ${service}) was unable to place a task. Reason: ${reason}`,
  noContainerInstances: (service: string) =>
    `(service ${service}) was unable to place a task because no container instance met all of its requirements. Reason: No Container Instances were found in your cluster.`,
  unableToStart: (service: string) =>
    `(service ${service}) is unable to consistently start tasks successfully.`,
  blocked: (service: string) =>
    `(service ${service}) was unable to stop or start tasks during a deployment because of the service deployment configuration. Update the minimumHealthyPercent or maximumPercent value and try again.`,
  unhealthy: (service: string, taskId: string, port: number, targetGroupArn: string, reason: string) =>
    `(service ${service}) (task ${taskId}) (port ${port}) is unhealthy in (target-group ${targetGroupArn}) due to (reason ${reason}).`,
  rebalancing: (service: string, zones: ReadonlyMap<string, number>) =>
    `(service ${service}) is not AZ balanced with ${zoneList(zones)}. AZ Rebalancing in progress.`,
  rebalanced: (service: string, zones: ReadonlyMap<string, number>) =>
    `(service ${service}) is AZ balanced with ${zoneList(zones)}.`,
  startedToRebalance: (service: string, zone: string, taskId: string) =>
    `(service ${service}) has started 1 tasks in ${zone} to AZ Rebalance: ${taskList([taskId])}.`,
  stoppedToRebalance: (service: string, zone: string, taskId: string) =>
    `(service ${service}) has stopped 1 running tasks in ${zone} due to AZ rebalancing: ${taskList([taskId])}.`,
  containerUnhealthy: (service: string, taskId: string) =>
    `(service ${service}) (task ${taskId}) failed container health checks.`,
  /** Said by Application Auto Scaling, among the service's own events. */
  autoscaled: (count: number, cause: string) =>
    `Message: Successfully set desired count to ${count}. Waiting for change to be fulfilled by ecs. Cause: ${cause}`,
} as const;

export const rolloutText = {
  inProgress: (id: string) => `ECS deployment ${id} in progress.`,
  completed: (id: string) => `ECS deployment ${id} completed.`,
  breaker: 'ECS deployment circuit breaker: tasks failed to start.',
  rollingBack: (id: string) => `ECS deployment circuit breaker: rolling back to deploymentId ${id}.`,
  alarms: 'ECS deployment alarms: alarm(s) detected.',
  alarmsRollingBack: (id: string) => `ECS deployment alarms: rolling back to deploymentId ${id}.`,
  stoppedByUser: 'Service deployment stopped by user.',
  replaced: 'Service deployment was stopped because a newer service deployment was started.',
  breakerRollback: 'Service deployment rolled back because the circuit breaker threshold was exceeded.',
  alarmRollback: 'Service deployment rolled back because alarm(s) were triggered.',
  stalled: 'Service deployment failed and there is no completed deployment to roll back to.',
} as const;

export const stopText = {
  essentialExited: 'Essential container in task exited',
  scaling: (deploymentId: string) => `Scaling activity initiated by (deployment ${deploymentId})`,
  unhealthy: (targetGroupArn: string) => `Task failed ELB health checks in (target-group ${targetGroupArn})`,
  containerUnhealthy: 'Task failed container health checks',
  byUser: 'Task stopped by user',
  spot: 'Your Spot Task was interrupted.',
  /** AWS's sentence for a task whose host goes away. That it also says it of a lost zone is an assumption. */
  infrastructure: (service: string | undefined) =>
    `${service === undefined ? '' : `Service ${service}: `}ECS is performing maintenance on the underlying infrastructure hosting the task.`,
  noWayOut: (region: string) =>
    `unable to pull secrets or registry auth: The task cannot pull registry auth from Amazon ECR: There is a connection issue between the task and Amazon ECR. Check your task network configuration. RequestError: send request failed caused by: Post "https://api.ecr.${region}.amazonaws.com/": dial tcp: i/o timeout`,
  shutdown: 'The embedded AWS is shutting down',
} as const;
