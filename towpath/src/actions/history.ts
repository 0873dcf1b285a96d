/** What happened to an environment: its ledger retold, newest first, and proven on request. */
import type { DeploymentKind, DeploymentState, LedgerEvent } from '../domain/ledger.ts';
import type { LedgerFinding, Ports } from '../ports.ts';
import { enter } from './select-environment.ts';

export interface HistoryEntry {
  /** Of the event that began it; entries are in the order of these, not of times. */
  readonly sequence: number;
  /** ISO 8601 by the clock of whoever wrote it. */
  readonly time: string;
  /** The writer's clock was behind that of the event before. */
  readonly clockWentBack: boolean;
  /** STS ARN. */
  readonly actor: string;
  readonly what:
    | DeploymentKind
    | 'outcome'
    | 'destroy'
    | 'promotion opened'
    | 'approval'
    | 'rejection'
    | 'promotion superseded';
  readonly deployment: string | undefined;
  readonly promotion: string | undefined;
  /** Id of the release. */
  readonly release: string | undefined;
  /** Of a deployment; undefined for everything else. */
  readonly outcome: DeploymentState | undefined;
  /** Milliseconds from intent to outcome; undefined when there is none or the clocks of its writers disagree. */
  readonly durationMs: number | undefined;
  /** Why: reason of a break-glass or rejection, cause of a failure. */
  readonly reason: string | undefined;
  /** Environment that a promotion comes from, and what opened it. */
  readonly from: string | undefined;
  readonly trigger: 'manual' | 'auto' | undefined;
  /** ARNs of those who had approved the promotion by then. */
  readonly approvedBy: readonly string[];
}

export interface HistoryOptions {
  /** Entries at most, the newest; all when undefined. */
  readonly limit: number | undefined;
  /** Read every object and prove the chain, instead of trusting what is proven by the newest event. */
  readonly verify: boolean;
}

export interface HistoryResult {
  readonly environment: string;
  readonly entries: readonly HistoryEntry[];
  /** Entries that `limit` left out. */
  readonly earlier: number;
  /** Events in the ledger. */
  readonly events: number;
  /** Undefined unless verified. */
  readonly verified:
    | {
        readonly holds: boolean;
        readonly problems: readonly LedgerFinding[];
        readonly notes: readonly LedgerFinding[];
      }
    | undefined;
}

/** @throws {TowpathError} `LEDGER_CORRUPT` when the ledger does not hold and `verify` was not asked for */
export async function history(
  ports: Ports,
  environmentName: string,
  options: HistoryOptions,
): Promise<HistoryResult> {
  const { environment, cloud } = await enter(ports, environmentName);
  const audit = options.verify ? await cloud.ledger.audit() : undefined;
  const events = audit?.events ?? (await cloud.ledger.load());
  const all = retell(events).reverse();
  const entries = options.limit === undefined ? all : all.slice(0, options.limit);
  return {
    environment: environment.name,
    entries,
    earlier: all.length - entries.length,
    events: events.length,
    verified: audit && {
      holds: audit.problems.length === 0,
      problems: audit.problems,
      notes: audit.notes,
    },
  };
}

/** Oldest first; a deployment and its outcome are one entry. Pure. */
export function retell(events: readonly LedgerEvent[]): HistoryEntry[] {
  const entries: HistoryEntry[] = [];
  const started = new Map<string, number>();
  const releases = new Map<string, string>();
  const approvals = new Map<string, readonly string[]>();
  let before: string | undefined;
  for (const event of events) {
    const entry = entryOf(event, before);
    before = event.time;
    const { payload } = event;
    if (payload.type === 'promotion.opened') releases.set(payload.promotion, payload.release.id);
    if (payload.type === 'promotion.approved') {
      const others = (approvals.get(payload.promotion) ?? []).filter((by) => by !== event.actor);
      approvals.set(payload.promotion, [...others, event.actor]);
    }
    const index = 'deployment' in payload ? started.get(payload.deployment) : undefined;
    const intent = index === undefined ? undefined : entries[index];
    if (index !== undefined && intent !== undefined && entry.what === 'outcome') {
      const { outcome, reason = intent.reason } = entry;
      entries[index] = { ...intent, outcome, reason, durationMs: durationBetween(intent.time, event.time) };
      continue;
    }
    if (payload.type === 'deployment.started') started.set(payload.deployment, entries.length);
    const { promotion } = entry;
    entries.push(
      promotion === undefined
        ? entry
        : {
            ...entry,
            release: entry.release ?? releases.get(promotion),
            approvedBy: approvals.get(promotion) ?? [],
          },
    );
  }
  return entries;
}

function entryOf(event: LedgerEvent, before: string | undefined): HistoryEntry {
  const { payload, sequence, time, actor } = event;
  const blank = {
    sequence,
    time,
    clockWentBack: before !== undefined && Date.parse(time) < Date.parse(before),
    actor,
    deployment: 'deployment' in payload ? payload.deployment : undefined,
    promotion: 'promotion' in payload ? payload.promotion : undefined,
    release: 'release' in payload ? payload.release.id : undefined,
    outcome: undefined,
    durationMs: undefined,
    reason: undefined,
    from: undefined,
    trigger: undefined,
    approvedBy: [],
  } as const;
  switch (payload.type) {
    case 'deployment.started':
      return { ...blank, what: payload.kind, outcome: 'running', reason: payload.reason };
    case 'deployment.succeeded':
      return { ...blank, what: 'outcome', outcome: 'succeeded' };
    case 'deployment.failed': {
      const restored = payload.restored ? '' : ' (the release before was not restored)';
      return { ...blank, what: 'outcome', outcome: 'failed', reason: `${payload.cause}${restored}` };
    }
    case 'deployment.errored':
      return { ...blank, what: 'outcome', outcome: 'errored', reason: payload.cause };
    case 'deployment.aborted':
      return { ...blank, what: 'outcome', outcome: 'aborted', reason: payload.cause };
    case 'environment.destroyed':
      return { ...blank, what: 'destroy' };
    case 'promotion.opened':
      return { ...blank, what: 'promotion opened', from: payload.from, trigger: payload.trigger };
    case 'promotion.approved':
      return { ...blank, what: 'approval' };
    case 'promotion.rejected':
      return { ...blank, what: 'rejection', reason: payload.reason };
    case 'promotion.superseded':
      return { ...blank, what: 'promotion superseded', reason: `by ${payload.by}` };
  }
}

function durationBetween(start: string, end: string): number | undefined {
  const ms = Date.parse(end) - Date.parse(start);
  return ms >= 0 ? ms : undefined;
}
