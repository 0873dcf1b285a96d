/**
 * Applies a plan. What an interrupted attempt created without Terraform's knowledge is taken into the state on the way,
 * and the rest is planned and judged again: the same command goes on where the one before was cut short.
 */
import { TowpathError } from '../domain/errors.ts';
import { createdUnseen, type PlanSummary } from '../domain/plan.ts';
import type { AppliedPlan, Cloud, ExistingResource, Ports, SavedPlan, TerraformVariables } from '../ports.ts';

/** Each round finds what depends on the one before: a role, then its service. */
const MAX_ADOPTION_ROUNDS = 5;

export interface PlanToApply {
  readonly plan: SavedPlan;
  readonly variables: TerraformVariables;
  readonly signal: AbortSignal;
  /** The attempt before this one did not end by itself: it may have created what the state does not know. */
  readonly afterCut: boolean;
  /** Looks at a plan before it is applied; throws when it must not be. */
  judgePlan(plan: PlanSummary): void;
}

export async function applyPlan(
  { notifier }: Pick<Ports, 'notifier'>,
  { terraform }: Pick<Cloud, 'terraform'>,
  { plan, variables, signal, afterCut, judgePlan }: PlanToApply,
): Promise<AppliedPlan> {
  let next = plan;
  const takeOver = new Map<string, ExistingResource>();
  const planAnew = async (addresses: readonly string[]): Promise<boolean> => {
    const existing = await terraform.findExisting(next, addresses);
    if (existing.length === 0) return false;
    for (const each of existing) takeOver.set(each.address, each);
    next = await terraform.plan(variables, { signal, takeOver: [...takeOver.values()] });
    judgePlan(next.summary);
    for (const { address } of existing) {
      const text = `an earlier attempt was cut short after it had created ${address}: taken over`;
      notifier.notify({ type: 'note', text });
    }
    return true;
  };
  const unseen = afterCut ? createdUnseen(plan.summary) : [];
  if (unseen.length > 0) await planAnew(unseen.map(({ address }) => address));
  for (let round = 1; ; round += 1) {
    try {
      return await terraform.apply(next, variables, signal);
    } catch (error) {
      const existing =
        error instanceof TowpathError && error.code === 'RESOURCE_EXISTS' ? error.problems : [];
      if (existing.length === 0 || round > MAX_ADOPTION_ROUNDS) throw error;
      if (!(await planAnew(existing.map(({ path }) => path)))) throw error;
    }
  }
}
