/** What a command left behind or still does in an environment, and what to do about it. Pure. */
import type { DeploymentRecord, LedgerState } from '../domain/ledger.ts';
import type { LockInfo } from '../ports.ts';

export interface UnfinishedWork {
  readonly text: string;
  /** The next command; undefined while somebody is at work. */
  readonly next: string | undefined;
}

type Holder = LockInfo & { readonly liveness: 'alive' | 'dead' | 'unknown' };

/** Undefined when nobody is at work and the last deployment left no doubt about what runs. */
export function findUnfinished(
  environment: string,
  ledger: LedgerState,
  holder: Holder | undefined,
): UnfinishedWork | undefined {
  if (holder) {
    const { operation, actor, pid, host, liveness, since, renewedAt } = holder;
    const fate = {
      alive: 'at work',
      dead: 'it was killed and left its lock',
      unknown: `last heard of at ${renewedAt}`,
    }[liveness];
    return {
      text: `${operation} by ${actor} (pid ${pid} on ${host}, ${liveness}) since ${since}: ${fate}; ${describeProgress(ledger, holder)}`,
      next: liveness === 'alive' ? undefined : `towpath unlock ${environment}`,
    };
  }
  const { open, unsettled, current } = ledger;
  if (!unsettled) return undefined;
  const how = open
    ? 'never ended, since its command was killed'
    : `${unsettled.state}: ${unsettled.cause ?? 'no cause was recorded'}`;
  return {
    text: `${describeDeployment(unsettled)} ${how}`,
    next: nextCommands(environment, unsettled, current),
  };
}

/** How far the holder of the lock has come, as far as the ledger tells. */
export function describeProgress(
  { deployments, open }: LedgerState,
  { since }: Pick<LockInfo, 'since'>,
): string {
  if (open) return `${describeDeployment(open)} has begun and has no outcome`;
  const last = deployments.at(-1);
  // By the clocks of one computer: the holder's own.
  if (last && Date.parse(last.startedAt) >= Date.parse(since))
    return `${describeDeployment(last)} ${last.state}`;
  return 'no deployment has begun';
}

export function describeDeployment({ id, kind, release }: DeploymentRecord): string {
  return `deployment ${id} (${kind} of ${release.id})`;
}

const VERBS = {
  deploy: 'deploy',
  promote: 'promote',
  rollback: 'rollback',
  apply: 'apply',
  'break-glass': 'deploy',
} as const;

function nextCommands(
  environment: string,
  last: DeploymentRecord,
  current: DeploymentRecord | undefined,
): string {
  const more =
    last.kind === 'rollback'
      ? ` --to ${last.release.id}`
      : last.kind === 'break-glass'
        ? ' --break-glass "why"'
        : '';
  const again = `towpath ${VERBS[last.kind]} ${environment}${more} goes on with ${last.release.id}`;
  if (!current || current.release.id === last.release.id) return again;
  return `${again}, towpath rollback ${environment} --to ${current.release.id} goes back`;
}
