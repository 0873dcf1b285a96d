/** Promotions as the ledger of the target environment tells them. Pure. */
import type { DeploymentKind, LedgerEvent } from './ledger.ts';
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
  /** Why it was rejected, or which promotion took its place. */
  readonly reason: string | undefined;
}

const ENDED_BY = { succeeded: 'succeeded', failed: 'failed', errored: 'open', aborted: 'open' } as const;

/**
 * All promotions, oldest first. One whose deployment errored or was interrupted is open again:
 * neither says anything about the release.
 */
export function foldPromotions(events: readonly LedgerEvent[]): readonly Promotion[] {
  const promotions = new Map<string, Promotion>();
  const byDeployment = new Map<string, string>();
  const releases = new Map<string, string>();
  const change = (id: string | undefined, fields: Partial<Promotion>) => {
    const existing = id === undefined ? undefined : promotions.get(id);
    if (existing) promotions.set(existing.id, { ...existing, ...fields });
  };
  for (const { payload, actor, time } of events) {
    switch (payload.type) {
      case 'promotion.opened': {
        const { promotion: id, kind, release, image, from } = payload;
        promotions.set(id, {
          id,
          kind,
          release,
          image,
          from,
          requestedBy: actor,
          openedAt: time,
          approvals: [],
          state: 'open',
          reason: undefined,
        });
        break;
      }
      case 'promotion.approved': {
        const approvals = promotions.get(payload.promotion)?.approvals ?? [];
        const others = approvals.filter(({ by }) => by !== actor);
        change(payload.promotion, { approvals: [...others, { by: actor, at: time }] });
        break;
      }
      case 'promotion.rejected':
        change(payload.promotion, { state: 'rejected', reason: payload.reason });
        break;
      case 'promotion.superseded':
        change(payload.promotion, { state: 'superseded', reason: payload.by });
        break;
      case 'deployment.started':
        releases.set(payload.deployment, payload.release.id);
        if (payload.promotion !== undefined) {
          byDeployment.set(payload.deployment, payload.promotion);
          change(payload.promotion, { state: 'running' });
        }
        break;
      case 'deployment.succeeded':
      case 'deployment.failed':
      case 'deployment.errored':
      case 'deployment.aborted':
        change(byDeployment.get(payload.deployment), {
          state: ENDED_BY[payload.type.slice('deployment.'.length) as keyof typeof ENDED_BY],
        });
        // However the release came here, past the ladder too: what asked for it has been done.
        if (payload.type === 'deployment.succeeded') {
          const release = releases.get(payload.deployment);
          for (const { id, state, release: wanted, kind } of promotions.values()) {
            if (state === 'open' && kind === 'promote' && wanted.id === release)
              change(id, { state: 'succeeded' });
          }
        }
        break;
      case 'environment.destroyed':
        break;
    }
  }
  return [...promotions.values()];
}

/** The one promotion that can still be approved or run. */
export function openPromotion(promotions: readonly Promotion[]): Promotion | undefined {
  return promotions.findLast(({ state }) => state === 'open' || state === 'running');
}
