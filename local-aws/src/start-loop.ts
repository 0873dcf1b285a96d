/** A loop of the embedded AWS: turn, pause, turn, until it is stopped. One turn's failure does not end it. */
import type { Clock } from './contract.ts';

export interface LoopOptions {
  /** For the log, e.g. `alarm evaluation`. */
  readonly name: string;
  readonly clock: Clock;
  /** Real milliseconds until the next turn, asked after each. */
  readonly pauseMs: () => number;
  readonly turn: () => void | Promise<void>;
  readonly log: (line: string) => void;
}

export interface Loop {
  /** No turn begins after the call; resolves when the one under way has ended. Idempotent. */
  stop(): Promise<void>;
}

export function startLoop({ name, clock, pauseMs, turn, log }: LoopOptions): Loop {
  const abort = new AbortController();
  // The same trouble every second would fill the log: told once until it changes or is over.
  let told: string | undefined;
  const run = async () => {
    while (!abort.signal.aborted) {
      // A sleep that is cut short by stop() rejects; the loop then ends by its condition.
      await clock.sleep(pauseMs(), abort.signal).catch(() => undefined);
      if (abort.signal.aborted) return;
      try {
        await turn();
        told = undefined;
      } catch (error) {
        const message = error instanceof Error ? error.message : String(error);
        if (message !== told) log(`${name}: ${message}`);
        told = message;
      }
    }
  };
  const running = run();
  return {
    stop: () => {
      abort.abort();
      return running;
    },
  };
}
