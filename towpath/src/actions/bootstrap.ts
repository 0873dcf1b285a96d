/** Makes what must stand before Terraform: state bucket, lock table, and the project's image repository. */
import type { Cloud, Ports } from '../ports.ts';
import { enter } from './select-environment.ts';
import { stage } from './stage.ts';

export interface BootstrapResult {
  readonly stateBucket: 'created' | 'updated';
  readonly lockTable: 'created' | 'present';
  readonly repository: 'created' | 'updated';
}

export async function bootstrap(ports: Ports, environmentName: string): Promise<BootstrapResult> {
  const { cloud } = await enter(ports, environmentName);
  return ensureBootstrapped(ports, cloud);
}

/** Idempotent: whatever stands already is brought to the wanted settings. */
export async function ensureBootstrapped(
  ports: Pick<Ports, 'clock' | 'notifier' | 'project' | 'cloud'>,
  cloud: Cloud,
): Promise<BootstrapResult> {
  return stage(
    ports,
    'bootstrap',
    async () => {
      const [stateBucket, repository] = await Promise.all([
        cloud.bootstrap.ensureStateBucket(),
        repositoryOwner(ports).bootstrap.ensureRepository(),
      ]);
      // Last: where the table stands, the others are complete, and a bootstrap that was killed is made good.
      const lockTable = await cloud.bootstrap.ensureLockTable();
      return { stateBucket, lockTable, repository };
    },
    (result) =>
      `state bucket ${result.stateBucket}, lock table ${result.lockTable}, repository ${result.repository}`,
  );
}

/** Bootstraps what was not bootstrapped yet. */
export async function ensureStanding(
  ports: Pick<Ports, 'clock' | 'notifier' | 'project' | 'cloud'>,
  cloud: Cloud,
): Promise<void> {
  if (!(await cloud.bootstrap.exists())) await ensureBootstrapped(ports, cloud);
}

/** The project has one image repository, in the first environment's account. */
function repositoryOwner(ports: Pick<Ports, 'project' | 'cloud'>): Cloud {
  const [first] = ports.project.environments;
  if (!first) throw new Error('a project has at least one environment');
  return ports.cloud(first);
}
