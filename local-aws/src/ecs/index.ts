/**
 * The ECS part of the embedded AWS: services, deployments, tasks and events that really happen.
 * Put together here; the API is in `api/`, decisions in `decide/`, tasks in `lifecycle/`.
 */
import type {
  Clock,
  ControlPlane,
  LoadBalancerPlane,
  LocalEnvironment,
  Overlay,
  TaskDriver,
} from '../contract.ts';
import { createNetworkView } from '../network/network-view.ts';
import { createAlarmWatch } from './alarms.ts';
import type { ApiContext } from './api/context.ts';
import { createOverlay } from './api/overlay.ts';
import { changeDesiredCount } from './api/update-service.ts';
import { serviceKey } from './identifiers.ts';
import { type AddressBook, createAddressBook } from './lifecycle/addresses.ts';
import { createSubnetDirectory } from './lifecycle/subnets.ts';
import { TaskRunner } from './lifecycle/task-runner.ts';
import { DeclaredConditions } from './placement.ts';
import { type MetadataSuffix, renderMetadata } from './render/metadata.ts';
import { renderStatus } from './render/status.ts';
import { Scheduler } from './scheduler.ts';
import { createTaskObserver } from './service-events.ts';
import { createStore } from './store.ts';

const DEFAULT_TICK_MS = 250;
/** Real milliseconds that tasks get on shutdown before they are killed. */
const SHUTDOWN_WITHIN_MS = 5_000;
const LISTENER_PORTS = [80, 443];

export interface EcsOptions {
  readonly clock: Clock;
  readonly control: ControlPlane;
  readonly driver: TaskDriver;
  readonly balancer: LoadBalancerPlane;
  /** The gateway's address, e.g. `http://127.0.0.1:4700`; asked when a task starts. */
  readonly endpoint: () => string;
  /** Only shown; intervals are scaled by the clock. */
  readonly speed: number;
  readonly log: (line: string) => void;
  /** Real milliseconds between two rounds of the scheduler (default 250). */
  readonly tickMs?: number;
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
  /** The metadata document of a task's container; undefined for an unknown task. */
  metadata(taskId: string, suffix: MetadataSuffix): object | undefined;
  /**
   * @param resourceId `service/<cluster>/<service>`
   * @param cause why, for the log
   */
  setDesiredCount(resourceId: string, count: number, cause: string): void;
  /** Ends the scheduler and every task. Idempotent. */
  stop(): Promise<void>;
}

export function createEcs(options: EcsOptions): Ecs {
  const { clock, control, driver, balancer, log } = options;
  const scope = { region: control.region, accountId: control.accountId };
  const store = createStore(scope);
  const subnets = createSubnetDirectory(control);
  const loadBalancerOf = new Map<string, string>();
  const conditions = new DeclaredConditions();
  const network = createNetworkView({
    control,
    cidrsOf: async (ids) => (await subnets.load(ids)).map(({ cidr }) => cidr),
    log,
  });
  const runner = new TaskRunner({
    network,
    loadBalancerOf: (targetGroupArn) => loadBalancerOf.get(targetGroupArn),
    clock,
    control,
    driver,
    balancer,
    subnets,
    surroundings: () => ({
      region: control.region,
      endpoint: options.endpoint(),
      scaled: (awsMs) => clock.scaled(awsMs),
    }),
    observer: createTaskObserver(store, clock),
    log,
    addresses: options.addresses ?? createAddressBook(),
  });
  const scheduler = new Scheduler({
    store,
    clock,
    balancer,
    subnets,
    runner,
    alarms: createAlarmWatch(clock, control, log),
    conditions,
    tickMs: options.tickMs ?? DEFAULT_TICK_MS,
    log,
  });
  const context: ApiContext = { store, scope, clock, control, subnets, runner, loadBalancerOf };
  let stopped: Promise<void> | undefined;

  function urlOf(targetGroupArn: string): string | undefined {
    const arn = loadBalancerOf.get(targetGroupArn);
    if (arn === undefined) return undefined;
    for (const listenerPort of LISTENER_PORTS) {
      const port = balancer.localPort(arn, listenerPort);
      if (port !== undefined) return `http://127.0.0.1:${port}`;
    }
    return undefined;
  }

  async function shutDown(): Promise<void> {
    await scheduler.stop();
    runner.close();
    await driver.stopAll(SHUTDOWN_WITHIN_MS);
    await runner.idle();
  }

  scheduler.start();
  log(`ECS scheduler started, speed ${options.speed}`);
  return {
    overlay: createOverlay(context),
    conditions,
    networkChanged: () => network.changed(),
    status: () => renderStatus(store, balancer, urlOf),
    metadata(taskId, suffix) {
      const task = store.task(taskId);
      return task && renderMetadata(scope, task, suffix, clock.now());
    },
    setDesiredCount(resourceId, count, cause) {
      const [kind, cluster, name] = resourceId.split('/');
      const service = kind === 'service' ? store.service(serviceKey(cluster ?? '', name ?? '')) : undefined;
      if (service?.status !== 'ACTIVE') {
        log(`desired count of ${resourceId} not set to ${count}: no such active service (${cause})`);
        return;
      }
      log(`desired count of ${resourceId}: ${service.desiredCount} -> ${count} (${cause})`);
      changeDesiredCount(service, count);
    },
    stop() {
      stopped ??= shutDown();
      return stopped;
    },
  };
}
