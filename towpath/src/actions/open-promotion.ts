/** Opening a promotion in the ledger of its target; an older one that is still open is superseded. */
import { TowpathError } from '../domain/errors.ts';
import { foldLedger, type LedgerEvent, type LedgerPayload } from '../domain/ledger.ts';
import type { Environment } from '../domain/project.ts';
import { foldPromotions, openPromotion, type Promotion } from '../domain/promotion.ts';
import type { Cloud, Ports } from '../ports.ts';
import { ensureStanding } from './bootstrap.ts';
import type { BuiltRelease } from './build.ts';

/** Others may write to the same ledger: each attempt reads again and decides again. */
const RACE_ATTEMPTS = 8;

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

/**
 * Appends what `decide` says until it has nothing more to say. Losing a race to another writer means reading
 * and deciding again.
 */
async function appendDecided(
  cloud: Pick<Cloud, 'ledger'>,
  decide: (events: readonly LedgerEvent[]) => LedgerPayload | undefined,
): Promise<readonly LedgerEvent[]> {
  let events = await cloud.ledger.load();
  while (decide(events) !== undefined) {
    events = await appendOnce(cloud, (soFar) => decide(soFar), events);
  }
  return events;
}

/**
 * Appends one event, decided on everything before it.
 * @param decide undefined for nothing to append; throws what must not be
 */
export async function appendOnce(
  cloud: Pick<Cloud, 'ledger'>,
  decide: (events: readonly LedgerEvent[]) => LedgerPayload | undefined,
  known?: readonly LedgerEvent[],
): Promise<readonly LedgerEvent[]> {
  let events = known ?? (await cloud.ledger.load());
  for (let attempt = 0; attempt < RACE_ATTEMPTS; attempt += 1) {
    const payload = decide(events);
    if (payload === undefined) return events;
    try {
      return [...events, await cloud.ledger.append(events.at(-1), payload)];
    } catch (error) {
      if (!(error instanceof TowpathError) || error.code !== 'LEDGER_RACE') throw error;
      events = await cloud.ledger.load();
    }
  }
  throw new TowpathError(
    'LEDGER_RACE',
    `Others kept writing to the ledger; ${RACE_ATTEMPTS} attempts were made.`,
    { hint: 'run the same command again' },
  );
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
