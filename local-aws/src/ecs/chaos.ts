/**
 * What a rehearsal may do to running tasks: take a zone down, interrupt Spot tasks, find one to kill or freeze.
 * The scheduler is not told; it finds out as on AWS, from health checks and from tasks that end.
 */
import { AwsError, type Clock, type RunningTask } from '../contract.ts';
import { lastPart } from './identifiers.ts';
import type { TaskRunner } from './lifecycle/task-runner.ts';
import type { TaskRecord } from './model.ts';
import { placementText } from './placement.ts';
import type { Store } from './store.ts';
import { stopText } from './wording.ts';
import type { ZoneOutages } from './zone-outages.ts';

const SPOT = 'FARGATE_SPOT';
/** Longer beginnings of task ids are quoted in part. */
const MAX_QUOTED_CHARS = 64;

export interface ZoneSwitch {
  /**
   * No task is placed in the zone any more. Tasks that run there are frozen and can't be reached: health checks time
   * out, and the service replaces them elsewhere. Those that are starting fail. Idempotent.
   * @param zone for example `us-east-1a`
   * @returns ids of the tasks that are hit
   * @throws AwsError `InvalidParameterValue` for something that is no zone of the region
   */
  down(zone: string): readonly string[];
  /** The tasks that are still there go on; rebalancing brings the spread back. Idempotent. */
  up(zone: string): readonly string[];
  /** Zones that are down now. Not part of the snapshot: whoever took one down keeps it, and takes it down again. */
  list(): readonly string[];
}

/** One task by id, ARN or the beginning of its id; or every Spot task of a service. */
export type SpotSelection =
  | { readonly task: string }
  | { readonly cluster: string; readonly service: string };

export interface FoundTask {
  readonly record: TaskRecord;
  /** undefined until its process runs. */
  readonly running: RunningTask | undefined;
}

export interface ChaosOptions {
  readonly store: Store;
  readonly runner: TaskRunner;
  readonly outages: ZoneOutages;
  readonly clock: Clock;
}

const ended = (task: TaskRecord): boolean => task.status === 'STOPPED';

export function createZoneSwitch({ store, runner, outages, clock }: ChaosOptions): ZoneSwitch {
  const zoneName = new RegExp(`^${store.scope.region}[a-z]$`);
  const tasksIn = (zone: string): readonly TaskRecord[] =>
    store.tasks().filter((task) => task.zone === zone && !ended(task));
  function check(zone: string): void {
    if (typeof zone === 'string' && zoneName.test(zone)) return;
    const quoted = JSON.stringify(zone)?.slice(0, MAX_QUOTED_CHARS);
    throw new AwsError(
      'InvalidParameterValue',
      `Invalid availability zone: ${quoted} is none of ${store.scope.region}, such as ${store.scope.region}a.`,
    );
  }
  return {
    down(zone) {
      check(zone);
      if (!outages.begin(zone, clock.now())) return [];
      const hit = tasksIn(zone);
      for (const task of hit) {
        if (task.running) task.running.freeze(true);
        else
          runner.retire(task, { code: 'TaskFailedToStart', reason: placementText.capacity, failure: true });
      }
      return hit.map((task) => task.id);
    },
    up(zone) {
      check(zone);
      if (!outages.end(zone)) return [];
      const spared = tasksIn(zone);
      for (const task of spared) task.running?.freeze(false);
      return spared.map((task) => task.id);
    },
    list: () => outages.list,
  };
}

/**
 * @param reference id, ARN or the beginning of an id
 * @returns undefined when no task that has not ended matches
 * @throws AwsError `InvalidParameterException` when several match
 */
export function findTask(store: Store, reference: string): FoundTask | undefined {
  const id = lastPart(reference).toLowerCase();
  if (id === '') return undefined;
  const matches = store.tasks().filter((task) => !ended(task) && task.id.startsWith(id));
  const [record] = matches;
  if (matches.length > 1)
    throw new AwsError(
      'InvalidParameterException',
      `${matches.length} tasks begin with ${id.slice(0, MAX_QUOTED_CHARS)}. Give more digits of the id.`,
    );
  return record && { record, running: record.running };
}

/**
 * The two-minute notice of Fargate Spot: SIGTERM and deregistration now, SIGKILL after the stop timeout
 * (120 s at most, AWS-side). The service starts replacements at once.
 * @returns ids of the interrupted tasks; empty when a service has none on Spot
 * @throws AwsError `InvalidParameterException` for a task that is not there or not on Spot,
 *   `ServiceNotFoundException`
 */
export function interruptSpot(
  { store, runner }: Pick<ChaosOptions, 'store' | 'runner'>,
  selection: SpotSelection,
): readonly string[] {
  const chosen = selectSpot(store, selection);
  for (const task of chosen)
    runner.interrupt(task, { code: 'SpotInterruption', reason: stopText.spot, failure: false });
  return chosen.map((task) => task.id);
}

function selectSpot(store: Store, selection: SpotSelection): readonly TaskRecord[] {
  if ('task' in selection) {
    const record = findTask(store, selection.task)?.record;
    if (!record) throw new AwsError('InvalidParameterException', 'The referenced task was not found.');
    if (record.capacityProvider !== SPOT)
      throw new AwsError(
        'InvalidParameterException',
        `Task ${record.id} runs on ${record.capacityProvider ?? 'FARGATE'}; only ${SPOT} is interrupted.`,
      );
    return record.stopCause ? [] : [record];
  }
  const service = store.findService(selection.cluster, selection.service);
  if (!service || service.status === 'INACTIVE')
    throw new AwsError('ServiceNotFoundException', 'Service not found.');
  return store
    .tasksOf(service)
    .filter((task) => task.capacityProvider === SPOT && !ended(task) && !task.stopCause);
}
