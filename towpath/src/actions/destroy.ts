/** Takes an environment down to what `bootstrap` made. The ledger stays. */
import { TowpathError } from '../domain/errors.ts';
import { foldLedger, wasCutShort } from '../domain/ledger.ts';
import { countChanges } from '../domain/plan.ts';
import { imageReference } from '../domain/release.ts';
import type { Ports } from '../ports.ts';
import { appendOnce } from './append-decided.ts';
import { withLock } from './lock.ts';
import { enter } from './select-environment.ts';
import { settleLedger } from './settle-ledger.ts';
import { stage } from './stage.ts';

const NO_IMAGE = `sha256:${'0'.repeat(64)}`;

export interface DestroyOptions {
  /** The environment's name, given instead of an answer at the terminal. */
  readonly confirmed: boolean;
  readonly allowDestroy: boolean;
  readonly signal: AbortSignal;
}

export interface DestroyResult {
  readonly environment: string;
  readonly destroyed: number;
}

export async function destroy(
  ports: Ports,
  environmentName: string,
  options: DestroyOptions,
): Promise<DestroyResult> {
  const { environment, cloud, target } = await enter(ports, environmentName);
  if (environment.protected && !options.allowDestroy) {
    throw new TowpathError('PLAN_NOT_ALLOWED', `${environment.name} is protected.`, {
      hint: `towpath destroy ${environment.name} --allow-destroy`,
    });
  }
  if (!(await cloud.bootstrap.exists())) return { environment: environment.name, destroyed: 0 };
  const question = `Destroy ${environment.name} (account ${target.account}, ${target.region}): network, load balancer, service, secrets, logs?`;
  if (!options.confirmed && !(await ports.prompter.confirm(question))) {
    throw new TowpathError('CONFIRMATION_NEEDED', `${environment.name} was not destroyed: nobody said yes.`, {
      hint: `towpath destroy ${environment.name} --yes`,
    });
  }
  return withLock(ports, cloud, 'destroy', options.signal, async (signal) => {
    const ledger = foldLedger(await settleLedger(ports, cloud));
    // Only a plan that creates finds it; one that destroys knows the state alone.
    if (ledger.unsettled && wasCutShort(ledger.unsettled))
      ports.notifier.notify({
        type: 'warning',
        text: `deployment ${ledger.unsettled.id} was cut short: what AWS has of it and Terraform never heard of is not destroyed, and may cost money`,
        hint: `towpath deploy ${environment.name} takes it over, and towpath destroy ${environment.name} then finds it; its tags are Project=${ports.project.name}, Environment=${environment.name}`,
      });
    const repository = (await cloud.images.repositoryUri()) ?? ports.project.repository;
    const image = ledger.deployments.at(-1)?.image ?? imageReference(repository, NO_IMAGE);
    const variables = { image, secrets: new Map() };
    await stage(ports, 'terraform init', () => cloud.terraform.init(signal));
    const plan = await stage(ports, 'plan', () => cloud.terraform.plan(variables, { destroy: true, signal }));
    const { destroy: count } = countChanges(plan.summary);
    if (count > 0) {
      if (environment.protected) await cloud.service.disableDeletionProtection();
      await stage(ports, 'destroy', () => cloud.terraform.apply(plan, variables, signal));
    }
    await Promise.all([
      cloud.secrets.remove(environment.service.secrets),
      cloud.service.retireTaskDefinitions(),
    ]);
    // Also where no deployment ever succeeded: what a failed one left behind is gone now.
    if (ledger.current || ledger.unsettled || count > 0)
      await appendOnce(cloud, () => ({ type: 'environment.destroyed' }));
    return { environment: environment.name, destroyed: count };
  });
}
