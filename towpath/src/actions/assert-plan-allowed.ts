/** Refuses a plan that the last gate does not let through, for every kind of deployment alike. */
import { TowpathError } from '../domain/errors.ts';
import { decidePlan, gatePolicyOf } from '../domain/gates.ts';
import { lossesOf, type PlanSummary } from '../domain/plan.ts';
import type { Environment } from '../domain/project.ts';

/** @throws TowpathError PLAN_NOT_ALLOWED, with everything that would be lost */
export function assertPlanAllowed(environment: Environment, plan: PlanSummary, allowDestroy: boolean): void {
  const gate = decidePlan(plan, gatePolicyOf(environment), allowDestroy);
  if (gate.state !== 'closed') return;
  throw new TowpathError('PLAN_NOT_ALLOWED', `${environment.name} is protected, and ${gate.reason}.`, {
    context: lossesOf(plan).map(({ action, address }) => `${action} ${address}`),
    hint: 'if that is what you want, give --allow-destroy',
  });
}
