/** Opening a promotion in the ledger of its target; an older one that is still open is superseded. */
import { TowpathError } from '../domain/errors.ts';
import { type DeploymentRecord, foldLedger } from '../domain/ledger.ts';
import { shortIdentity } from '../domain/person.ts';
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
  const replaced = new Map<string, Promotion>();
  const events = await appendDecided(cloud, (soFar) => {
    const open = openPromotion(foldPromotions(soFar));
    if (open?.release.id === request.release.id && open.kind === request.kind) return undefined;
    if (open) {
      replaced.set(open.id, open);
      return { type: 'promotion.superseded', promotion: open.id, by: request.release.id };
    }
    const id = `p-${ports.random.id()}`;
    const { kind, release, image, from, trigger } = request;
    return { type: 'promotion.opened', promotion: id, kind, release, image, from, trigger };
  });
  const promotions = foldPromotions(events);
  for (const { id, kind, release, requestedBy } of replaced.values()) {
    if (promotions.find((one) => one.id === id)?.state !== 'superseded') continue;
    ports.notifier.notify({
      type: 'note',
      text: `${id} (${kind} of ${release.id}, asked for by ${shortIdentity(requestedBy)}) is superseded`,
    });
  }
  const promotion = openPromotion(promotions);
  if (!promotion) throw new Error('a promotion that was just opened is not open');
  return promotion;
}

/**
 * The same for a success of before, whose command may have been killed between the success and this. A promotion that
 * was opened since then is left as people have decided about it.
 */
export async function reopenNextPromotion(
  ports: Ports,
  environment: Environment,
  current: DeploymentRecord,
): Promise<void> {
  await withNext(ports, environment, async (next, cloud) => {
    const events = (await cloud.bootstrap.exists()) ? await cloud.ledger.load() : [];
    const opened = foldPromotions(events).some(
      ({ release, openedAt }) =>
        release.id === current.release.id && Date.parse(openedAt) >= Date.parse(current.startedAt),
    );
    if (!opened) await openNext(ports, environment, next, current);
  });
}

/** Where the next environment's trigger is `auto`, success here opens the promotion there. */
export async function openNextPromotion(
  ports: Ports,
  environment: Environment,
  built: BuiltRelease,
): Promise<void> {
  await withNext(ports, environment, (next) => openNext(ports, environment, next, built));
}

/** What has succeeded here stays a success, whatever keeps the next environment's ledger from hearing of it. */
async function withNext(
  ports: Ports,
  environment: Environment,
  work: (next: Environment, cloud: Cloud) => Promise<void>,
): Promise<void> {
  const next = ports.project.environments[environment.position + 1];
  if (next?.promotion.trigger !== 'auto') return;
  try {
    await work(next, ports.cloud(next));
  } catch (error) {
    if (!(error instanceof TowpathError)) throw error;
    ports.notifier.notify({
      type: 'warning',
      text: `the promotion to ${next.name} could not be opened: ${error.message}`,
      hint: `mend that${error.hint === undefined ? '' : ` (${error.hint})`}, then towpath promote ${next.name}`,
    });
  }
}

async function openNext(
  ports: Ports,
  environment: Environment,
  next: Environment,
  built: BuiltRelease,
): Promise<void> {
  const cloud = ports.cloud(next);
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
    text: `${next.name}: promotion ${promotion.id} of ${release.id} is open; next: towpath ${verb} ${next.name}`,
  });
}
