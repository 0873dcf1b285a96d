/** What stands before Terraform, as three flags. Passes the same contract as the one on AWS. */
import { TowpathError } from '../../src/domain/errors.ts';
import type { BootstrapPort } from '../../src/ports.ts';

export interface BootstrapStore {
  bucket: 'absent' | 'ours' | 'taken';
  table: 'absent' | 'ours' | 'wrong key';
  repository: 'absent' | 'ours';
}

export function createMemoryBootstrap(store: BootstrapStore, environment: string): BootstrapPort {
  const checkTable = (): void => {
    if (store.table !== 'wrong key') return;
    throw new TowpathError(
      'CONFIG_INVALID',
      `The lock table of ${environment} has another key than LockID HASH`,
      {
        hint: `set another \`lockTable\` of ${environment} in towpath.config.ts`,
      },
    );
  };
  return {
    async exists() {
      if (store.bucket === 'ours') checkTable();
      return store.bucket === 'ours' && store.table === 'ours';
    },
    async ensureStateBucket() {
      if (store.bucket === 'taken') {
        throw new TowpathError('BUCKET_TAKEN', `Somebody else owns the bucket name of ${environment}`, {
          hint: `set another \`stateBucket\` of ${environment} in towpath.config.ts`,
        });
      }
      const before = store.bucket;
      store.bucket = 'ours';
      return before === 'ours' ? 'updated' : 'created';
    },
    async ensureLockTable() {
      checkTable();
      const before = store.table;
      store.table = 'ours';
      return before === 'ours' ? 'present' : 'created';
    },
    async ensureRepository() {
      const before = store.repository;
      store.repository = 'ours';
      return before === 'ours' ? 'updated' : 'created';
    },
  };
}
