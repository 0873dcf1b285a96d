/**
 * The ECS part of the embedded AWS: services, deployments, tasks and events that really happen.
 * Put together here; the API is in `api/`, decisions in `decide/`, tasks in `lifecycle/`.
 */
import type {
  Clock,
  CommandSessions,
  ControlPlane,
  LoadBalancerPlane,
  LocalEnvironment,
  Overlay,
  TaskDriver,
} from '../contract.ts';
import type { EventSink } from '../events/aws-event.ts';
import { createNetworkView } from '../network/network-view.ts';
import { createAlarmWatch } from './alarms.ts';
import type { ApiContext } from './api/context.ts';
import { createOverlay } from './api/overlay.ts';
import { createChangeNotice } from './change-notice.ts';
import {
  createZoneSwitch,
  type FoundTask,
  findTask,
  interruptSpot,
  type SpotSelection,
  type ZoneSwitch,
} from './chaos.ts';
import type { decide } from './decide/decide.ts';
import { renderDeploymentEvent } from './deployment-state-change.ts';
import { type AddressBook, createAddressBook } from './lifecycle/addresses.ts';
import { createSubnetDirectory } from './lifecycle/subnets.ts';
import { TaskRunner, type TaskRunnerOptions } from './lifecycle/task-runner.ts';
import { DeclaredConditions } from './placement.ts';
import { type MetadataSuffix, renderMetadata } from './render/metadata.ts';
import { renderScrapeTargets, type ScrapeTargetGroup } from './render/scrape-targets.ts';
import { renderStatus } from './render/status.ts';
import { Scheduler } from './scheduler.ts';
import { createTaskObserver } from './service-events.ts';
import { readServiceLoads, type ServiceLoad } from './service-load.ts';
import { setDesiredCount } from './set-desired-count.ts';
import { type EcsSnapshot, restoreSnapshot, takeSnapshot } from './snapshot.ts';
import { createStore, type Store } from './store.ts';
import { ZoneOutages } from './zone-outages.ts';

const DEFAULT_TICK_MS = 250;
/** Real milliseconds that tasks get on shutdown before they are killed. */
const SHUTDOWN_WITHIN_MS = 5_000;

export interface EcsOptions {
  readonly clock: Clock;
  readonly control: ControlPlane;
  readonly driver: TaskDriver;
  readonly balancer: LoadBalancerPlane;
  /** Where clients come for the commands that ExecuteCommand starts. */
  readonly sessions: CommandSessions;
  /** The gateway's address, e.g. `http://127.0.0.1:4700`; asked when a task starts. */
  readonly endpoint: () => string;
  /** Only shown; intervals are scaled by the clock. */
  readonly speed: number;
  readonly log: (line: string) => void;
  /** Hears of deployments that begin, end or fail. */
  readonly events?: EventSink;
  /** Real milliseconds between two rounds of the scheduler (default 250). */
  readonly tickMs?: number;
  /** Real milliseconds between two looks at a draining target (default 50). */
  readonly drainPollMs?: number;
  /** Replaced where a simulation looks at the decisions, or breaks them. */
  readonly decide?: typeof decide;
  /** Replaced in tests that must not open sockets. */
  readonly addresses?: AddressBook;
}

export interface Ecs {
  readonly overlay: Overlay;
  /** Shortages that a rehearsal declares. */
  readonly conditions: DeclaredConditions;
  /** Says that VPC or load balancer may have changed. */
  networkChanged(): void;
  status(): LocalEnvironment[];
  /** Running tasks of all services, for Prometheus. */
  scrapeTargets(): ScrapeTargetGroup[];
  /** Active services with what their tasks use and have reserved. */
  services(): readonly ServiceLoad[];
  /** The metadata document of a task's container; undefined for an unknown task. */
  metadata(taskId: string, suffix: MetadataSuffix): object | undefined;
  /**
   * @param resourceId `service/<cluster>/<service>`
   * @param cause why, for the service's events and the log
   */
  setDesiredCount(resourceId: string, count: number, cause: string): void;
  /** Takes availability zones down and brings them up again. */
  readonly zones: ZoneSwitch;
  /**
   * Gives Spot tasks their two-minute notice.
   * @returns ids of the interrupted tasks
   * @throws AwsError `InvalidParameterException`, `ServiceNotFoundException`
   */
  interruptSpot(selection: SpotSelection): readonly string[];
  /**
   * A task that has not ended, by id, ARN or the beginning of its id.
   * @throws AwsError `InvalidParameterException` when several match
   */
  findTask(idOrPrefix: string): FoundTask | undefined;
  /** Services, deployments, history, events and tasks as plain JSON. */
  snapshot(): EcsSnapshot;
  /**
   * Before the first request, into an empty memory. Every task counts as lost with its host; the services start new
   * ones as soon as the control plane knows their cluster, subnets and task definition.
   * @throws AwsError `InvalidParameterException` that names what is malformed; nothing is restored then
   */
  restore(snapshot: unknown): void;
  /**
   * Told after a tick in which anything changed that a snapshot holds.
   * @returns ends it
   */
  onChange(listener: () => void): () => void;
  /** Ends the scheduler and every task. Idempotent. */
  stop(): Promise<void>;
}

export function createEcs(options: EcsOptions): Ecs {
  const { clock, control, sessions, driver, balancer, log } = options;
  const scope = { region: control.region, accountId: control.accountId };
  const store = createStore(scope, (change) => options.events?.put(renderDeploymentEvent(change)));
  const changes = createChangeNotice(store, log);
  const subnets = createSubnetDirectory(control);
  const cidrsOf = async (ids: readonly string[]) => (await subnets.load(ids)).map(({ cidr }) => cidr);
  const network = createNetworkView({ control, cidrsOf, log });
  const loadBalancerOf = new Map<string, string>();
  const conditions = new DeclaredConditions();
  const outages = new ZoneOutages();
  const runner = createRunner(options, { store, subnets, network, loadBalancerOf, outages });
  const shared = { store, clock, control, subnets, runner, conditions, outages };
  const context: ApiContext = { ...shared, scope, sessions, loadBalancerOf };
  const scheduler = new Scheduler({
    ...shared,
    balancer,
    alarms: createAlarmWatch(clock, control, log),
    decide: options.decide,
    ticked: changes.tell,
    tickMs: options.tickMs ?? DEFAULT_TICK_MS,
    log,
  });
  scheduler.start();
  log(`ECS scheduler started, speed ${options.speed}`);
  let stopped: Promise<void> | undefined;
  return {
    overlay: createOverlay(context),
    conditions,
    networkChanged: () => network.changed(),
    status: () => renderStatus(store, balancer, loadBalancerOf),
    scrapeTargets: () => renderScrapeTargets(store),
    services: () => readServiceLoads(store),
    metadata(taskId, suffix) {
      const task = store.task(taskId);
      return task && renderMetadata(scope, task, suffix, clock.now());
    },
    setDesiredCount: (resourceId, count, cause) =>
      setDesiredCount({ store, clock, log }, resourceId, count, cause),
    zones: createZoneSwitch(shared),
    interruptSpot: (selection) => interruptSpot(shared, selection),
    findTask: (idOrPrefix) => findTask(store, idOrPrefix),
    snapshot: () => takeSnapshot(store, loadBalancerOf),
    restore: (snapshot) => restoreSnapshot(snapshot, store, loadBalancerOf, clock.now()),
    onChange: changes.listen,
    stop() {
      stopped ??= shutDown(scheduler, runner, driver);
      return stopped;
    },
  };
}

interface RunnerParts extends Pick<TaskRunnerOptions, 'network' | 'subnets' | 'outages'> {
  readonly store: Store;
  readonly loadBalancerOf: ReadonlyMap<string, string>;
}

/** What starts tasks and ends them. */
function createRunner(options: EcsOptions, { store, loadBalancerOf, ...parts }: RunnerParts): TaskRunner {
  const { clock, control, driver, balancer, log, drainPollMs } = options;
  return new TaskRunner({
    ...parts,
    clock,
    control,
    driver,
    balancer,
    loadBalancerOf: (targetGroupArn) => loadBalancerOf.get(targetGroupArn),
    surroundings: () => ({
      region: control.region,
      endpoint: options.endpoint(),
      scaled: (awsMs) => clock.scaled(awsMs),
    }),
    observer: createTaskObserver(store, clock),
    addresses: options.addresses ?? createAddressBook(),
    drainPollMs,
    log,
  });
}

/** No new tasks, then the end of those that run. */
async function shutDown(scheduler: Scheduler, runner: TaskRunner, driver: TaskDriver): Promise<void> {
  await scheduler.stop();
  runner.close();
  await driver.stopAll(SHUTDOWN_WITHIN_MS);
  await runner.idle();
}
