/** The objects of a ledger in memory, with what a test may do behind its back, and its witness. */
import { createHash } from 'node:crypto';
import type { LedgerStore } from '../../src/adapters/ledger/ledger-store.ts';
import type { LedgerWitness, Testimony } from '../../src/adapters/ledger/ledger-witness.ts';

export interface MemoryLedgerStore extends LedgerStore {
  /** Bodies by key. */
  readonly objects: Map<string, string>;
  /** Keys that were read, in order. */
  readonly reads: string[];
}

export function createMemoryLedgerStore(objects = new Map<string, string>()): MemoryLedgerStore {
  const reads: string[] = [];
  return {
    objects,
    reads,
    async list({ prefix, startAfter = '', maxKeys = Number.POSITIVE_INFINITY }) {
      return [...objects]
        .filter(([key]) => key.startsWith(prefix) && key > startAfter)
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .slice(0, maxKeys)
        .map(([key, body]) => ({ key, etag: createHash('md5').update(body).digest('hex') }));
    },
    async get(key) {
      reads.push(key);
      return objects.get(key);
    },
    async putOnce(key, body) {
      if (objects.has(key)) return 'taken';
      objects.set(key, body);
      return 'written';
    },
    addressOf: (key) => `s3://bucket/${key}`,
  };
}

export interface MemoryWitness extends LedgerWitness {
  testimony: Testimony | undefined;
}

export function createMemoryWitness(): MemoryWitness {
  const witness: MemoryWitness = {
    testimony: undefined,
    read: async () => witness.testimony,
    async move({ sequence, hash }) {
      if ((witness.testimony?.sequence ?? 0) < sequence) witness.testimony = { sequence, hash };
    },
  };
  return witness;
}
