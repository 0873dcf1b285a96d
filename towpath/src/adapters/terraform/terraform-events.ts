/**
 * Reads Terraform's machine-readable output (`-json`, one object a line) into what Towpath wants to know.
 * Format: "Machine-Readable UI" in Terraform's internals documentation, version 1.2. Pure.
 */
import type { ChangeAction, PlanSummary, ResourceChange } from '../../domain/plan.ts';
import type { ProgressEvent } from '../../domain/progress.ts';

export interface Diagnostic {
  readonly severity: 'error' | 'warning';
  readonly summary: string;
  readonly detail: string;
  readonly address: string | undefined;
}

export type TerraformEvent =
  | { readonly kind: 'progress'; readonly event: Extract<ProgressEvent, { type: 'terraform.resource' }> }
  | { readonly kind: 'change'; readonly change: ResourceChange }
  | { readonly kind: 'drift'; readonly change: ResourceChange }
  | { readonly kind: 'outputs'; readonly changed: boolean; readonly taskDefinition?: string }
  | { readonly kind: 'diagnostic'; readonly diagnostic: Diagnostic }
  | { readonly kind: 'other' };

interface RawResource {
  readonly addr?: string;
  readonly resource_type?: string;
}

interface RawChange {
  readonly resource?: RawResource;
  readonly action?: string;
  /** Why it is replaced or deleted: `tainted`, `cannot_update`, `requested`, ... */
  readonly reason?: string;
}

interface RawLine {
  readonly type?: string;
  readonly change?: RawChange;
  readonly hook?: {
    readonly resource?: RawResource;
    readonly action?: string;
    readonly elapsed_seconds?: number;
  };
  readonly outputs?: Readonly<Record<string, { readonly action?: string; readonly value?: unknown }>>;
  readonly diagnostic?: {
    readonly severity?: string;
    readonly summary?: string;
    readonly detail?: string;
    readonly address?: string;
  };
}

/** Output of the root module: the task definition, with revision, that the service was asked to run. */
const TASK_DEFINITION_OUTPUT = 'task_definition_arn';

const STATES: Readonly<Record<string, 'started' | 'progress' | 'done' | 'failed'>> = {
  apply_start: 'started',
  apply_progress: 'progress',
  apply_complete: 'done',
  apply_errored: 'failed',
};

/** A line that is no JSON object (a plugin's stray print) is `other`, never an error. */
export function parseTerraformLine(line: string): TerraformEvent {
  let raw: RawLine | null;
  try {
    raw = JSON.parse(line) as RawLine | null;
  } catch {
    return { kind: 'other' };
  }
  if (raw === null) return { kind: 'other' };
  const type = raw.type ?? '';
  const state = STATES[type];
  if (state !== undefined && raw.hook && raw.hook.action !== 'read') {
    return {
      kind: 'progress',
      event: {
        type: 'terraform.resource',
        address: raw.hook.resource?.addr ?? '?',
        action: raw.hook.action ?? '?',
        state,
        elapsedSeconds: raw.hook.elapsed_seconds ?? 0,
      },
    };
  }
  if (type === 'planned_change' && raw.change) return { kind: 'change', change: toChange(raw.change) };
  if (type === 'resource_drift' && raw.change) return { kind: 'drift', change: toChange(raw.change) };
  if (type === 'outputs' && raw.outputs) {
    const actions = Object.values(raw.outputs).map((output) => output.action);
    const changed = actions.some((action) => action !== undefined && action !== 'noop');
    const taskDefinition = raw.outputs[TASK_DEFINITION_OUTPUT]?.value;
    return { kind: 'outputs', changed, ...(typeof taskDefinition === 'string' ? { taskDefinition } : {}) };
  }
  if (type === 'diagnostic' && raw.diagnostic) {
    return {
      kind: 'diagnostic',
      diagnostic: {
        severity: raw.diagnostic.severity === 'warning' ? 'warning' : 'error',
        summary: raw.diagnostic.summary ?? '',
        detail: raw.diagnostic.detail ?? '',
        address: raw.diagnostic.address,
      },
    };
  }
  return { kind: 'other' };
}

function toChange(change: RawChange): ResourceChange {
  return {
    address: change.resource?.addr ?? '?',
    type: change.resource?.resource_type ?? '?',
    action: (change.action === 'noop' ? 'no-op' : (change.action ?? 'no-op')) as ChangeAction,
    ...(change.reason === 'tainted' ? { tainted: true } : {}),
  };
}

/** What a plan run said, added up. */
export function summarisePlan(events: readonly TerraformEvent[]): PlanSummary {
  const changes = events.flatMap((event) => (event.kind === 'change' ? [event.change] : []));
  const drift = events.flatMap((event) => (event.kind === 'drift' ? [event.change] : []));
  const outputsChanged = events.some((event) => event.kind === 'outputs' && event.changed);
  const effective = changes.filter(({ action }) => action !== 'no-op' && action !== 'read');
  return { changes: effective, drift, outputsChanged, empty: effective.length === 0 && !outputsChanged };
}

/**
 * The one warning that is hidden: the architecture asks for the DynamoDB lock table, and Terraform
 * has deprecated it since 1.11 (ADR 0003). Every other warning is shown.
 */
export function isExpectedWarning(diagnostic: Diagnostic): boolean {
  return (
    diagnostic.severity === 'warning' &&
    diagnostic.summary === 'Deprecated Parameter' &&
    diagnostic.detail.includes('dynamodb_table')
  );
}
