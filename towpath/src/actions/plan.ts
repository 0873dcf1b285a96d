/** Shows what Terraform would change, and changes nothing. */

import { TowpathError } from '../domain/errors.ts';
import { foldLedger } from '../domain/ledger.ts';
import { leftTainted, type PlanSummary, startsTasks } from '../domain/plan.ts';
import type { Ports } from '../ports.ts';
import { buildRelease } from './build.ts';
import { unreadSecrets } from './resume-service.ts';
import { enter } from './select-environment.ts';
import { stage } from './stage.ts';
import { assertInSync } from './sync.ts';

export interface PlanResult {
  readonly environment: string;
  readonly image: string;
  readonly summary: PlanSummary;
  /** Terraform's own rendering. */
  readonly text: string;
}

/** With the image that runs now, or with a fresh build of the source when `fromSource` or nothing runs yet. */
export async function plan(
  ports: Ports,
  environmentName: string,
  options: { readonly fromSource: boolean; readonly signal: AbortSignal },
): Promise<PlanResult> {
  const { environment, cloud } = await enter(ports, environmentName);
  await assertInSync(ports, environment);
  if (!(await cloud.bootstrap.exists())) {
    throw new TowpathError('NOT_BOOTSTRAPPED', `${environment.name} has no state bucket or lock table yet.`, {
      hint: `towpath bootstrap ${environment.name}`,
    });
  }
  const current = options.fromSource ? undefined : foldLedger(await cloud.ledger.load()).current;
  const [image] = await Promise.all([
    current ? current.image : buildRelease(ports, environment, cloud).then((built) => built.image),
    stage(ports, 'terraform init', () => cloud.terraform.init(options.signal)),
  ]);
  const secrets = await cloud.secrets.read(environment.service.secrets);
  const saved = await stage(ports, 'plan', () =>
    cloud.terraform.plan({ image, secrets }, { signal: options.signal }),
  );
  for (const { address } of leftTainted(saved.summary)) {
    // Taking the mark off writes the state, and this command writes nothing.
    const note = `an earlier attempt ended while ${address} started: a deployment updates it in place, and does not replace it`;
    ports.notifier.notify({ type: 'note', text: note });
  }
  const unread = startsTasks(saved.summary) ? [] : await unreadSecrets(cloud, environment.service.secrets);
  if (unread.length > 0) {
    const note = `a deployment replaces all tasks: some were started before the new value of ${unread.join(', ')}`;
    ports.notifier.notify({ type: 'note', text: note });
  }
  const text = saved.summary.empty ? '' : await cloud.terraform.show(saved);
  return { environment: environment.name, image, summary: saved.summary, text };
}
