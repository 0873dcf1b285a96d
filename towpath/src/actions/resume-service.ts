/**
 * Goes on with a service that an earlier attempt left in the middle: Terraform's wait for it was cut short, so that
 * its state says to replace it, and ECS may have given its deployment up. Both are looked at anew by every attempt,
 * so that it does not matter where the one before ended. Not for a release that serves: ECS rolls back to that.
 */
import { outdatedSecrets } from '../domain/outdated-secrets.ts';
import { leftTainted, type PlanSummary, startsTasks } from '../domain/plan.ts';
import { givenUpDeployments } from '../domain/rollout.ts';
import type { Cloud, Ports, SavedPlan, TerraformVariables } from '../ports.ts';

/** A plan that updates such a service in place; replacing it would wait for its tasks to drain, and change nothing else. */
export async function planInPlace(
  { notifier }: Pick<Ports, 'notifier'>,
  { terraform }: Pick<Cloud, 'terraform'>,
  variables: TerraformVariables,
  signal: AbortSignal,
): Promise<SavedPlan> {
  const plan = await terraform.plan(variables, { signal });
  const tainted = leftTainted(plan.summary);
  if (tainted.length === 0) return plan;
  const addresses = tainted.map(({ address }) => address);
  await terraform.untaint(plan, addresses, signal);
  for (const address of addresses) {
    const text = `an earlier attempt ended while ${address} started: it is updated in place, not replaced`;
    notifier.notify({ type: 'note', text });
  }
  return terraform.plan(variables, { signal });
}

/**
 * ECS starts no task more for a deployment that it gave up: where the plan does not make it start anew, this does.
 * @returns ids of the deployments that were given up before; they say nothing about this attempt
 */
export async function startAnew(
  { service }: Pick<Cloud, 'service'>,
  plan: PlanSummary,
): Promise<ReadonlySet<string>> {
  const snapshot = await service.snapshot();
  const givenUp = snapshot ? givenUpDeployments(snapshot) : [];
  if (givenUp.some(({ status }) => status === 'PRIMARY') && !startsTasks(plan)) await service.startAnew();
  return new Set(givenUp.map(({ id }) => id));
}

/** Secrets of which some task has an older value: Terraform knows that there is a value, and starts no task for a new one. */
export async function unreadSecrets(
  { service, secrets }: Pick<Cloud, 'service' | 'secrets'>,
  names: readonly string[],
): Promise<readonly string[]> {
  if (names.length === 0) return [];
  const [entries, snapshot] = await Promise.all([secrets.list(names), service.snapshot()]);
  return outdatedSecrets(entries, snapshot?.tasks ?? []);
}

/** Makes ECS replace tasks that have an older value of a secret. @returns whether there were any */
export async function renewTasks(
  { notifier }: Pick<Ports, 'notifier'>,
  { service, secrets }: Pick<Cloud, 'service' | 'secrets'>,
  names: readonly string[],
): Promise<boolean> {
  const unread = await unreadSecrets({ service, secrets }, names);
  if (unread.length === 0) return false;
  const text = `all tasks are replaced: some were started before the new value of ${unread.join(', ')}`;
  notifier.notify({ type: 'note', text });
  await service.startAnew();
  return true;
}
