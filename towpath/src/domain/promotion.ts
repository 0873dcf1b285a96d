/** Promotions as the ledger of the target environment tells them. Pure. */
import type { DeploymentKind, LedgerEvent } from './ledger.ts';
import { personOf } from './person.ts';
import type { Release } from './release.ts';

export type PromotionState = 'open' | 'running' | 'succeeded' | 'failed' | 'rejected' | 'superseded';

export interface Approval {
  /** STS ARN. */
  readonly by: string;
  readonly at: string;
}

export interface Promotion {
  readonly id: string;
  readonly kind: Extract<DeploymentKind, 'promote' | 'apply'>;
  readonly release: Release;
  readonly image: string;
  /** Environment in which the release was verified; the target itself for a changed configuration. */
  readonly from: string;
  readonly requestedBy: string;
  readonly openedAt: string;
  /** In the order given, each person once. */
  readonly approvals: readonly Approval[];
  readonly state: PromotionState;
  /** Why it was rejected, or which release (or what else) took its place. */
  readonly reason: string | undefined;
}

type DeploymentOutcome = Extract<
  LedgerEvent['payload'],
  { type: `deployment.${'succeeded' | 'failed' | 'errored' | 'aborted'}` }
>;

/**
 * All promotions, oldest first. One whose deployment errored or was interrupted is open again:
 * neither says anything about the release.
 */
export function foldPromotions(events: readonly LedgerEvent[]): readonly Promotion[] {
  const fold = createFold();
  for (const { payload, actor, time } of events) {
    switch (payload.type) {
      case 'promotion.opened': {
        const { promotion: id, kind, release, image, from } = payload;
        const opened = { requestedBy: actor, openedAt: time, approvals: [], reason: undefined };
        fold.promotions.set(id, { id, kind, release, image, from, ...opened, state: 'open' });
        break;
      }
      case 'promotion.approved': {
        const approvals = fold.promotions.get(payload.promotion)?.approvals ?? [];
        const others = approvals.filter(({ by }) => personOf(by) !== personOf(actor));
        fold.change(payload.promotion, { approvals: [...others, { by: actor, at: time }] });
        break;
      }
      case 'promotion.rejected':
        fold.change(payload.promotion, { state: 'rejected', reason: payload.reason });
        break;
      case 'promotion.superseded':
        fold.change(payload.promotion, { state: 'superseded', reason: payload.by });
        break;
      case 'deployment.started':
        fold.started.set(payload.deployment, payload);
        fold.change(payload.promotion, { state: 'running' });
        break;
      case 'deployment.succeeded':
      case 'deployment.failed':
      case 'deployment.errored':
      case 'deployment.aborted':
        endDeployment(fold, payload);
        break;
      case 'environment.destroyed':
        supersedeApplies(fold, undefined, 'the destruction of the environment');
        break;
    }
  }
  return [...fold.promotions.values()];
}

/** The one promotion that can still be approved or run. */
export function openPromotion(promotions: readonly Promotion[]): Promotion | undefined {
  return promotions.findLast(({ state }) => state === 'open' || state === 'running');
}

interface Fold {
  readonly promotions: Map<string, Promotion>;
  readonly started: Map<string, { readonly release: Release; readonly promotion?: string }>;
  change(id: string | undefined, fields: Partial<Promotion>): void;
}

function createFold(): Fold {
  const promotions = new Map<string, Promotion>();
  return {
    promotions,
    started: new Map(),
    change(id, fields) {
      const existing = id === undefined ? undefined : promotions.get(id);
      if (existing) promotions.set(existing.id, { ...existing, ...fields });
    },
  };
}

function endDeployment(fold: Fold, { type, deployment }: DeploymentOutcome): void {
  const started = fold.started.get(deployment);
  if (!started) return;
  const promotion = started.promotion === undefined ? undefined : fold.promotions.get(started.promotion);
  if (type === 'deployment.errored' || type === 'deployment.aborted') {
    // What was superseded while it ran does not come back.
    if (promotion?.state === 'running') fold.change(promotion.id, { state: 'open' });
    return;
  }
  fold.change(promotion?.id, { state: type === 'deployment.succeeded' ? 'succeeded' : 'failed' });
  if (type === 'deployment.failed') return;
  // However the release came here, past the ladder too: what asked for it has been done.
  for (const { id, state, kind, release } of fold.promotions.values()) {
    if (state === 'open' && kind === 'promote' && release.id === started.release.id)
      fold.change(id, { state: 'succeeded' });
  }
  supersedeApplies(fold, started.release.id, started.release.id);
}

/** A changed configuration was asked for what ran then; carried out later, it would bring that release back. */
function supersedeApplies(fold: Fold, current: string | undefined, reason: string): void {
  for (const { id, state, kind, release } of fold.promotions.values()) {
    if (state === 'open' && kind === 'apply' && release.id !== current)
      fold.change(id, { state: 'superseded', reason });
  }
}
