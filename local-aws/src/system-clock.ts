/** The real clock. `speed` divides the intervals of AWS, nothing else. */
import { setTimeout as wait } from 'node:timers/promises';
import type { Clock } from './contract.ts';

export function createSystemClock(speed: number): Clock {
  return {
    now: () => Date.now(),
    scaled: (awsMs) => awsMs / speed,
    sleep: async (ms, signal) => {
      await wait(ms, undefined, signal === undefined ? {} : { signal });
    },
  };
}
