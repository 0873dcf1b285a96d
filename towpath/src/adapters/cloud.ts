/** One environment's AWS account, put together from the adapters. */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { Environment, Project } from '../domain/project.ts';
import type { Clock, Cloud, Notifier, Random } from '../ports.ts';
import { createBootstrap } from './aws/bootstrap.ts';
import { createIdentity } from './aws/identity.ts';
import { createLock } from './aws/lock.ts';
import { createSecrets } from './aws/secrets.ts';
import { createService } from './aws/service.ts';
import { createSession, type StaticCredentials } from './aws/session.ts';
import { createStateLockReader } from './aws/state-lock.ts';
import { createImages } from './build/images.ts';
import { createS3Ledger } from './ledger/s3-ledger.ts';
import { createTerraform } from './terraform/terraform.ts';

export interface CloudOptions {
  readonly project: Project;
  readonly environment: Environment;
  /** Root folder of the project. */
  readonly root: string;
  /** Folder for what belongs to this computer alone. */
  readonly stateDir: string;
  /** Endpoint and keys of the embedded AWS; undefined for AWS. */
  readonly local: { readonly endpoint: string; readonly keys: StaticCredentials } | undefined;
  readonly clock: Clock;
  readonly random: Random;
  readonly notifier: Notifier;
}

export function createCloud(options: CloudOptions): Cloud {
  const { project, root, stateDir, local, clock, random, notifier } = options;
  // The embedded AWS is one account, whatever accounts the configuration gives its environments.
  const environment: Environment = local
    ? { ...options.environment, account: undefined }
    : options.environment;
  const session = createSession({
    region: project.region,
    profile: local ? undefined : environment.profile,
    endpoint: local?.endpoint,
    credentials: local?.keys,
  });
  const identity = createIdentity({ session, environment });
  const arn = async () => (await identity.whoami()).identity;
  const parts = { session, project, environment, clock, random };
  return {
    whoami: () => identity.whoami(),
    bootstrap: createBootstrap({ ...parts, identity }),
    secrets: createSecrets(parts),
    service: createService(parts),
    ledger: createS3Ledger({ ...parts, identity: arn }),
    lock: createLock({ ...parts, identity: arn }),
    images: createImages({ ...parts, root, builder: local ? 'bundle' : 'engine' }),
    terraform: createTerraform({
      infra: join(root, 'infra'),
      environment: environment.name,
      dataDir: join(stateDir, 'terraform', targetKey(local?.endpoint), environment.name),
      awsEnvironment: () => session.environment(),
      isolated: local !== undefined,
      readStateLock: () => createStateLockReader(parts).read(),
      notifier,
    }),
  };
}

/** Data directories of different targets are kept apart; one target keeps its own from run to run. */
function targetKey(endpoint: string | undefined): string {
  if (endpoint === undefined) return 'aws';
  return `local-${createHash('sha256').update(endpoint).digest('hex').slice(0, 8)}`;
}
