/** Secrets in memory. Passes the same contract as those in the Parameter Store. */
import { checkSecret } from '../../src/adapters/aws/secrets.ts';
import type { Secret } from '../../src/domain/secret.ts';
import type { Clock, SecretsPort } from '../../src/ports.ts';

export interface StoredSecret {
  readonly value: Secret;
  readonly version: number;
  readonly modifiedAt: string;
}

export interface MemorySecretsOptions {
  readonly store: Map<string, StoredSecret>;
  readonly clock: Clock;
}

export function createMemorySecrets({ store, clock }: MemorySecretsOptions): SecretsPort {
  return {
    async list(names) {
      return names.map((name) => {
        const found = store.get(name);
        return { name, present: found !== undefined, version: found?.version, modifiedAt: found?.modifiedAt };
      });
    },
    async set(name, value) {
      checkSecret(name, value);
      const version = (store.get(name)?.version ?? 0) + 1;
      store.set(name, { value, version, modifiedAt: clock.now().toISOString() });
      return version;
    },
    async read(names) {
      const values = new Map<string, Secret>();
      for (const name of names) {
        const found = store.get(name);
        if (found !== undefined) values.set(name, found.value);
      }
      return values;
    },
    async remove(names) {
      for (const name of names) store.delete(name);
    },
  };
}
