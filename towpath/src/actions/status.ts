/** The ladder at a glance: what each environment runs, where, and how it is. */
import { type DeploymentRecord, foldLedger } from '../domain/ledger.ts';
import type { ServiceSnapshot } from '../domain/rollout.ts';
import type { LockInfo, Ports } from '../ports.ts';
import { selectEnvironment } from './select-environment.ts';

export interface EnvironmentStatus {
  readonly environment: string;
  readonly bootstrapped: boolean;
  readonly current: DeploymentRecord | undefined;
  readonly lastDeployment: DeploymentRecord | undefined;
  readonly service: ServiceSnapshot | undefined;
  readonly lock: (LockInfo & { readonly liveness: 'alive' | 'dead' | 'unknown' }) | undefined;
}

/** @param environmentName all environments when undefined */
export async function status(
  ports: Ports,
  environmentName: string | undefined,
): Promise<readonly EnvironmentStatus[]> {
  const wanted =
    environmentName === undefined
      ? ports.project.environments
      : [selectEnvironment(ports.project, environmentName)];
  const [first] = wanted;
  if (first) {
    const target = await ports.cloud(first).whoami();
    ports.notifier.notify({
      type: 'target',
      environment: wanted.map(({ name }) => name).join(', '),
      ...target,
    });
  }
  return Promise.all(
    wanted.map(async (environment) => {
      const cloud = ports.cloud(environment);
      if (!(await cloud.bootstrap.exists())) {
        return {
          environment: environment.name,
          bootstrapped: false,
          current: undefined,
          lastDeployment: undefined,
          service: undefined,
          lock: undefined,
        };
      }
      const [events, service, lock] = await Promise.all([
        cloud.ledger.load(),
        cloud.service.snapshot(),
        cloud.lock.inspect(),
      ]);
      const state = foldLedger(events);
      return {
        environment: environment.name,
        bootstrapped: true,
        current: state.current,
        lastDeployment: state.deployments.at(-1),
        service,
        lock: lock && { ...lock.holder, liveness: lock.liveness },
      };
    }),
  );
}
