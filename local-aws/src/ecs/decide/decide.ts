/**
 * The service scheduler's decision for one service at one moment. Pure: no I/O, no clock, no randomness.
 * The loop in `scheduler.ts` builds the view, carries the actions out and asks again on its next tick,
 * so each call needs to take only the steps that are safe now.
 */
import { breakerThreshold, maximumTasks, minimumHealthyTasks } from './capacity.ts';
import { taskToStop, zonesToStartIn, zoneToRebalanceInto } from './zone-spread.ts';

export interface TaskView {
  readonly id: string;
  readonly deploymentId: string;
  readonly zone: string;
  readonly createdAt: number;
  /** `pending` = PROVISIONING, PENDING, ACTIVATING; `draining` = DEACTIVATING; `stopping` = beyond that. */
  readonly phase: 'pending' | 'running' | 'draining' | 'stopping';
  readonly health: 'unknown' | 'healthy' | 'unhealthy';
  readonly everHealthy: boolean;
}

export interface DeploymentView {
  readonly id: string;
  readonly primary: boolean;
  readonly rolloutState: 'IN_PROGRESS' | 'COMPLETED' | 'FAILED';
  readonly failedTasks: number;
  readonly throttledUntil: number;
}

export interface ServiceView {
  readonly status: 'ACTIVE' | 'DRAINING';
  readonly desiredCount: number;
  readonly maximumPercent: number;
  readonly minimumHealthyPercent: number;
  readonly breaker: { readonly enable: boolean; readonly rollback: boolean };
  readonly alarms: { readonly triggered: boolean; readonly rollback: boolean };
  /** Zones of the primary deployment's subnets. */
  readonly zones: readonly string[];
  readonly rebalance: boolean;
  /** Whether a rebalancing was begun and has not ended. */
  readonly rebalancing: boolean;
  readonly deployments: readonly DeploymentView[];
  readonly lastCompletedId: string | undefined;
  readonly steady: boolean;
  readonly blocked: boolean;
}

export type StopWhy = 'scaling' | 'unhealthy' | 'rebalancing';

export type Action =
  | {
      readonly kind: 'start';
      readonly deploymentId: string;
      readonly zone: string;
      readonly why: 'scaling' | 'unhealthy' | 'rebalancing';
    }
  | { readonly kind: 'stop'; readonly taskId: string; readonly why: StopWhy }
  | {
      readonly kind: 'fail';
      readonly deploymentId: string;
      readonly trigger: 'breaker' | 'alarms';
      readonly rollbackTo: string | undefined;
    }
  | { readonly kind: 'complete'; readonly deploymentId: string }
  | { readonly kind: 'retire'; readonly deploymentId: string }
  | { readonly kind: 'rebalancing' | 'rebalanced' }
  | { readonly kind: 'steady' }
  | { readonly kind: 'blocked' }
  | { readonly kind: 'inactive' };

const live = (task: TaskView): boolean => task.phase === 'pending' || task.phase === 'running';
const healthy = (task: TaskView): boolean => task.phase === 'running' && task.health === 'healthy';
const unhealthy = (task: TaskView): boolean => task.phase === 'running' && task.health === 'unhealthy';
/** Cheapest to lose first: not running, failing, not yet proven, serving. */
const worth = (task: TaskView): number => {
  if (task.phase === 'pending') return 0;
  return unhealthy(task) ? 1 : task.health === 'unknown' ? 2 : 3;
};

const stop = (task: TaskView, why: StopWhy = 'scaling'): Action => ({
  kind: 'stop',
  taskId: task.id,
  why,
});

/**
 * @param tasks all tasks of the service that are not STOPPED
 * @param now milliseconds since the epoch
 * @returns what to do now, in this order; empty when everything is as it should be
 */
export function decide(service: ServiceView, tasks: readonly TaskView[], now: number): readonly Action[] {
  if (service.status === 'DRAINING') return decideDraining(service, tasks);
  const primary = service.deployments.find((deployment) => deployment.primary);
  if (!primary) return [];
  const failure = decideFailure(service, primary);
  if (failure) return [failure];
  const retired = service.deployments
    .filter((d) => !d.primary && !tasks.some((t) => t.deploymentId === d.id && t.phase !== 'stopping'))
    .map((d): Action => ({ kind: 'retire', deploymentId: d.id }));
  const moves =
    primary.rolloutState === 'FAILED'
      ? stopHopeless(primary, tasks)
      : decideMoves(service, primary, tasks, now);
  return [...retired, ...moves, ...decideClosing(service, primary, tasks, moves, now)];
}

function decideDraining(service: ServiceView, tasks: readonly TaskView[]): readonly Action[] {
  if (tasks.length > 0) return tasks.filter(live).map((task) => stop(task));
  return [
    ...service.deployments
      .filter((d) => !d.primary)
      .map((d): Action => ({ kind: 'retire', deploymentId: d.id })),
    { kind: 'inactive' },
  ];
}

function decideFailure(service: ServiceView, primary: DeploymentView): Action | undefined {
  if (primary.rolloutState !== 'IN_PROGRESS') return undefined;
  const target = service.lastCompletedId === primary.id ? undefined : service.lastCompletedId;
  if (service.breaker.enable && primary.failedTasks >= breakerThreshold(service.desiredCount))
    return {
      kind: 'fail',
      deploymentId: primary.id,
      trigger: 'breaker',
      rollbackTo: service.breaker.rollback ? target : undefined,
    };
  if (service.alarms.triggered)
    return {
      kind: 'fail',
      deploymentId: primary.id,
      trigger: 'alarms',
      rollbackTo: service.alarms.rollback ? target : undefined,
    };
  return undefined;
}

/** A task that was never healthy and now fails its checks serves nobody: it goes at once. */
function stopHopeless(primary: DeploymentView, tasks: readonly TaskView[]): Action[] {
  return tasks
    .filter((task) => task.deploymentId === primary.id && unhealthy(task) && !task.everHealthy)
    .map((task) => stop(task, 'unhealthy'));
}

function decideMoves(
  service: ServiceView,
  primary: DeploymentView,
  tasks: readonly TaskView[],
  now: number,
): readonly Action[] {
  const { desiredCount: desired } = service;
  const hopeless = stopHopeless(primary, tasks);
  const own = tasks.filter((task) => task.deploymentId === primary.id && live(task));
  const good = own.filter((task) => !unhealthy(task));
  const sick = own.filter((task) => unhealthy(task) && task.everHealthy);
  const old = tasks.filter((task) => task.deploymentId !== primary.id && live(task));
  const need = Math.max(0, desired - good.length);
  const room = Math.max(
    0,
    maximumTasks(desired, service.maximumPercent) - tasks.filter(live).length + hopeless.length,
  );
  const startable = now >= primary.throttledUntil ? Math.min(need, room) : 0;
  const starts = zonesToStartIn(
    service.zones,
    good.map((task) => task.zone),
    startable,
  ).map(
    (zone, i): Action => ({
      kind: 'start',
      deploymentId: primary.id,
      zone,
      why: i < sick.length + hopeless.length ? 'unhealthy' : 'scaling',
    }),
  );
  const shortOfRoom = Math.max(0, need - room);
  const stops = [
    ...stopOld(service, good.filter(healthy).length, tasks, old, shortOfRoom),
    ...stopSick(desired, good, sick, tasks, shortOfRoom),
    ...scaleIn(desired, good, service.rebalancing ? 'rebalancing' : 'scaling'),
  ];
  return [...hopeless, ...stops, ...starts];
}

/** Tasks of earlier deployments leave as their successors become healthy, or to make room for these. */
function stopOld(
  service: ServiceView,
  healthySuccessors: number,
  tasks: readonly TaskView[],
  old: readonly TaskView[],
  shortOfRoom: number,
): readonly Action[] {
  const leaving = new Set(old.filter((task) => task.phase === 'pending'));
  const keep = Math.max(0, service.desiredCount - healthySuccessors);
  const minimum = minimumHealthyTasks(service.desiredCount, service.minimumHealthyPercent);
  let spare = tasks.filter(healthy).length - minimum;
  let toStop = Math.max(old.length - keep, shortOfRoom) - leaving.size;
  let pool = old.filter((task) => !leaving.has(task));
  while (toStop > 0 && pool.length > 0) {
    const lowest = Math.min(...pool.map(worth));
    const pick = taskToStop(
      pool.filter((task) => worth(task) === lowest),
      worth,
    );
    if (!pick) break;
    if (healthy(pick) && spare <= 0) break;
    if (healthy(pick)) spare -= 1;
    leaving.add(pick);
    pool = pool.filter((task) => task !== pick);
    toStop -= 1;
  }
  return [...leaving].map((task) => stop(task));
}

/** A task that was healthy once is replaced first; where there is no room for that, one at a time. */
function stopSick(
  desired: number,
  good: readonly TaskView[],
  sick: readonly TaskView[],
  tasks: readonly TaskView[],
  shortOfRoom: number,
): readonly Action[] {
  const keep = Math.max(0, desired - good.filter(healthy).length);
  const replaced = sick.slice(0, Math.max(0, sick.length - keep));
  if (replaced.length > 0) return replaced.map((task) => stop(task, 'unhealthy'));
  const underWay = tasks.some((task) => task.phase === 'pending' || task.phase === 'draining');
  const [first] = sick;
  return first && shortOfRoom > 0 && !underWay ? [stop(first, 'unhealthy')] : [];
}

/** More good tasks than wanted: stop in the fullest zone, and never a healthy one before the rest is healthy. */
function scaleIn(desired: number, good: readonly TaskView[], why: StopWhy): readonly Action[] {
  const actions: Action[] = [];
  let pool = [...good];
  while (pool.length > desired) {
    const pick = taskToStop(pool, worth);
    if (!pick || (healthy(pick) && pool.filter(healthy).length - 1 < desired)) break;
    actions.push(stop(pick, why));
    pool = pool.filter((task) => task !== pick);
  }
  return actions;
}

function decideClosing(
  service: ServiceView,
  primary: DeploymentView,
  tasks: readonly TaskView[],
  moves: readonly Action[],
  now: number,
): readonly Action[] {
  if (moves.length > 0 || primary.rolloutState === 'FAILED') return [];
  const own = tasks.filter((task) => task.deploymentId === primary.id && live(task));
  const others = tasks.some((task) => task.deploymentId !== primary.id && task.phase !== 'stopping');
  const settled = own.length === service.desiredCount && own.every(healthy) && !others;
  if (!settled) return isBlocked(service, primary, tasks) ? [{ kind: 'blocked' }] : [];
  const actions: Action[] = [];
  if (primary.rolloutState === 'IN_PROGRESS') actions.push({ kind: 'complete', deploymentId: primary.id });
  const calm = !tasks.some((task) => task.phase === 'draining');
  if (calm && !service.steady) actions.push({ kind: 'steady' });
  if (actions.length > 0 || !calm || now < primary.throttledUntil) return actions;
  return decideRebalancing(service, primary, own);
}

/** One task at a time, and the new one first. */
function decideRebalancing(
  service: ServiceView,
  primary: DeploymentView,
  own: readonly TaskView[],
): readonly Action[] {
  const zone = zoneToRebalanceInto(
    service.zones,
    own.map((task) => task.zone),
  );
  const roomForOne = own.length < maximumTasks(service.desiredCount, service.maximumPercent);
  if (zone === undefined || !service.rebalance || !roomForOne)
    return service.rebalancing ? [{ kind: 'rebalanced' }] : [];
  const start: Action = { kind: 'start', deploymentId: primary.id, zone, why: 'rebalancing' };
  return service.rebalancing ? [start] : [{ kind: 'rebalancing' }, start];
}

/** True when the percentages themselves keep a deployment from moving: floor(max) = ceil(min). */
function isBlocked(service: ServiceView, primary: DeploymentView, tasks: readonly TaskView[]): boolean {
  if (service.blocked || primary.rolloutState !== 'IN_PROGRESS') return false;
  const count = tasks.filter(live).length;
  return (
    count >= maximumTasks(service.desiredCount, service.maximumPercent) &&
    tasks.every(healthy) &&
    tasks.length <= minimumHealthyTasks(service.desiredCount, service.minimumHealthyPercent)
  );
}
