/**
 * Keeping a lock that was taken: renewing it, and telling its holder when it is lost.
 * Where the lock is kept is not its business.
 */
import type { Clock, HeldLock, LockInfo } from '../../ports.ts';
import { type LockLoss, lockLostError, STALE_AFTER_MS } from './lock-record.ts';

const RENEW_EVERY_MS = 10_000;

export interface HoldOptions {
  readonly info: LockInfo;
  /** Name of the environment that is locked. */
  readonly environment: string;
  readonly clock: Clock;
  /** Milliseconds between renewals; 10 s when left out. */
  readonly renewEveryMs?: number;
  /** Milliseconds without a renewal after which the lock counts as lost; a minute when left out. */
  readonly staleAfterMs?: number;
  /** Whether the lock was still ours, and is renewed. */
  readonly renew: () => Promise<boolean>;
  /** Gives it back if it is still ours. */
  readonly free: () => Promise<void>;
}

/** Renews until the lock is released or lost; the timer alone does not keep the process alive. */
export function holdLock(options: HoldOptions): HeldLock {
  const { info, environment, clock } = options;
  const staleAfterMs = options.staleAfterMs ?? STALE_AFTER_MS;
  const lost = new AbortController();
  let renewedAt = clock.now().getTime();
  let renewing = false;
  let failure: unknown;
  let released = false;

  const lose = (loss: LockLoss): void => {
    clearInterval(timer);
    lost.abort(lockLostError(environment, info.operation, loss));
  };
  /** Also while a renewal hangs: what counts is when the last one went through. */
  const checkAge = (): void => {
    const silentMs = clock.now().getTime() - renewedAt;
    if (silentMs > staleAfterMs && !released) lose({ silentMs, cause: failure });
  };
  const renewOnce = async (): Promise<void> => {
    // By the time of the request, as those who look at the lock see it: the answer may take long.
    const askedAt = clock.now().getTime();
    try {
      if (await options.renew()) renewedAt = askedAt;
      // Somebody broke the lock: renewing would take it from whoever holds it now.
      else if (!released) lose('broken');
    } catch (error) {
      // A single failed renewal is made good by the next one; the holder's work goes on.
      failure = error;
      checkAge();
    }
  };

  const timer = setInterval(() => {
    if (renewing) return checkAge();
    renewing = true;
    void renewOnce().finally(() => {
      renewing = false;
    });
  }, options.renewEveryMs ?? RENEW_EVERY_MS);
  timer.unref();
  return {
    info,
    lost: lost.signal,
    async release() {
      released = true;
      clearInterval(timer);
      await options.free();
    },
  };
}
