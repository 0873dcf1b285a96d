/** What a lock item says, whether its holder still lives, and how to tell a person. Pure. */
import { TowpathError } from '../../domain/errors.ts';
import type { LockInfo } from '../../ports.ts';

/** A holder renews every 10 s; six missed renewals say that something is wrong. */
export const STALE_AFTER_MS = 60_000;
/** A computer that sleeps may come back; after this nobody expects it to. */
const DEAD_AFTER_MS = 15 * 60_000;

export interface LockRecord extends LockInfo {
  /** Start time of the holder's process as `process-identity.ts` gives it; empty where the system has none. */
  readonly processStart: string;
}

export type Liveness = 'alive' | 'dead' | 'unknown';

/** Key of the lock item. Terraform's keys begin with a bucket name, which has no second slash-separated project. */
export function lockIdOf(project: string, environment: string): string {
  return `towpath/${project}/${environment}`;
}

export interface Sighting {
  readonly now: Date;
  /** Whether the holder's process runs on this computer; undefined when the holder is on another one. */
  readonly processAlive: boolean | undefined;
}

/** On the holder's computer its process decides, elsewhere the age of the last renewal. */
export function judgeLiveness(holder: LockRecord, sighting: Sighting): Liveness {
  if (sighting.processAlive !== undefined) return sighting.processAlive ? 'alive' : 'dead';
  const ageMs = sighting.now.getTime() - Date.parse(holder.renewedAt);
  if (ageMs <= STALE_AFTER_MS) return 'alive';
  return ageMs > DEAD_AFTER_MS ? 'dead' : 'unknown';
}

/** Why a holder must stop what it does. */
export type LockLoss = 'broken' | { readonly silentMs: number; readonly cause: unknown };

export function lockLostError(environment: string, operation: string, loss: LockLoss): TowpathError {
  const hint = `towpath unlock ${environment} says who holds it now; then run the same command again`;
  if (loss === 'broken') {
    return new TowpathError(
      'LOCK_LOST',
      `The lock of ${environment} was taken from this command (${operation}) while it was at work`,
      { hint },
    );
  }
  return new TowpathError(
    'LOCK_LOST',
    `The lock of ${environment} (${operation}) could not be renewed for ${Math.round(loss.silentMs / 1000)} s, so that others may take this command for dead`,
    { hint, cause: loss.cause },
  );
}

export function lockHeldError(
  environment: string,
  holder: LockInfo,
  liveness: Liveness,
  now: Date,
): TowpathError {
  const ageSeconds = Math.max(0, Math.round((now.getTime() - Date.parse(holder.renewedAt)) / 1000));
  const verdict = {
    alive: 'and is at work',
    dead: 'and is gone',
    unknown: `and was last seen ${ageSeconds} s ago`,
  }[liveness];
  return new TowpathError(
    'LOCK_HELD',
    `${environment} is locked since ${holder.since} by ${holder.actor} (${holder.operation}), ` +
      `who runs as process ${holder.pid} on ${holder.host} ${verdict}`,
    {
      hint: `towpath unlock ${environment}${liveness === 'alive' ? ', but only when the holder hangs' : ''}`,
    },
  );
}
