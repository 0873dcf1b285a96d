/** The port contracts on the fakes that tests of actions use. */
import { describe } from 'vitest';
import { createMemoryBootstrap } from '../fakes/memory-bootstrap.ts';
import { createMemoryClock } from '../fakes/memory-clock.ts';
import { createMemoryLedger, type LedgerStore } from '../fakes/memory-ledger.ts';
import { createMemoryLock, type LockStore } from '../fakes/memory-lock.ts';
import { createMemoryRandom } from '../fakes/memory-random.ts';
import { createMemorySecrets } from '../fakes/memory-secrets.ts';
import { type BootstrapHarness, bootstrapContract } from './bootstrap-contract.ts';
import { ledgerContract } from './ledger-contract.ts';
import { lockContract, RENEW_EVERY_MS, STALE_AFTER_MS } from './lock-contract.ts';
import { secretsContract } from './secrets-contract.ts';

describe('ledger in memory', () =>
  ledgerContract({
    timeoutMs: 5_000,
    maxBackoffMs: 0,
    open: async () => {
      const store: LedgerStore = new Map();
      const clock = createMemoryClock();
      return {
        writer: (actor) => createMemoryLedger({ store, clock, actor }),
        tamper: async (sequence, event) => {
          if (event === undefined) store.delete(sequence);
          else store.set(sequence, event);
        },
      };
    },
  }));

describe('lock in memory', () =>
  lockContract(async () => {
    const store: LockStore = { holder: undefined };
    const clock = createMemoryClock();
    const random = createMemoryRandom();
    const pace = { renewEveryMs: RENEW_EVERY_MS, staleAfterMs: STALE_AFTER_MS };
    const shared = { store, environment: 'test', clock, random, ...pace };
    return {
      contender: (actor) => createMemoryLock({ ...shared, actor }),
      plant: async (holder) => {
        store.holder = holder;
      },
      cutOff: async () => {
        store.unreachable = true;
      },
      ago: (ms) => new Date(clock.now().getTime() - ms).toISOString(),
    };
  }));

describe('secrets in memory', () =>
  secretsContract(async () => createMemorySecrets({ store: new Map(), clock: createMemoryClock() })));

describe('bootstrap in memory', () =>
  bootstrapContract(async (): Promise<BootstrapHarness> => {
    const store = { bucket: 'absent', table: 'absent', repository: 'absent' } as Parameters<
      typeof createMemoryBootstrap
    >[0];
    return {
      bootstrap: createMemoryBootstrap(store, 'test'),
      takeBucketName: async () => {
        store.bucket = 'taken';
      },
      makeForeignTable: async () => {
        store.table = 'wrong key';
      },
    };
  }));
