/** The current release with a changed configuration, through the gates of its environment. */
import { TowpathError } from '../domain/errors.ts';
import { foldLedger } from '../domain/ledger.ts';
import { commandToFill } from '../domain/next-command.ts';
import type { Ports } from '../ports.ts';
import type { RunOptions } from './carry-out.ts';
import { ensurePromotion } from './open-promotion.ts';
import { type PromotionResult, proceed } from './promote.ts';
import { enter } from './select-environment.ts';

export async function applyConfiguration(
  ports: Ports,
  environmentName: string,
  options: RunOptions,
): Promise<PromotionResult> {
  const { environment, cloud } = await enter(ports, environmentName);
  const current = (await cloud.bootstrap.exists())
    ? foldLedger(await cloud.ledger.load()).current
    : undefined;
  if (!current) {
    throw new TowpathError('NOT_DEPLOYED', `${environment.name} runs nothing yet.`, {
      hint: commandToFill(environment),
    });
  }
  const { release, image } = current;
  const promotion = await ensurePromotion(ports, cloud, {
    kind: 'apply',
    release,
    image,
    from: environment.name,
    trigger: 'manual',
  });
  return proceed(ports, environment, cloud, promotion, options);
}
