/**
 * A clock that moves only when a test says so; sleepers wake in order.
 */
import type { Clock } from '../../contract.ts';

export interface FakeClock extends Clock {
  /** Moves the time on and lets everything that becomes due happen. */
  advance(ms: number): Promise<void>;
}

/** Turns of the event loop that a chain of promises gets to settle. */
const SETTLE_TURNS = 3;

async function settle(): Promise<void> {
  for (let i = 0; i < SETTLE_TURNS; i++) await new Promise<void>((resolve) => setImmediate(resolve));
}

export function createFakeClock(startMs = 1_700_000_000_000, speed = 1): FakeClock {
  let nowMs = startMs;
  let sleepers: { readonly at: number; readonly wake: () => void }[] = [];
  return {
    now: () => nowMs,
    scaled: (awsMs) => awsMs / speed,
    sleep(ms, signal) {
      return new Promise<void>((resolve, reject) => {
        if (signal?.aborted) return reject(new Error('aborted'));
        const abort = (): void => {
          sleepers = sleepers.filter((other) => other !== sleeper);
          reject(new Error('aborted'));
        };
        const wake = (): void => {
          signal?.removeEventListener('abort', abort);
          resolve();
        };
        const sleeper = { at: nowMs + ms, wake };
        sleepers.push(sleeper);
        signal?.addEventListener('abort', abort, { once: true });
      });
    },
    async advance(ms) {
      const until = nowMs + ms;
      await settle();
      for (;;) {
        const due = Math.min(...sleepers.map((sleeper) => sleeper.at));
        if (due > until) break;
        nowMs = Math.max(nowMs, due);
        const woken = sleepers.filter((sleeper) => sleeper.at <= due);
        sleepers = sleepers.filter((sleeper) => sleeper.at > due);
        for (const sleeper of woken) sleeper.wake();
        await settle();
      }
      nowMs = until;
    },
  };
}
