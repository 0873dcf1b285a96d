/**
 * The memory of the ECS part: services and tasks, with bounds on what is kept after their end.
 * No decisions and no effects here; the scheduler and the API both work on this.
 */

import type { DeploymentStateChange } from './deployment-state-change.ts';
import { type ArnScope, clusterNameOf, lastPart, randomUuid, serviceKey } from './identifiers.ts';
import type { DeploymentRecord, ServiceDeploymentRecord, ServiceRecord, TaskRecord } from './model.ts';

/** AWS shows at most this many events of a service. */
const MAX_EVENTS = 100;
/** Stopped tasks kept in memory over all services. */
const MAX_STOPPED_TASKS = 1_000;
/** Inactive services kept in memory. */
const MAX_INACTIVE_SERVICES = 100;
/** Deployments kept in the history of one service. */
const MAX_HISTORY = 100;

export interface Store {
  readonly scope: ArnScope;
  services(): readonly ServiceRecord[];
  /** By key `cluster/service`. */
  service(key: string): ServiceRecord | undefined;
  /** By what a caller wrote: names or ARNs. */
  findService(cluster: string | undefined, reference: string): ServiceRecord | undefined;
  putService(service: ServiceRecord): void;
  tasks(): readonly TaskRecord[];
  tasksOf(service: ServiceRecord): readonly TaskRecord[];
  task(id: string): TaskRecord | undefined;
  putTask(task: TaskRecord): void;
  addEvent(service: ServiceRecord, message: string, now: number): void;
  /** Adds a deployment and its entry in the history; deployments that nothing mentions any more are dropped. */
  addDeployment(service: ServiceRecord, deployment: DeploymentRecord, entry: ServiceDeploymentRecord): void;
  /** Tells whoever listens outside that a deployment began or ended. */
  announce(change: DeploymentStateChange): void;
  /** Drops stopped tasks and inactive services older than `keepMs`, and the oldest beyond the bounds. */
  forget(now: number, keepMs: number): void;
  /** Counts up with every change worth keeping, see `snapshot.ts`. */
  version(): number;
  /** Says that something that is kept here was changed from outside. */
  touch(): void;
}

/** @param announce must not throw */
export function createStore(
  scope: ArnScope,
  announce: (change: DeploymentStateChange) => void = () => undefined,
): Store {
  const services = new Map<string, ServiceRecord>();
  const tasks = new Map<string, TaskRecord>();
  let version = 0;
  const touch = (): void => {
    version += 1;
  };

  function forgetTasks(now: number, keepMs: number): void {
    const stopped = [...tasks.values()]
      .filter((task) => task.status === 'STOPPED')
      .sort((a, b) => (b.stoppedAt ?? 0) - (a.stoppedAt ?? 0));
    stopped.forEach((task, index) => {
      if (index >= MAX_STOPPED_TASKS || now - (task.stoppedAt ?? now) > keepMs) tasks.delete(task.id);
    });
  }

  function forgetServices(now: number, keepMs: number): void {
    const inactive = [...services.entries()]
      .filter(([, service]) => service.status === 'INACTIVE')
      .sort(([, a], [, b]) => (b.inactiveAt ?? 0) - (a.inactiveAt ?? 0));
    inactive.forEach(([key, service], index) => {
      if (index >= MAX_INACTIVE_SERVICES || now - (service.inactiveAt ?? now) > keepMs) services.delete(key);
    });
  }

  return {
    scope,
    services: () => [...services.values()],
    service: (key) => services.get(key),
    findService(cluster, reference) {
      // A long ARN (service/cluster/name) names its cluster itself.
      const parts = reference.split('/');
      const named = reference.startsWith('arn:') && parts.length === 3 ? parts[1] : clusterNameOf(cluster);
      if (cluster !== undefined && named !== clusterNameOf(cluster)) return undefined;
      return services.get(serviceKey(named ?? '', lastPart(reference)));
    },
    putService(service) {
      services.set(serviceKey(service.clusterName, service.name), service);
      touch();
    },
    tasks: () => [...tasks.values()],
    tasksOf: (service) => [...tasks.values()].filter((task) => task.service === service),
    task: (id) => tasks.get(id),
    putTask(task) {
      tasks.set(task.id, task);
      touch();
    },
    addEvent(service, message, now) {
      touch();
      service.events = [{ id: randomUuid(), createdAt: now, message }, ...service.events].slice(
        0,
        MAX_EVENTS,
      );
    },
    addDeployment(service, deployment, entry) {
      touch();
      service.history = [entry, ...service.history].slice(0, MAX_HISTORY);
      service.known.set(deployment.id, deployment);
      const mentioned = new Set(service.history.flatMap((h) => [h.deploymentId, ...h.sourceDeploymentIds]));
      for (const d of [...service.deployments, deployment]) mentioned.add(d.id);
      if (service.lastCompleted) mentioned.add(service.lastCompleted.id);
      for (const id of service.known.keys()) if (!mentioned.has(id)) service.known.delete(id);
    },
    announce,
    forget(now, keepMs) {
      forgetTasks(now, keepMs);
      forgetServices(now, keepMs);
    },
    version: () => version,
    touch,
  };
}
