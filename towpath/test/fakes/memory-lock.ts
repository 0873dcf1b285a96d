/** A lock in memory; several holders may share one store. Passes the same contract as the one in DynamoDB. */
import { hostname } from 'node:os';
import { judgeLiveness, type LockRecord, lockHeldError } from '../../src/adapters/aws/lock-record.ts';
import { holdLock } from '../../src/adapters/aws/lock-renewal.ts';
import { isAlive, processStartTime } from '../../src/adapters/process/process-identity.ts';
import type { Clock, LockInfo, LockPort, Random } from '../../src/ports.ts';

/** Who holds the lock; a test may put anybody there. */
export interface LockStore {
  holder: LockRecord | undefined;
  /** Renewals fail. */
  unreachable?: boolean;
}

export interface MemoryLockOptions {
  readonly store: LockStore;
  readonly environment: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly actor: string;
  readonly renewEveryMs?: number;
  readonly staleAfterMs?: number;
}

export function createMemoryLock(options: MemoryLockOptions): LockPort {
  const { store, clock } = options;
  const livenessOf = (holder: LockRecord) =>
    judgeLiveness(holder, {
      now: clock.now(),
      processAlive:
        holder.host === hostname() ? isAlive(holder.pid, holder.processStart || undefined) : undefined,
    });
  const free = (id: string): void => {
    if (store.holder?.id === id) store.holder = undefined;
  };
  return {
    async acquire(operation) {
      const record = newRecord(options, operation);
      await Promise.resolve();
      if (store.holder !== undefined) {
        throw lockHeldError(options.environment, store.holder, livenessOf(store.holder), clock.now());
      }
      store.holder = record;
      return holdLock({
        ...options,
        info: infoOf(record),
        renew: async () => {
          if (store.unreachable) throw new Error('the store of the lock can not be reached');
          if (store.holder?.id !== record.id) return false;
          store.holder = { ...store.holder, renewedAt: clock.now().toISOString() };
          return true;
        },
        free: async () => free(record.id),
      });
    },
    async inspect() {
      const { holder } = store;
      return holder === undefined ? undefined : { holder: infoOf(holder), liveness: livenessOf(holder) };
    },
    async break(id) {
      free(id);
    },
  };
}

function newRecord({ clock, random, actor }: MemoryLockOptions, operation: string): LockRecord {
  const now = clock.now().toISOString();
  return {
    id: random.id(),
    operation,
    actor,
    host: hostname(),
    pid: process.pid,
    processStart: processStartTime(process.pid) ?? '',
    since: now,
    renewedAt: now,
  };
}

function infoOf({ processStart: _, ...info }: LockRecord): LockInfo {
  return info;
}
