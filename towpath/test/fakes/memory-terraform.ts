/**
 * Terraform in memory. Without a script it behaves as the real one does here: a plan is empty when the image is
 * applied already, and an apply makes the service run the image. A script changes single plans and applies.
 */
import { TowpathError } from '../../src/domain/errors.ts';
import type { PlanSummary, ResourceChange } from '../../src/domain/plan.ts';
import { digestOf } from '../../src/domain/release.ts';
import type { Notifier, SavedPlan, StateLock, TerraformPort, TerraformVariables } from '../../src/ports.ts';
import type { PlayedService } from './played-service.ts';
import { stableSnapshot } from './sample-snapshot.ts';

export type ApplyStep = (run: {
  readonly variables: TerraformVariables;
  readonly signal: AbortSignal | undefined;
  /** What an apply without a script does. */
  readonly finish: () => void;
}) => Promise<void>;

export interface MemoryTerraform extends TerraformPort {
  /** The next plans, in order; afterwards plans follow from the state again. An error is thrown. */
  readonly plans: (PlanSummary | Error)[];
  /** The next applies, in order. */
  readonly applies: ApplyStep[];
  /** Thrown by the next init. */
  failInit: Error | undefined;
  /** What every init waits for. */
  beforeInit: ((signal: AbortSignal | undefined) => Promise<void>) | undefined;
  /** Image in the state; undefined when nothing is applied. */
  applied: string | undefined;
  lock: StateLock | undefined;
  /** Secrets that plan and apply were given, by the verb. */
  readonly secretsSeen: { readonly verb: 'plan' | 'apply'; readonly names: readonly string[] }[];
}

export function planOf(...changes: readonly ResourceChange[]): PlanSummary {
  return { changes, outputsChanged: false, empty: changes.length === 0, drift: [] };
}

export function change(action: ResourceChange['action'], address: string): ResourceChange {
  return { action, address, type: address.split('.').at(-2) ?? '' };
}

/** What the real one does when it is interrupted while it works. */
export function untilInterrupted(signal: AbortSignal | undefined, verb = 'apply'): Promise<never> {
  const aborted = new TowpathError('ABORTED', `terraform ${verb} was interrupted; it saved its state.`);
  return new Promise((_resolve, reject) => {
    if (signal?.aborted) reject(aborted);
    signal?.addEventListener('abort', () => reject(aborted), { once: true });
  });
}

interface MemoryTerraformOptions {
  readonly journal: string[];
  readonly notifier: Notifier;
  readonly service: PlayedService;
}

export function createMemoryTerraform({
  journal,
  notifier,
  service,
}: MemoryTerraformOptions): MemoryTerraform {
  const planned = new Map<string, { readonly image: string; readonly destroy: boolean }>();
  const terraform: MemoryTerraform = {
    plans: [],
    applies: [],
    failInit: undefined,
    beforeInit: undefined,
    applied: undefined,
    lock: undefined,
    secretsSeen: [],
    async init(signal) {
      signal?.throwIfAborted();
      journal.push('terraform init');
      await terraform.beforeInit?.(signal);
      if (terraform.failInit) throw terraform.failInit;
    },
    async plan(variables, { destroy = false, signal } = {}) {
      signal?.throwIfAborted();
      journal.push(`terraform plan${destroy ? ' -destroy' : ''} ${variables.image}`);
      terraform.secretsSeen.push({ verb: 'plan', names: [...variables.secrets.keys()] });
      const scripted = terraform.plans.shift();
      if (scripted instanceof Error) throw scripted;
      const summary = scripted ?? planFromState(terraform.applied, variables.image, destroy);
      const file = `plan-${planned.size + 1}`;
      planned.set(file, { image: variables.image, destroy });
      notifier.notify({ type: 'terraform.plan', summary });
      return { file, summary };
    },
    async show(plan: SavedPlan) {
      journal.push('terraform show');
      return plan.summary.changes.map(({ action, address }) => `# ${address} will be ${action}d`).join('\n');
    },
    async apply(plan, variables, signal) {
      signal?.throwIfAborted();
      const saved = planned.get(plan.file);
      if (!saved) throw new Error(`${plan.file} was never planned, or is applied already`);
      planned.delete(plan.file);
      journal.push(`terraform apply ${saved.destroy ? '(destroy)' : saved.image}`);
      terraform.secretsSeen.push({ verb: 'apply', names: [...variables.secrets.keys()] });
      const finish = () => {
        terraform.applied = saved.destroy ? undefined : saved.image;
        service.play(saved.destroy ? undefined : stableSnapshot(digestOf(saved.image) ?? ''));
      };
      const step = terraform.applies.shift();
      if (step) await step({ variables, signal, finish });
      else finish();
    },
    async stateLock() {
      return terraform.lock;
    },
    async forceUnlock(id) {
      journal.push(`terraform force-unlock ${id}`);
      if (terraform.lock?.id === id) terraform.lock = undefined;
    },
  };
  return terraform;
}

function planFromState(applied: string | undefined, image: string, destroy: boolean): PlanSummary {
  const service = 'module.ecs.aws_ecs_service.this';
  const taskDefinition = 'module.ecs.aws_ecs_task_definition.this';
  const vpc = 'module.network.aws_vpc.this';
  const all = [vpc, taskDefinition, service];
  if (destroy) return planOf(...(applied === undefined ? [] : all.map((it) => change('delete', it))));
  if (applied === undefined) return planOf(...all.map((it) => change('create', it)));
  if (applied === image) return planOf();
  return planOf(change('replace', taskDefinition), change('update', service));
}
