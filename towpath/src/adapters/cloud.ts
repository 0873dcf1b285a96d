/** AWS accounts as the actions see them: one for each environment, put together from the adapters. */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { Environment, Project } from '../domain/project.ts';
import type { Clock, Cloud, LocalDriver, Notifier, Random } from '../ports.ts';
import { createBootstrap } from './aws/bootstrap.ts';
import { createExec } from './aws/exec/exec.ts';
import { createExistingResources } from './aws/existing-resource.ts';
import { createIdentity } from './aws/identity.ts';
import { createLock } from './aws/lock.ts';
import { createLogs } from './aws/logs.ts';
import { createMonitoring } from './aws/monitoring.ts';
import { createOneOff } from './aws/one-off.ts';
import { createSecrets } from './aws/secrets.ts';
import { createService } from './aws/service.ts';
import { createSession, type Session, type StaticCredentials } from './aws/session.ts';
import { createStateLockReader } from './aws/state-lock.ts';
import { createImages } from './build/images.ts';
import { createS3Ledger } from './ledger/s3-ledger.ts';
import { createTerraform } from './terraform/terraform.ts';

export interface CloudOptions {
  readonly project: Project;
  /** Root folder of the project. */
  readonly root: string;
  /** Folder for what belongs to this computer alone. */
  readonly stateDir: string;
  /** Endpoint and keys of the embedded AWS; undefined for AWS. */
  readonly local:
    | {
        readonly endpoint: string;
        readonly keys: StaticCredentials;
        /** Containers need an image with a base, which an engine builds. */
        readonly driver: LocalDriver;
        readonly runs: () => boolean;
      }
    | undefined;
  readonly clock: Clock;
  readonly random: Random;
  readonly notifier: Notifier;
}

/** The clouds of a project's environments, each made once. Environments with the same keys share a session. */
export function createClouds(options: CloudOptions): (environment: Environment) => Cloud {
  const sessions = new Map<string | undefined, Session>();
  const clouds = new Map<string, Cloud>();
  return (environment) => {
    const profile = options.local ? undefined : environment.profile;
    const session = getOrCreate(sessions, profile, () =>
      createSession({
        region: options.project.region,
        profile,
        endpoint: options.local?.endpoint,
        credentials: options.local?.keys,
      }),
    );
    return getOrCreate(clouds, environment.name, () => createCloud(options, environment, session));
  };
}

function getOrCreate<K, V>(map: Map<K, V>, key: K, create: () => V): V {
  const existing = map.get(key);
  if (existing !== undefined) return existing;
  const created = create();
  map.set(key, created);
  return created;
}

function createCloud(options: CloudOptions, environment: Environment, session: Session): Cloud {
  const { project, root, stateDir, local, clock, random, notifier } = options;
  const identity = createIdentity({ session, environment });
  const arn = async () => (await identity.whoami()).identity;
  const parts = { session, project, environment, clock, random };
  const stateLock = createStateLockReader(parts);
  return {
    whoami: () => identity.whoami(),
    bootstrap: createBootstrap({ ...parts, identity }),
    secrets: createSecrets(parts),
    service: createService(parts),
    exec: createExec(parts),
    oneOff: createOneOff(parts),
    logs: createLogs(parts),
    monitoring: createMonitoring(parts),
    ledger: createS3Ledger({ ...parts, notifier, identity: arn }),
    lock: createLock({ ...parts, identity: arn }),
    images: createImages({ ...parts, root, builder: local?.driver === 'process' ? 'bundle' : 'engine' }),
    terraform: createTerraform({
      infra: join(root, 'infra'),
      environment: environment.name,
      dataDir: join(stateDir, 'terraform', targetKey(local?.endpoint), environment.name),
      awsEnvironment: () => session.environment(),
      isolated: local !== undefined,
      targetRuns: local?.runs,
      readStateLock: () => stateLock.read(),
      mendChecksum: () => stateLock.mendChecksum(),
      existingResources: createExistingResources(session),
      notifier,
    }),
  };
}

/** Data directories of different targets are kept apart; one target keeps its own from run to run. */
function targetKey(endpoint: string | undefined): string {
  if (endpoint === undefined) return 'aws';
  return `local-${createHash('sha256').update(endpoint).digest('hex').slice(0, 8)}`;
}
