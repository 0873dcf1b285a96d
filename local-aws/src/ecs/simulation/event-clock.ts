/**
 * A clock that jumps from one due time to the next, so that a day takes a fraction of a second.
 * The scheduler's ticks are elastic: close together while things happen, ever further apart while nothing does.
 */
import type { Clock } from '../../contract.ts';

/** Between two ticks while things happen. */
const BUSY_TICK_MS = 1_000;
/** Between two ticks when nothing has happened for long. */
const IDLE_TICK_MS = 600_000;
/** Wake-ups at one moment; more means that something sleeps for no time at all. */
const MAX_WAKES_AT_ONCE = 10_000;

export interface EventClock extends Clock {
  /** Lets everything up to then happen. */
  advance(ms: number): Promise<void>;
  /** Something happened: the next tick comes soon. */
  stir(): void;
  /** Lets what is under way at this moment come to rest. */
  settle(): Promise<void>;
  /** Called after each moment in which something was due. */
  onMoment: () => void;
}

interface Sleeper {
  at: number;
  readonly wake: () => void;
  /** The scheduler's own sleep, the one that can be cut short. */
  readonly tick: boolean;
}

/** Everything here is promises; one turn of the event loop runs all of them that are ready. */
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

export function createEventClock(startMs = 1_700_000_000_000): EventClock {
  let nowMs = startMs;
  let tickMs = BUSY_TICK_MS;
  let atOnce = 0;
  const sleepers = new Set<Sleeper>();

  function sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise<void>((resolve, reject) => {
      if (signal?.aborted) return reject(new Error('aborted'));
      const abort = (): void => {
        sleepers.delete(sleeper);
        reject(new Error('aborted'));
      };
      const wake = (): void => {
        signal?.removeEventListener('abort', abort);
        resolve();
      };
      const sleeper = { at: nowMs + (signal ? tickMs : ms), wake, tick: signal !== undefined };
      if (signal) tickMs = Math.min(tickMs * 2, IDLE_TICK_MS);
      sleepers.add(sleeper);
      signal?.addEventListener('abort', abort, { once: true });
    });
  }

  function stir(): void {
    tickMs = BUSY_TICK_MS;
    for (const sleeper of sleepers) if (sleeper.tick) sleeper.at = Math.min(sleeper.at, nowMs + BUSY_TICK_MS);
  }

  function wakeDue(due: number): void {
    atOnce = due > nowMs ? 0 : atOnce + 1;
    if (atOnce > MAX_WAKES_AT_ONCE) throw new Error(`time stands still at ${nowMs}`);
    nowMs = Math.max(nowMs, due);
    for (const sleeper of [...sleepers]) {
      if (sleeper.at > nowMs) continue;
      sleepers.delete(sleeper);
      sleeper.wake();
      if (!sleeper.tick) stir();
    }
  }

  const clock: EventClock = {
    now: () => nowMs,
    scaled: (awsMs) => awsMs,
    sleep,
    stir,
    settle,
    onMoment: () => undefined,
    async advance(ms) {
      const until = nowMs + ms;
      await settle();
      for (;;) {
        let due = Number.POSITIVE_INFINITY;
        for (const { at } of sleepers) due = Math.min(due, at);
        if (due > until) break;
        wakeDue(due);
        await settle();
        clock.onMoment();
      }
      nowMs = until;
    },
  };
  return clock;
}
