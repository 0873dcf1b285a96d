/** What Terraform would change, and whether that is allowed. Pure. */

export type ChangeAction = 'create' | 'read' | 'update' | 'delete' | 'replace' | 'no-op' | 'import' | 'move';

export interface ResourceChange {
  readonly address: string;
  readonly type: string;
  readonly action: ChangeAction;
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
