/** Opening a promotion in the ledger of its target; an older one that is still open is superseded. */
import { foldLedger } from '../domain/ledger.ts';
import type { Environment } from '../domain/project.ts';
import { foldPromotions, openPromotion, type Promotion } from '../domain/promotion.ts';
import type { Cloud, Ports } from '../ports.ts';
import { appendDecided } from './append-decided.ts';
import { ensureStanding } from './bootstrap.ts';
import type { BuiltRelease } from './build.ts';

type OpenPorts = Pick<Ports, 'random' | 'notifier'>;

export interface PromotionRequest extends BuiltRelease {
  readonly kind: Promotion['kind'];
  readonly from: string;
  readonly trigger: 'manual' | 'auto';
}

/** The open promotion of this release, opened now unless it was before. */
export async function ensurePromotion(
  ports: OpenPorts,
  cloud: Cloud,
  request: PromotionRequest,
): Promise<Promotion> {
  const events = await appendDecided(cloud, (soFar) => {
    const open = openPromotion(foldPromotions(soFar));
    if (open?.release.id === request.release.id && open.kind === request.kind) return undefined;
    if (open) return { type: 'promotion.superseded', promotion: open.id, by: request.release.id };
    const id = `p-${ports.random.id()}`;
    const { kind, release, image, from, trigger } = request;
    return { type: 'promotion.opened', promotion: id, kind, release, image, from, trigger };
  });
  const promotion = openPromotion(foldPromotions(events));
  if (!promotion) throw new Error('a promotion that was just opened is not open');
  return promotion;
}

/** Where the next environment's trigger is `auto`, success here opens the promotion there. */
export async function openNextPromotion(
  ports: Ports,
  environment: Environment,
  built: BuiltRelease,
): Promise<void> {
  const next = ports.project.environments[environment.position + 1];
  if (next?.promotion.trigger !== 'auto') return;
  const cloud = ports.cloud(next);
  const local = ports.target === 'local' ? ' --local' : '';
  // The promotion is written into the ledger of its target, which may have no bucket yet.
  await ensureStanding(ports, cloud);
  if (foldLedger(await cloud.ledger.load()).current?.release.id === built.release.id) return;
  const { release, image } = built;
  const promotion = await ensurePromotion(ports, cloud, {
    kind: 'promote',
    release,
    image,
    from: environment.name,
    trigger: 'auto',
  });
  const verb = next.promotion.approvals > 0 ? 'approve' : 'promote';
  ports.notifier.notify({
    type: 'note',
    text: `${next.name}: promotion ${promotion.id} of ${release.id} is open; next: towpath ${verb} ${next.name}${local}`,
  });
}
