/** What stands before Terraform in an environment's account: state bucket, lock table, ECR repository. */
import type { Environment, Project } from '../../domain/project.ts';
import type { BootstrapPort, Clock } from '../../ports.ts';
import type { Identity } from './identity.ts';
import { ensureLockTable, lockTableExists } from './lock-table.ts';
import { ensureRepository } from './repository.ts';
import type { Session } from './session.ts';
import { ensureStateBucket, stateBucketExists } from './state-bucket.ts';

export interface BootstrapOptions {
  readonly session: Session;
  readonly project: Project;
  readonly environment: Environment;
  readonly clock: Clock;
  readonly identity: Identity;
}

export function createBootstrap(options: BootstrapOptions): BootstrapPort {
  const account = async (): Promise<string> => (await options.identity.whoami()).account;
  const parts = { ...options, account };
  return {
    async exists() {
      const [bucket, table] = await Promise.all([stateBucketExists(parts), lockTableExists(parts)]);
      return bucket && table;
    },
    ensureStateBucket: () => ensureStateBucket(parts),
    ensureLockTable: () => ensureLockTable(parts),
    ensureRepository: () => ensureRepository(parts),
  };
}
