/**
 * Terraform in memory. Without a script it behaves as the real one does here: a plan is empty when the image is
 * applied already, and an apply makes the service run the image. A script changes single plans and applies.
 */
import { TowpathError } from '../../src/domain/errors.ts';
import { createdUnseen, type PlanSummary, type ResourceChange } from '../../src/domain/plan.ts';
import { digestOf } from '../../src/domain/release.ts';
import type {
  ExistingResource,
  Notifier,
  SavedPlan,
  StateLock,
  TerraformPort,
  TerraformVariables,
} from '../../src/ports.ts';
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
  /** Addresses that the state marks for replacement. */
  readonly tainted: Set<string>;
  /** Addresses of what AWS has and the state does not know; those of `foreign` bear the tags of somebody else. */
  readonly existing: Set<string>;
  readonly foreign: Set<string>;
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

interface PlannedRun {
  readonly image: string;
  readonly destroy: boolean;
  readonly takeOver: readonly ExistingResource[];
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
  const planned = new Map<string, PlannedRun>();
  /** Plans whose apply found something there. */
  const refused = new Set<string>();
  const terraform: MemoryTerraform = {
    plans: [],
    applies: [],
    failInit: undefined,
    beforeInit: undefined,
    applied: undefined,
    lock: undefined,
    tainted: new Set(),
    existing: new Set(),
    foreign: new Set(),
    secretsSeen: [],
    async init(signal) {
      signal?.throwIfAborted();
      journal.push('terraform init');
      await terraform.beforeInit?.(signal);
      if (terraform.failInit) throw terraform.failInit;
    },
    async plan(variables, { destroy = false, signal, takeOver = [] } = {}) {
      signal?.throwIfAborted();
      journal.push(`terraform plan${destroy ? ' -destroy' : ''} ${variables.image}`);
      const foreign = takeOver.filter(({ address }) => terraform.foreign.has(address));
      if (foreign.length > 0) throw existingResources(foreign.map(({ address }) => address));
      terraform.secretsSeen.push({ verb: 'plan', names: [...variables.secrets.keys()] });
      const scripted = terraform.plans.shift();
      if (scripted instanceof Error) throw scripted;
      const summary = scripted ?? planFromState(terraform, variables.image, destroy);
      const file = `plan-${planned.size + 1}`;
      planned.set(file, { image: variables.image, destroy, takeOver });
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
      for (const { address } of saved.takeOver)
        if (terraform.existing.delete(address)) journal.push(`terraform import ${address}`);
      const existing = plan.summary.changes.filter(
        (each) =>
          each.action === 'create' &&
          terraform.existing.has(each.address) &&
          !createdUnseen(plan.summary).includes(each),
      );
      if (existing.length > 0) {
        refused.add(plan.file);
        throw existingResources(existing.map(({ address }) => address));
      }
      const finish = () => {
        terraform.applied = saved.destroy ? undefined : saved.image;
        terraform.tainted.clear();
        service.play(saved.destroy ? undefined : stableSnapshot(digestOf(saved.image) ?? ''));
      };
      const step = terraform.applies.shift();
      if (step) await step({ variables, signal, finish });
      else finish();
      return { taskDefinition: undefined };
    },
    async findExisting(plan, addresses) {
      if (!planned.has(plan.file) && !refused.has(plan.file))
        throw new Error(`${plan.file} was never planned`);
      return addresses
        .filter((address) => terraform.existing.has(address))
        .map((address) => ({ address, id: `id of ${address}` }));
    },
    async untaint(_plan, addresses, signal) {
      signal?.throwIfAborted();
      for (const address of addresses) {
        journal.push(`terraform untaint ${address}`);
        if (!terraform.tainted.delete(address))
          throw new TowpathError('TERRAFORM_FAILED', `${address} is not currently tainted`);
      }
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

function existingResources(addresses: readonly string[]): TowpathError {
  return new TowpathError('RESOURCE_EXISTS', 'AWS has what Terraform was to create', {
    problems: addresses.map((path) => ({ path, message: 'exists' })),
  });
}

/** Address of the service, as `infra/` has it. */
export const SERVICE_ADDRESS = 'module.ecs.aws_ecs_service.this';

function planFromState(
  { applied, tainted }: Pick<MemoryTerraform, 'applied' | 'tainted'>,
  image: string,
  destroy: boolean,
): PlanSummary {
  const service = SERVICE_ADDRESS;
  const taskDefinition = 'module.ecs.aws_ecs_task_definition.this';
  const vpc = 'module.network.aws_vpc.this';
  const all = [vpc, taskDefinition, service];
  if (destroy) return planOf(...(applied === undefined ? [] : all.map((it) => change('delete', it))));
  if (applied === undefined) return planOf(...all.map((it) => change('create', it)));
  const revision = applied === image ? [] : [change('replace', taskDefinition)];
  if (tainted.has(service)) return planOf(...revision, { ...change('replace', service), tainted: true });
  return planOf(...revision, ...revision.map(() => change('update', service)));
}
