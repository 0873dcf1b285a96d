/** A ledger in memory; several writers may share one store. Passes the same contract as the one in S3. */
import { keyOfSequence } from '../../src/adapters/ledger/ledger-object.ts';
import { TowpathError } from '../../src/domain/errors.ts';
import { type LedgerEvent, nextEvent, verifyChain } from '../../src/domain/ledger.ts';
import type { Clock, LedgerPort } from '../../src/ports.ts';

/** Events by sequence; a test may change them behind the ledger's back. */
export type LedgerStore = Map<number, LedgerEvent>;

export interface MemoryLedgerOptions {
  readonly store: LedgerStore;
  readonly clock: Clock;
  readonly actor: string;
}

export function createMemoryLedger({ store, clock, actor }: MemoryLedgerOptions): LedgerPort {
  const keyed = () => [...store].sort(([a], [b]) => a - b).map(([key, event]) => ({ key, event }));
  return {
    async load() {
      const problems = verifyChain(keyed());
      if (problems.length > 0) {
        const list = problems.map(({ sequence, problem }) => `event ${sequence} is ${problem}`).join(', ');
        throw new TowpathError('LEDGER_CORRUPT', `The ledger does not hold: ${list}`);
      }
      return keyed().map(({ event }) => event);
    },
    async audit() {
      const problems = verifyChain(keyed()).map(({ sequence, problem }) => ({
        object: `memory/${keyOfSequence(sequence)}`,
        message: problem,
      }));
      return { events: keyed().map(({ event }) => event), problems, notes: [] };
    },
    async append(last, payload) {
      const event = nextEvent(last, { time: clock.now().toISOString(), actor, payload });
      // Others may come first, as they may while a request is under way.
      await Promise.resolve();
      if (store.has(event.sequence)) {
        throw new TowpathError('LEDGER_RACE', `Somebody else wrote event ${event.sequence} first`);
      }
      store.set(event.sequence, event);
      return event;
    },
  };
}
