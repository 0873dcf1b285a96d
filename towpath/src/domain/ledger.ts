/**
 * The ledger of one environment: what an event is, how events chain, and what they add up to.
 * Where events are kept is the business of an adapter.
 */
import { createHash } from 'node:crypto';
import type { Release } from './release.ts';

export type LedgerPayload =
  | {
      readonly type: 'deployment.started';
      readonly deployment: string;
      readonly release: Release;
      readonly image: string;
      readonly kind: DeploymentKind;
      readonly reason?: string;
      /** The promotion that it carries out. */
      readonly promotion?: string;
    }
  | { readonly type: 'deployment.succeeded'; readonly deployment: string }
  | {
      readonly type: 'deployment.failed';
      readonly deployment: string;
      readonly cause: string;
      readonly restored: boolean;
    }
  | { readonly type: 'deployment.errored'; readonly deployment: string; readonly cause: string }
  | { readonly type: 'deployment.aborted'; readonly deployment: string; readonly cause: string }
  | { readonly type: 'environment.destroyed' }
  | {
      readonly type: 'promotion.opened';
      readonly promotion: string;
      readonly kind: 'promote' | 'apply';
      readonly release: Release;
      readonly image: string;
      /** Environment in which the release is verified. */
      readonly from: string;
      /** Whether a person asked for it or the success in the environment before. */
      readonly trigger: 'manual' | 'auto';
    }
  | { readonly type: 'promotion.approved'; readonly promotion: string }
  | { readonly type: 'promotion.rejected'; readonly promotion: string; readonly reason: string }
  | { readonly type: 'promotion.superseded'; readonly promotion: string; readonly by: string };

export type DeploymentKind = 'deploy' | 'promote' | 'rollback' | 'apply' | 'break-glass';

export interface LedgerEvent {
  /** From 1, without gaps. */
  readonly sequence: number;
  /** Hash of the event before; 64 zeros for the first. */
  readonly previous: string;
  /** SHA-256 (hex) over the canonical JSON of all other fields. */
  readonly hash: string;
  /** ISO 8601, UTC, by the writer's clock. */
  readonly time: string;
  /** STS ARN of the writer. */
  readonly actor: string;
  readonly payload: LedgerPayload;
}

export const GENESIS = '0'.repeat(64);

/** JSON with sorted keys and no white space: the same value has the same bytes everywhere. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (value !== null && typeof value === 'object') {
    // Ten thousand events are hashed on every load: one pass, and nothing that has to be thrown away.
    let fields = '';
    for (const key of Object.keys(value).sort()) {
      const entry: unknown = Reflect.get(value, key);
      if (entry !== undefined)
        fields += `${fields === '' ? '' : ','}${JSON.stringify(key)}:${canonicalJson(entry)}`;
    }
    return `{${fields}}`;
  }
  return JSON.stringify(value);
}

export function hashEvent(event: Omit<LedgerEvent, 'hash'>): string {
  const { sequence, previous, time, actor, payload } = event;
  return createHash('sha256')
    .update(canonicalJson({ sequence, previous, time, actor, payload }))
    .digest('hex');
}

/** The event that follows `last` (undefined: the first of the ledger). */
export function nextEvent(
  last: LedgerEvent | undefined,
  entry: { readonly time: string; readonly actor: string; readonly payload: LedgerPayload },
): LedgerEvent {
  const unhashed = { sequence: (last?.sequence ?? 0) + 1, previous: last?.hash ?? GENESIS, ...entry };
  return { ...unhashed, hash: hashEvent(unhashed) };
}

export interface ChainProblem {
  readonly sequence: number;
  readonly problem: 'missing' | 'changed' | 'reordered' | 'broken link';
}

/** Enough to say that a ledger is broken; a stray key far beyond the end would otherwise fill the memory. */
export const MAX_CHAIN_PROBLEMS = 1000;

/**
 * Every place (the first 1000) where the chain does not hold; empty when it does. `events` in the order of their keys.
 * @param after the event that they follow, proven already; undefined: they are the whole ledger
 */
export function verifyChain(
  events: readonly { readonly key: number; readonly event: LedgerEvent }[],
  after?: { readonly sequence: number; readonly hash: string },
): readonly ChainProblem[] {
  const problems: ChainProblem[] = [];
  let expected = (after?.sequence ?? 0) + 1;
  let previous: string | undefined = after?.hash ?? GENESIS;
  for (const { key, event } of events) {
    while (expected < key) {
      if (problems.length >= MAX_CHAIN_PROBLEMS) return problems;
      problems.push({ sequence: expected, problem: 'missing' });
      previous = undefined;
      expected += 1;
    }
    if (hashEvent(event) !== event.hash) problems.push({ sequence: key, problem: 'changed' });
    else if (event.sequence !== key) problems.push({ sequence: key, problem: 'reordered' });
    else if (previous !== undefined && event.previous !== previous)
      problems.push({ sequence: key, problem: 'broken link' });
    previous = event.hash;
    expected = key + 1;
  }
  return problems;
}

export type DeploymentState = 'running' | 'succeeded' | 'failed' | 'errored' | 'aborted';

export interface DeploymentRecord {
  readonly id: string;
  readonly release: Release;
  readonly image: string;
  readonly kind: DeploymentKind;
  readonly actor: string;
  readonly startedAt: string;
  readonly endedAt: string | undefined;
  readonly state: DeploymentState;
  readonly cause: string | undefined;
}

/** Nothing is known of how far it came: AWS may have what Terraform's state does not know. */
export function wasCutShort({ state }: Pick<DeploymentRecord, 'state'>): boolean {
  return state === 'aborted' || state === 'errored';
}

export interface LedgerState {
  readonly deployments: readonly DeploymentRecord[];
  /** What the environment should run: the last succeeded deployment; undefined before the first or after destroy. */
  readonly current: DeploymentRecord | undefined;
  /** A deployment with an intent and no outcome. */
  readonly open: DeploymentRecord | undefined;
  /**
   * The last deployment, when it left in the open which release runs: without an outcome, errored, aborted, or
   * failed and not put back. Undefined after the environment was destroyed.
   */
  readonly unsettled: DeploymentRecord | undefined;
  readonly last: LedgerEvent | undefined;
}

export function foldLedger(events: readonly LedgerEvent[]): LedgerState {
  const deployments = new Map<string, DeploymentRecord>();
  let current: string | undefined;
  let unsettled: string | undefined;
  for (const event of events) {
    const { payload } = event;
    if (payload.type === 'environment.destroyed') {
      current = undefined;
      unsettled = undefined;
      continue;
    }
    if (payload.type === 'deployment.started') {
      unsettled = payload.deployment;
      deployments.set(payload.deployment, {
        id: payload.deployment,
        release: payload.release,
        image: payload.image,
        kind: payload.kind,
        actor: event.actor,
        startedAt: event.time,
        endedAt: undefined,
        state: 'running',
        cause: undefined,
      });
      continue;
    }
    if (!('deployment' in payload)) continue;
    const record = deployments.get(payload.deployment);
    if (!record) continue;
    const state = payload.type.slice('deployment.'.length) as DeploymentState;
    const cause = 'cause' in payload ? payload.cause : undefined;
    deployments.set(record.id, { ...record, state, endedAt: event.time, cause });
    if (state === 'succeeded') current = record.id;
    const settled = state === 'succeeded' || (payload.type === 'deployment.failed' && payload.restored);
    if (settled && unsettled === record.id) unsettled = undefined;
  }
  const all = [...deployments.values()];
  return {
    deployments: all,
    current: current === undefined ? undefined : deployments.get(current),
    open: all.findLast((record) => record.state === 'running'),
    unsettled: unsettled === undefined ? undefined : deployments.get(unsettled),
    last: events.at(-1),
  };
}
