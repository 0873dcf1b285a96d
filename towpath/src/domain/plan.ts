/** What Terraform would change, and whether that is allowed. Pure. */

export type ChangeAction = 'create' | 'read' | 'update' | 'delete' | 'replace' | 'no-op' | 'import' | 'move';

export interface ResourceChange {
  readonly address: string;
  readonly type: string;
  readonly action: ChangeAction;
  /** Replaced for no other reason than that the state says its creation did not end. */
  readonly tainted?: true;
}

export interface PlanSummary {
  readonly changes: readonly ResourceChange[];
  readonly outputsChanged: boolean;
  /** No resource and no output changes. */
  readonly empty: boolean;
  /** Resources changed outside of Terraform. */
  readonly drift: readonly ResourceChange[];
}

export function countChanges(plan: PlanSummary): {
  readonly add: number;
  readonly change: number;
  readonly destroy: number;
} {
  let add = 0;
  let change = 0;
  let destroy = 0;
  for (const { action } of plan.changes) {
    if (action === 'create') add += 1;
    else if (action === 'update') change += 1;
    else if (action === 'delete') destroy += 1;
    else if (action === 'replace') {
      add += 1;
      destroy += 1;
    }
  }
  return { add, change, destroy };
}

/**
 * Resource types that a deployment replaces as a matter of course: a task definition is immutable,
 * so every new image makes a new revision and retires the old one.
 */
const REPLACED_BY_DESIGN = new Set(['aws_ecs_task_definition']);

/** What a protected environment would lose without an explicit yes; empty when the plan is allowed. */
export function lossesOf(plan: PlanSummary): readonly ResourceChange[] {
  return plan.changes.filter(
    ({ action, type }) => (action === 'delete' || action === 'replace') && !REPLACED_BY_DESIGN.has(type),
  );
}

/**
 * Resource types that AWS knows by a name of ours. A creation that was cut short left them there, at most without their
 * tags or attributes, which an update adds. Replacing one is refused, since the name is taken, or worse: what a task
 * definition depends on is created before its predecessor is destroyed (Terraform carries `create_before_destroy`
 * over), so that a call which writes over what is there, as for a secret, is followed by the deletion of just that.
 * A service is over with AWS's answer too; the rest is a wait for its tasks. Others may really be broken.
 */
const KNOWN_BY_NAME = new Set([
  'aws_appautoscaling_policy',
  'aws_appautoscaling_target',
  'aws_cloudwatch_dashboard',
  'aws_cloudwatch_event_rule',
  'aws_cloudwatch_log_group',
  'aws_cloudwatch_log_metric_filter',
  'aws_cloudwatch_metric_alarm',
  'aws_ecs_cluster',
  'aws_ecs_service',
  'aws_iam_role',
  'aws_iam_role_policy',
  'aws_lb',
  'aws_lb_target_group',
  'aws_security_group',
  'aws_sns_topic',
  'aws_ssm_parameter',
]);

/**
 * Resource types that AWS gives an identifier and knows by nothing else: what it created for a Terraform that did not
 * hear of it is found by its tags, or not at all, and created once more.
 */
const KNOWN_BY_TAGS = new Set([
  'aws_eip',
  'aws_flow_log',
  'aws_internet_gateway',
  'aws_nat_gateway',
  'aws_route_table',
  'aws_security_group',
  'aws_subnet',
  'aws_vpc',
  'aws_vpc_endpoint',
  'aws_vpc_security_group_egress_rule',
  'aws_vpc_security_group_ingress_rule',
]);

/** What an attempt that was cut short may have created already, though AWS would create it again. */
export function createdUnseen(plan: PlanSummary): readonly ResourceChange[] {
  return plan.changes.filter(({ action, type }) => action === 'create' && KNOWN_BY_TAGS.has(type));
}

/** What would be replaced only because its creation was cut short, and must not be. */
export function leftTainted(plan: PlanSummary): readonly ResourceChange[] {
  return plan.changes.filter(
    ({ action, type, tainted }) => action === 'replace' && tainted && KNOWN_BY_NAME.has(type),
  );
}

/** Whether ECS starts tasks because of the plan: a new revision of the task definition, or a new service. */
export function startsTasks(plan: PlanSummary): boolean {
  return plan.changes.some(
    ({ action, type }) =>
      (type === 'aws_ecs_task_definition' || type === 'aws_ecs_service') &&
      (action === 'create' || action === 'replace'),
  );
}
