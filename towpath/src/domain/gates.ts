/**
 * Whether a release may go into an environment: one pure decision over facts, policy and time.
 * A gate is open, waiting (time or people will open it) or closed (something must change first), with the reason.
 */
import { personOf, shortIdentity } from './person.ts';
import { lossesOf, type PlanSummary } from './plan.ts';
import type { Environment, PromotionPolicy } from './project.ts';
import type { Approval } from './promotion.ts';
import type { Release } from './release.ts';

export type GateName = 'verified' | 'soak' | 'approvals' | 'restorable' | 'tree' | 'plan';
export type GateState = 'open' | 'waiting' | 'closed';

export interface Gate {
  readonly name: GateName;
  readonly state: GateState;
  readonly reason: string;
}

/** An approval says yes to what its giver could see; a day later that is another situation. */
export const APPROVAL_LIFETIME_MS = 24 * 3_600_000;

/** More would bury the reason; all of them are in the plan. */
const MAX_NAMED_LOSSES = 5;

export interface GateFacts {
  readonly kind: 'promote' | 'rollback' | 'apply';
  readonly release: Release;
  /** The environment before; undefined where the release is verified already (rollback, apply). */
  readonly upstream:
    | {
        readonly environment: string;
        /** Release that last succeeded there. */
        readonly release: string | undefined;
        /** ISO time since when it has been healthy without a break; undefined when it is not healthy now. */
        readonly healthySince: string | undefined;
        /** What is wrong there, when something is. */
        readonly trouble: string | undefined;
      }
    | undefined;
  readonly requestedBy: string;
  readonly approvals: readonly Approval[];
  /** Hash of the Terraform tree on this computer. */
  readonly terraformHash: string;
  readonly restorable: RestorableFact;
}

/** What the release that runs now needs to come back. */
export interface RestorableFact {
  /** Undefined when nothing runs yet. */
  readonly release: string | undefined;
  readonly imageExists: boolean;
  readonly missingSecrets: readonly string[];
}

export interface GatePolicy extends Pick<PromotionPolicy, 'approvals' | 'soakSeconds'> {
  readonly protected: boolean;
}

/** What an environment asks of every release. */
export function gatePolicyOf(environment: Pick<Environment, 'promotion' | 'protected'>): GatePolicy {
  return { ...environment.promotion, protected: environment.protected };
}

/** All but the plan's: making a plan takes half a minute, and is left until these are open. */
export function decideGates(facts: GateFacts, policy: GatePolicy, now: Date): readonly Gate[] {
  const gates: Gate[] = [];
  if (facts.kind === 'promote') gates.push(decideVerified(facts), decideSoak(facts, policy, now));
  if (facts.kind !== 'rollback') gates.push(decideApprovals(facts, policy, now));
  gates.push(decideRestorable(facts), decideTree(facts));
  return gates;
}

/** Closed when one gate is closed, else waiting when one is, else open. */
export function overall(gates: readonly Gate[]): GateState {
  if (gates.some(({ state }) => state === 'closed')) return 'closed';
  return gates.some(({ state }) => state === 'waiting') ? 'waiting' : 'open';
}

function decideVerified({ release, upstream }: GateFacts): Gate {
  const name = 'verified';
  if (!upstream || upstream.release !== release.id) {
    const there = upstream?.release ?? 'nothing';
    return {
      name,
      state: 'closed',
      reason: `${upstream?.environment ?? 'the environment before'} runs ${there}, not ${release.id}`,
    };
  }
  return { name, state: 'open', reason: `${release.id} is verified in ${upstream.environment}` };
}

/** Soak counts continuous health, not just time: any trouble starts it again. */
function decideSoak({ upstream }: GateFacts, { soakSeconds }: GatePolicy, now: Date): Gate {
  const name = 'soak';
  if (upstream?.healthySince === undefined) {
    const where = upstream?.environment ?? 'the environment before';
    return { name, state: 'waiting', reason: `${where} is not healthy: ${upstream?.trouble ?? 'unknown'}` };
  }
  if (soakSeconds === 0) return { name, state: 'open', reason: `healthy in ${upstream.environment}` };
  const elapsedMs = now.getTime() - Date.parse(upstream.healthySince);
  const healthySeconds = Number.isNaN(elapsedMs) ? 0 : Math.max(0, Math.floor(elapsedMs / 1_000));
  const left = soakSeconds - healthySeconds;
  if (left > 0) {
    return {
      name,
      state: 'waiting',
      reason: `healthy in ${upstream.environment} for ${describeSeconds(healthySeconds)} of ${describeSeconds(soakSeconds)}; ${describeSeconds(left)} to go`,
    };
  }
  return {
    name,
    state: 'open',
    reason: `healthy in ${upstream.environment} for ${describeSeconds(healthySeconds)}`,
  };
}

function decideApprovals(facts: GateFacts, policy: GatePolicy, now: Date): Gate {
  const name = 'approvals';
  if (policy.approvals === 0) return { name, state: 'open', reason: 'none needed' };
  const valid = validApprovals(facts, now);
  const others = facts.approvals.length - valid.length;
  const who = valid.length === 0 ? '' : ` (${valid.map(({ by }) => shortIdentity(by)).join(', ')})`;
  const lapsed =
    others === 0
      ? ''
      : `; ${others} more ${others === 1 ? 'does' : 'do'} not count (expired, or by the requester)`;
  return {
    name,
    state: valid.length >= policy.approvals ? 'open' : 'waiting',
    reason: `${valid.length} of ${policy.approvals} given${who}${lapsed}`,
  };
}

/** Those by others than the requester that have not expired: one, the latest, for each person. */
export function validApprovals(
  { approvals, requestedBy }: Pick<GateFacts, 'approvals' | 'requestedBy'>,
  now: Date,
): readonly Approval[] {
  const byPerson = new Map<string, Approval>();
  for (const approval of approvals) {
    const person = personOf(approval.by);
    if (person === personOf(requestedBy)) continue;
    if (now.getTime() - Date.parse(approval.at) < APPROVAL_LIFETIME_MS) byPerson.set(person, approval);
  }
  return [...byPerson.values()];
}

function decideRestorable({ restorable, kind }: GateFacts): Gate {
  const name = 'restorable';
  const { release, imageExists, missingSecrets } = restorable;
  if (release === undefined) return { name, state: 'open', reason: 'nothing runs here yet' };
  // A rollback leaves a release that is unwanted: whether that one could come back does not matter.
  if (kind === 'rollback') return { name, state: 'open', reason: `${release} is what is left behind` };
  if (!imageExists)
    return { name, state: 'closed', reason: `the image of ${release} is gone from the registry` };
  if (missingSecrets.length > 0) {
    return {
      name,
      state: 'closed',
      reason: `${release} needs secrets that have no value: ${missingSecrets.join(', ')}`,
    };
  }
  return { name, state: 'open', reason: `${release} can be restored` };
}

function decideTree({ release, terraformHash }: GateFacts): Gate {
  const name = 'tree';
  if (release.terraformHash === terraformHash)
    return { name, state: 'open', reason: 'the Terraform tree is that of the release' };
  return {
    name,
    state: 'closed',
    reason: `the Terraform tree here (${terraformHash.slice(0, 12)}) is not that of ${release.id} (${release.terraformHash.slice(0, 12)}, commit ${release.sourceCommit.slice(0, 12)})`,
  };
}

/** The last gate, for every kind of deployment. */
export function decidePlan(
  plan: PlanSummary,
  policy: Pick<GatePolicy, 'protected'>,
  allowDestroy: boolean,
): Gate {
  const name = 'plan';
  const losses = lossesOf(plan);
  if (losses.length === 0 || !policy.protected)
    return { name, state: 'open', reason: 'the plan takes nothing away that counts' };
  const named = losses.slice(0, MAX_NAMED_LOSSES).map(({ action, address }) => `${action} ${address}`);
  const more = losses.length - named.length;
  const what = `${named.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
  return allowDestroy
    ? { name, state: 'open', reason: `allowed by --allow-destroy: ${what}` }
    : { name, state: 'closed', reason: `the plan would ${what}` };
}

function describeSeconds(seconds: number): string {
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  return `${Math.floor(seconds / 3_600)} h ${Math.floor((seconds % 3_600) / 60)} min`;
}
