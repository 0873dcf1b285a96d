/**
 * The rules of AWS that Towpath relies on or imitates, by the ids that tests carry in their titles.
 * Sources: AWS documentation and public threads, 2024 to 2026; what AWS does not publish is an assumption, and says so.
 */

export interface ConformanceRule {
  /** `section.rule`, as it stands in test titles: `[rolling.maximum-rounds-down] ...`. */
  readonly id: string;
  readonly text: string;
  /** AWS does not publish it. */
  readonly assumption?: true;
  /** Why no test can prove it on this computer. */
  readonly unproven?: string;
}

export interface ConformanceSection {
  readonly title: string;
  readonly rules: readonly ConformanceRule[];
}

const rolling: readonly ConformanceRule[] = [
  { id: 'rolling.maximum-rounds-down', text: '`maximumPercent` of the desired count rounds down.' },
  { id: 'rolling.minimum-rounds-up', text: '`minimumHealthyPercent` of the desired count rounds up.' },
  { id: 'rolling.percent-defaults', text: 'The defaults are 200 and 100.' },
  { id: 'rolling.maximum-counts-running-and-pending', text: 'The maximum counts RUNNING and PENDING tasks.' },
  { id: 'rolling.minimum-counts-healthy-running', text: 'The minimum counts healthy RUNNING tasks.' },
  {
    id: 'rolling.deadlock-is-said',
    text: 'Where the maximum, rounded down, is the minimum, rounded up, nothing can move, and that is said.',
  },
  {
    id: 'rolling.healthy-after-40s',
    text: 'Without load balancer and container health check a task counts as healthy after 40 s RUNNING.',
  },
  {
    id: 'rolling.unhealthy-replaced-first',
    text: 'Replacements of unhealthy tasks start first where the maximum allows.',
  },
  { id: 'rolling.unhealthy-one-by-one', text: 'Otherwise unhealthy tasks stop one by one.' },
  { id: 'rolling.grace-period-default', text: 'The health-check grace period is 0 by default.' },
  { id: 'rolling.deployments-list', text: 'A service lists its deployments: PRIMARY, ACTIVE, INACTIVE.' },
  {
    id: 'rolling.rollout-states',
    text: 'Each has a rollout state, IN_PROGRESS, COMPLETED or FAILED, and a reason.',
  },
  { id: 'rolling.events-newest-first', text: 'A service keeps at most 100 events, newest first.' },
];

const breaker: readonly ConformanceRule[] = [
  { id: 'breaker.threshold', text: 'The threshold is half of the desired count, rounded up, from 3 to 200.' },
  { id: 'breaker.latest-desired-count', text: 'The latest desired count is used.' },
  { id: 'breaker.consecutive', text: 'Consecutive failures count.' },
  { id: 'breaker.healthy-resets', text: 'One healthy task resets the counter.' },
  { id: 'breaker.stage-1-never-running', text: 'Stage 1: tasks that never reach RUNNING.' },
  {
    id: 'breaker.stage-2-load-balancer',
    text: 'Stage 2, once one runs: failed health checks of the load balancer.',
  },
  { id: 'breaker.stage-2-container-health', text: 'Stage 2: failed health checks of the container.' },
  { id: 'breaker.rollback-to-last-completed', text: 'The rollback goes to the last COMPLETED deployment.' },
  { id: 'breaker.stalls-without-completed', text: 'Where none exists the deployment stalls.' },
  { id: 'breaker.alarm-rollback', text: 'An alarm that rings during the deployment rolls it back.' },
  {
    id: 'breaker.alarm-ringing-at-start',
    text: 'An alarm that rings already when the deployment starts disables alarms for it.',
  },
  {
    id: 'breaker.tags-resolved-to-digests',
    text: 'Tags are resolved to digests at the deployment (version consistency).',
  },
  {
    id: 'breaker.green-after-rollback',
    text: 'After a rollback the service looks well, with another revision than was asked for.',
  },
  {
    id: 'breaker.not-green',
    text: 'Terraform is green then: Towpath compares what runs with what was asked for.',
  },
];

const spread: readonly ConformanceRule[] = [
  {
    id: 'spread.place-in-emptiest',
    text: 'A task is placed in the zone with the fewest tasks of its service.',
  },
  { id: 'spread.stop-in-fullest', text: 'Scale-in stops a task in the zone with the most.' },
  { id: 'spread.rebalancing-default-enabled', text: 'Rebalancing is ENABLED for a new service.' },
  { id: 'spread.update-keeps-rebalancing', text: 'An update keeps what is set.' },
  { id: 'spread.starts-before-stops', text: 'Rebalancing starts the new task before it stops the old.' },
  { id: 'spread.rebalancing-events', text: 'Service events tell of rebalancing.' },
];

const alb: readonly ConformanceRule[] = [
  {
    id: 'alb.health-check-defaults',
    text: 'Health checks default to interval 30 s, healthy 5, unhealthy 2, timeout 5 s.',
  },
  { id: 'alb.first-pass', text: 'A newly registered target needs one pass.' },
  { id: 'alb.healthy-threshold', text: 'The healthy threshold applies to recovery.' },
  { id: 'alb.fail-open', text: 'With all targets unhealthy the group routes to all.' },
  { id: 'alb.deregistration-delay-default', text: 'The deregistration delay is 300 s by default.' },
  {
    id: 'alb.draining-shown',
    text: 'A target shows `draining` until the delay ends, also when nothing is in flight.',
  },
  { id: 'alb.ecs-waits-for-drain', text: 'ECS waits for the end of the delay.' },
  { id: 'alb.stop-signal', text: 'A task is stopped with SIGTERM.' },
  { id: 'alb.stop-timeout', text: 'SIGKILL follows after `stopTimeout`, 30 s by default.' },
  { id: 'alb.tuning', text: 'Interval and thresholds decide how long a rollout takes.' },
];

const tracking: readonly ConformanceRule[] = [
  { id: 'target-tracking.alarm-pair', text: 'A policy has a pair of alarms.' },
  { id: 'target-tracking.high-alarm', text: 'The high alarm: 3 datapoints of one minute.' },
  { id: 'target-tracking.low-alarm', text: 'The low alarm: 15 datapoints of one minute.' },
  { id: 'target-tracking.low-threshold', text: 'The low alarm is at 90 % of the target.', assumption: true },
  { id: 'target-tracking.any-out', text: 'Scale out if any policy wants it.' },
  { id: 'target-tracking.all-in', text: 'Scale in only if all policies do.' },
  { id: 'target-tracking.scale-in-disabled', text: 'A policy may leave scaling in to others.' },
  { id: 'target-tracking.no-in-while-deploying', text: 'Scale-in is off during a deployment.' },
  { id: 'target-tracking.out-while-deploying', text: 'Scale-out continues during a deployment.' },
  { id: 'target-tracking.insufficient-data', text: 'Insufficient data: no action.' },
  { id: 'target-tracking.cooldown', text: 'Cooldowns are 300 s each by default.' },
  { id: 'target-tracking.scale-in-cooldown', text: 'No further scale-in before the cooldown ends.' },
  { id: 'target-tracking.out-ends-in-cooldown', text: 'A scale-out ends a scale-in cooldown.' },
  { id: 'target-tracking.larger-scale-out', text: 'Within the cooldown a larger scale-out is allowed.' },
  {
    id: 'target-tracking.capacity',
    text: 'New capacity is the current one times metric / target, rounded up.',
    assumption: true,
  },
  { id: 'target-tracking.bounds', text: 'Capacity stays between minimum and maximum.' },
  { id: 'target-tracking.metrics', text: 'What each predefined metric stands for.' },
  { id: 'target-tracking.request-count', text: 'Requests per target count as well.' },
  {
    id: 'target-tracking.cpu-utilization',
    text: 'CPUUtilization of a service is used CPU units / reserved ones, over its tasks.',
  },
  { id: 'target-tracking.memory-utilization', text: 'MemoryUtilization likewise.' },
  { id: 'target-tracking.end-to-end', text: 'All of it together, on tasks that really burn CPU.' },
];

const fargate: readonly ConformanceRule[] = [
  { id: 'fargate.sizes', text: 'Only the published pairs of CPU and memory exist.' },
  { id: 'fargate.sizes-refused', text: 'Other sizes are refused.' },
  { id: 'metadata.uri-in-container', text: '`ECS_CONTAINER_METADATA_URI_V4` is in every container.' },
  { id: 'metadata.documents', text: 'The endpoint answers with the documents that AWS describes.' },
];

const stores: readonly ConformanceRule[] = [
  { id: 'ssm.names', text: 'Parameter names: `[a-zA-Z0-9_.-/]`, no prefix `aws` or `ssm`, 15 levels.' },
  { id: 'ssm.size', text: 'A standard parameter holds 4 KB.' },
  { id: 'ssm.values-at-start-only', text: 'Secrets are injected at task start only.' },
  { id: 's3.if-none-match', text: '`If-None-Match: *` answers 412 when the key exists.' },
  { id: 's3.conflict', text: 'A racing conditional write may get 409, and is tried again.' },
  { id: 's3.if-match', text: '`If-Match` with another etag answers 412.' },
  { id: 's3.global-names', text: 'Bucket names are global across accounts.' },
];

const backend: readonly ConformanceRule[] = [
  { id: 'backend.both-locks', text: 'The lock file and the DynamoDB table work together.' },
  {
    id: 'backend.lock-versions',
    text: 'Versions of the lock file pile up in a versioned bucket: a lifecycle rule removes them.',
  },
  { id: 'backend.loser', text: 'Who loses the lock exits with 1 and is told who holds it.' },
  { id: 'backend.killed', text: '`kill -9` leaves the lock behind.' },
  { id: 'backend.interrupted', text: 'An interrupt releases the lock and saves the state.' },
  { id: 'backend.once', text: 'A saved plan applies at most once.' },
];

export const CONFORMANCE: readonly ConformanceSection[] = [
  { title: 'ECS rolling deployment', rules: rolling },
  { title: 'Deployment circuit breaker', rules: breaker },
  { title: 'Availability-zone spread', rules: spread },
  { title: 'Application Load Balancer', rules: alb },
  { title: 'Target tracking', rules: tracking },
  { title: 'Fargate', rules: fargate },
  { title: 'Parameter Store and S3', rules: stores },
  { title: 'Terraform S3 backend', rules: backend },
];
