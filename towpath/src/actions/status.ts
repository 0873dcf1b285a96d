/** The ladder at a glance: what each environment runs, where, and how it is. */
import type { AlarmView } from '../domain/alarm.ts';
import { TowpathError } from '../domain/errors.ts';
import { validApprovals } from '../domain/gates.ts';
import { type DeploymentRecord, foldLedger, type LedgerEvent } from '../domain/ledger.ts';
import type { Environment } from '../domain/project.ts';
import { foldPromotions, openPromotion, type Promotion } from '../domain/promotion.ts';
import type { ServiceSnapshot } from '../domain/rollout.ts';
import type { Cloud, LockInfo, Ports } from '../ports.ts';
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
  /** What waits for time or people. */
  readonly pending: PendingPromotion | undefined;
  /** Those that ring; undefined where the caller may not ask, or there is nothing yet. */
  readonly alarms: readonly AlarmView[] | undefined;
  /** Why they can't be told. */
  readonly alarmsTrouble: string | undefined;
}

export interface PendingPromotion {
  readonly promotion: Promotion;
  /** Approvals that count now. */
  readonly approved: number;
  readonly approvalsNeeded: number;
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
  const parts = Promise.all([
    cloud.ledger.load(),
    cloud.service.snapshot(),
    cloud.lock.inspect(),
    loadAlarms(cloud),
  ]);
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
      pending: undefined,
      alarms: undefined,
      alarmsTrouble: undefined,
    };
  }
  const [events, service, lock, alarms] = await parts;
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
    pending: findPending(environment, events, ports.clock.now()),
    ...alarms,
  };
}

/** Whoever may see the ledger but not the alarms, or meets a CloudWatch that fails, still gets a status. */
async function loadAlarms(cloud: Cloud): Promise<Pick<EnvironmentStatus, 'alarms' | 'alarmsTrouble'>> {
  try {
    return { alarms: await cloud.monitoring.alarms(), alarmsTrouble: undefined };
  } catch (error) {
    if (!(error instanceof TowpathError)) throw error;
    const denied = error.code === 'ACCESS_DENIED';
    return {
      alarms: undefined,
      alarmsTrouble: denied ? 'cloudwatch:DescribeAlarms is not allowed' : error.message,
    };
  }
}

/** One that runs is no longer pending: it is unfinished work. */
function findPending(
  { promotion: policy }: Environment,
  events: readonly LedgerEvent[],
  now: Date,
): PendingPromotion | undefined {
  const promotion = openPromotion(foldPromotions(events));
  if (promotion?.state !== 'open') return undefined;
  return {
    promotion,
    approved: validApprovals(promotion, now).length,
    approvalsNeeded: policy.approvals,
  };
}
