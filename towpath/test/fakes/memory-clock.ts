/** A clock that a test moves: every look at it is one step later, and sleeping takes no time. */
import type { Clock } from '../../src/ports.ts';

export interface MemoryClock extends Clock {
  advance(ms: number): void;
}

/** @param stepMs what each call of `now` adds, so that no two times are equal */
export function createMemoryClock(start = '2026-01-01T00:00:00.000Z', stepMs = 1): MemoryClock {
  let time = Date.parse(start);
  return {
    now() {
      time += stepMs;
      return new Date(time);
    },
    async sleep(ms, signal) {
      signal?.throwIfAborted();
      time += ms;
      // Others get their turn, as they would during a real wait.
      await new Promise((resolve) => setImmediate(resolve));
    },
    advance(ms) {
      time += ms;
    },
  };
}
