/** The ladder at a glance: what each environment runs, where, and how it is. */
import { type DeploymentRecord, foldLedger } from '../domain/ledger.ts';
import type { Environment } from '../domain/project.ts';
import type { ServiceSnapshot } from '../domain/rollout.ts';
import type { LockInfo, Ports } from '../ports.ts';
import { selectEnvironment } from './select-environment.ts';
import { findUnfinished, type UnfinishedWork } from './unfinished-work.ts';

export interface EnvironmentStatus {
  readonly environment: string;
  readonly bootstrapped: boolean;
  readonly current: DeploymentRecord | undefined;
  readonly lastDeployment: DeploymentRecord | undefined;
  readonly service: ServiceSnapshot | undefined;
  readonly lock: (LockInfo & { readonly liveness: 'alive' | 'dead' | 'unknown' }) | undefined;
  /** What a command left behind or still does. */
  readonly unfinished: UnfinishedWork | undefined;
}

/** @param names all environments when empty */
export async function status(ports: Ports, names: readonly string[]): Promise<readonly EnvironmentStatus[]> {
  const wanted =
    names.length === 0
      ? ports.project.environments
      : names.map((name) => selectEnvironment(ports.project, name));
  // Nothing here changes anything, so that identity and answers can be asked for at once.
  const [, statuses] = await Promise.all([
    showTarget(ports, wanted),
    Promise.all(wanted.map((environment) => statusOf(ports, environment))),
  ]);
  return statuses;
}

async function showTarget(ports: Ports, wanted: readonly Environment[]): Promise<void> {
  const [first] = wanted;
  if (!first) return;
  const target = await ports.cloud(first).whoami();
  ports.notifier.notify({
    type: 'target',
    environment: wanted.map(({ name }) => name).join(', '),
    ...target,
  });
}

async function statusOf(ports: Ports, environment: Environment): Promise<EnvironmentStatus> {
  const cloud = ports.cloud(environment);
  const parts = Promise.all([cloud.ledger.load(), cloud.service.snapshot(), cloud.lock.inspect()]);
  // Before bootstrap these fail, and that is no error.
  parts.catch(() => undefined);
  const name = { environment: environment.name };
  if (!(await cloud.bootstrap.exists())) {
    return {
      ...name,
      bootstrapped: false,
      current: undefined,
      lastDeployment: undefined,
      service: undefined,
      lock: undefined,
      unfinished: undefined,
    };
  }
  const [events, service, lock] = await parts;
  const state = foldLedger(events);
  const holder = lock && { ...lock.holder, liveness: lock.liveness };
  return {
    ...name,
    bootstrapped: true,
    current: state.current,
    lastDeployment: state.deployments.at(-1),
    service,
    lock: holder,
    unfinished: findUnfinished(environment.name, state, holder),
  };
}
