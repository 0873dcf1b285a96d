/**
 * The ECS part as plain JSON, and back again: services with their deployments, history and events, tasks as history.
 * Processes do not outlive the embedded AWS, so every task of a snapshot has ended by the time it is restored;
 * the scheduler then starts new ones from the same task definition, and COMPLETED deployments stay COMPLETED.
 */
import { AwsError } from '../contract.ts';
import { serviceKey } from './identifiers.ts';
import type { DeploymentRecord, Json, ServiceRecord, TaskRecord } from './model.ts';
import { noPendingEvents } from './service-events.ts';
import { type StoredService, type StoredTask, snapshotSchema } from './snapshot-schema.ts';
import type { Store } from './store.ts';
import { stopText } from './wording.ts';

/** The newest of the tasks that have ended; each takes about a kilobyte. */
const MAX_ENDED_TASKS = 200;
/** Problems named in one message. */
const MAX_PROBLEMS = 5;

/** Plain JSON, read by {@link restoreSnapshot} alone. */
export type EcsSnapshot = Json;

const keyOf = (service: ServiceRecord): string => serviceKey(service.clusterName, service.name);

function storeService(service: ServiceRecord): Json {
  const {
    pendingEvents: _due,
    steady: _said,
    blocked: _told,
    struggling: _slow,
    rebalancing: _even,
    ...rest
  } = service;
  return {
    ...rest,
    deployments: service.deployments.map(({ id }) => id),
    lastCompleted: service.lastCompleted?.id,
    history: service.history.map((entry) => ({ ...entry })),
    known: [...service.known.values()].map((deployment) => ({
      ...deployment,
      imageDigests: Object.fromEntries(deployment.imageDigests),
    })),
  };
}

function storeTask(task: TaskRecord): Json {
  const { service, deployment, running: _process, targets: _registered, ...rest } = task;
  const kept = deployment !== undefined && service?.known.get(deployment.id) === deployment;
  return {
    ...rest,
    service: service && keyOf(service),
    deployment: deployment?.id,
    revision: kept ? undefined : task.revision,
    containers: task.containers.map((container) => ({ ...container })),
  };
}

/** @returns plain JSON that does not change any more */
export function takeSnapshot(store: Store, loadBalancerOf: ReadonlyMap<string, string>): EcsSnapshot {
  const tasks = store.tasks();
  const ended = tasks
    .filter((task) => task.status === 'STOPPED')
    .sort((a, b) => (b.stoppedAt ?? 0) - (a.stoppedAt ?? 0));
  const kept = new Set(ended.slice(0, MAX_ENDED_TASKS));
  return {
    format: 1,
    loadBalancers: Object.fromEntries(loadBalancerOf),
    services: store.services().map(storeService),
    tasks: tasks.filter((task) => task.status !== 'STOPPED' || kept.has(task)).map(storeTask),
  };
}

function restoreService(stored: StoredService): ServiceRecord {
  const known = new Map<string, DeploymentRecord>();
  for (const { imageDigests, ...deployment } of stored.known)
    known.set(deployment.id, { ...deployment, imageDigests: new Map(Object.entries(imageDigests)) });
  return {
    ...stored,
    deployments: stored.deployments.flatMap((id) => known.get(id) ?? []),
    lastCompleted: stored.lastCompleted === undefined ? undefined : known.get(stored.lastCompleted),
    known,
    steady: false,
    blocked: false,
    struggling: false,
    rebalancing: false,
    pendingEvents: noPendingEvents(),
  };
}

/** A task that had not ended when the snapshot was taken lost its host with the embedded AWS. */
function restoreTask(stored: StoredTask, store: Store, now: number): TaskRecord | undefined {
  const service = stored.service === undefined ? undefined : store.service(stored.service);
  const deployment = stored.deployment === undefined ? undefined : service?.known.get(stored.deployment);
  const revision = stored.revision ?? deployment?.revision;
  // Its deployment is no longer remembered, so nobody can ask for it either.
  if (!revision) return undefined;
  return {
    ...stored,
    service,
    deployment,
    revision,
    status: 'STOPPED',
    desiredStatus: 'STOPPED',
    running: undefined,
    containerHealth: undefined,
    targets: [],
    stoppingAt: stored.stoppingAt ?? now,
    executionStoppedAt: stored.executionStoppedAt ?? now,
    stoppedAt: stored.stoppedAt ?? now,
    stopCause: stored.stopCause ?? {
      code: 'ServiceSchedulerInitiated',
      reason: stopText.infrastructure(service?.name),
      failure: false,
    },
  };
}

/**
 * Into an empty store only.
 * @throws AwsError `InvalidParameterException` that names what is malformed; nothing is restored then
 */
export function restoreSnapshot(
  snapshot: unknown,
  store: Store,
  loadBalancerOf: Map<string, string>,
  now: number,
): void {
  const parsed = snapshotSchema.safeParse(snapshot);
  if (!parsed.success) {
    const problems = parsed.error.issues.map(({ path, message }) => `${path.join('.') || 'it'}: ${message}`);
    throw new AwsError(
      'InvalidParameterException',
      `The snapshot of ECS can't be restored: ${problems.slice(0, MAX_PROBLEMS).join('; ')}`,
    );
  }
  if (store.services().length > 0 || store.tasks().length > 0)
    throw new AwsError('InvalidParameterException', 'A snapshot of ECS is restored at the start only.');
  const { loadBalancers, services, tasks } = parsed.data;
  for (const [targetGroupArn, arn] of Object.entries(loadBalancers)) loadBalancerOf.set(targetGroupArn, arn);
  for (const stored of services) store.putService(restoreService(stored));
  for (const stored of tasks) {
    const task = restoreTask(stored, store, now);
    if (task) store.putTask(task);
  }
}
