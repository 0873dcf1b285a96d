/**
 * The reconcile loop: on every tick it looks at each service, asks `decide/` what to do, and does it.
 * Decisions are not taken here, and a task's own steps are in `lifecycle/`.
 */
import type { Clock, LoadBalancerPlane } from '../contract.ts';
import type { AlarmWatch } from './alarms.ts';
import { chooseCapacityProvider } from './decide/capacity-provider.ts';
import { type Action, decide, type StopWhy } from './decide/decide.ts';
import { countByZone } from './decide/zone-spread.ts';
import {
  completeDeployment,
  disturb,
  failDeployment,
  recordFailure,
  recordHealthy,
  retireDeployment,
} from './deployments.ts';
import { type HealthLookup, type HealthVerdict, taskHealth } from './health.ts';
import type { SubnetDirectory } from './lifecycle/subnets.ts';
import { createTaskRecord, NO_OVERRIDES } from './lifecycle/task-record.ts';
import type { TaskRunner } from './lifecycle/task-runner.ts';
import type { DeploymentRecord, ServiceRecord, TaskRecord } from './model.ts';
import { type DeclaredConditions, placementText, refusePlacement, usedCpuUnits } from './placement.ts';
import { tellPendingEvents } from './service-events.ts';
import { serviceView, taskView } from './service-view.ts';
import type { Store } from './store.ts';
import { taskTags } from './task-tags.ts';
import { eventText, stopText } from './wording.ts';
import type { ZoneOutages } from './zone-outages.ts';

/** Stopped tasks and inactive services stay visible this long. AWS-side. */
const KEEP_STOPPED_AWS_MS = 3_600_000;
/** A task in a zone that is down is given up this long after. AWS does not publish it: assumption. */
const HOST_LOST_AFTER_AWS_MS = 120_000;
/** Real pause between two attempts to learn about the subnets of a restored service. */
const SUBNETS_RETRY_MS = 5_000;
/** Pause after a task that could not be placed. AWS does not publish its own: assumption. */
const PLACEMENT_PAUSE_AWS_MS = 10_000;

export interface SchedulerOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly balancer: LoadBalancerPlane;
  readonly subnets: SubnetDirectory;
  readonly runner: TaskRunner;
  readonly alarms: AlarmWatch;
  readonly conditions: DeclaredConditions;
  readonly outages: ZoneOutages;
  /** Replaced where a simulation looks at the decisions, or breaks them. */
  readonly decide?: typeof decide | undefined;
  /** Called at the end of every tick. */
  readonly ticked: () => void;
  /** Real milliseconds between two ticks. */
  readonly tickMs: number;
  readonly log: (line: string) => void;
}

/** One round over one service: what was seen, and when. */
interface Round {
  readonly service: ServiceRecord;
  readonly verdicts: ReadonlyMap<string, HealthVerdict>;
  readonly zones: readonly string[];
  readonly now: number;
}

function stopReason(service: ServiceRecord, cause: HealthVerdict['cause'], why: StopWhy): string {
  if (cause) return stopText.unhealthy(cause.targetGroupArn);
  if (why === 'unhealthy') return stopText.containerUnhealthy;
  return stopText.scaling(service.deployments[0]?.id ?? '');
}

export class Scheduler {
  readonly #options: SchedulerOptions;
  readonly #abort = new AbortController();
  #loop: Promise<void> | undefined;
  /** By service: several are restored at once, and none has to wait for the others. */
  readonly #subnetsAskedAt = new WeakMap<ServiceRecord, number>();

  constructor(options: SchedulerOptions) {
    this.#options = options;
  }

  start(): void {
    this.#loop ??= this.#run();
  }

  /** No tick happens after it resolves. */
  async stop(): Promise<void> {
    this.#abort.abort();
    await this.#loop;
  }

  async #run(): Promise<void> {
    const { clock, tickMs } = this.#options;
    while (!this.#abort.signal.aborted) {
      this.#tick();
      // A sleep that is cut short by stop() may reject; the loop then ends by its condition.
      await clock.sleep(tickMs, this.#abort.signal).catch(() => undefined);
    }
  }

  #tick(): void {
    const { store, clock, log, ticked } = this.#options;
    const now = clock.now();
    this.#giveUpLostHosts(now);
    const lookUp = this.#lookUpOnce();
    for (const service of store.services()) {
      if (service.status === 'INACTIVE') continue;
      try {
        this.#reconcile(service, lookUp, now);
      } catch (error) {
        // One service's trouble must not keep the others from being looked after.
        log(`service ${service.arn}: ${error instanceof Error ? (error.stack ?? error.message) : error}`);
      }
    }
    store.forget(now, clock.scaled(KEEP_STOPPED_AWS_MS));
    ticked();
  }

  /** Tasks that no load balancer looks at, and those that could not be replaced. */
  #giveUpLostHosts(now: number): void {
    const { store, clock, runner, outages } = this.#options;
    if (outages.list.length === 0) return;
    for (const task of store.tasks()) {
      const since = outages.downSince(task.zone);
      if (since === undefined || now - since < clock.scaled(HOST_LOST_AFTER_AWS_MS)) continue;
      const reason = stopText.infrastructure(task.service?.name);
      runner.interrupt(task, { code: 'ServiceSchedulerInitiated', reason, failure: false });
    }
  }

  /** Zones of the service's subnets: those that are up, or all where none is. */
  #zonesOf(service: ServiceRecord, now: number): readonly string[] {
    const { subnets, outages, log } = this.#options;
    const wanted = service.revision.network.subnets;
    const known = subnets.known(wanted);
    // A restored service has not been through the API, which looks its subnets up.
    const askedAt = this.#subnetsAskedAt.get(service) ?? Number.NEGATIVE_INFINITY;
    if (known.length < wanted.length && now - askedAt >= SUBNETS_RETRY_MS) {
      this.#subnetsAskedAt.set(service, now);
      subnets
        .load(wanted)
        .catch((error: unknown) =>
          log(`subnets of ${service.arn}: ${error instanceof Error ? error.message : String(error)}`),
        );
    }
    const zones = known.map((subnet) => subnet.zone);
    const up = zones.filter((zone) => !outages.isDown(zone));
    return up.length > 0 ? up : zones;
  }

  /** Each target group is asked once a tick. */
  #lookUpOnce(): HealthLookup {
    const seen = new Map<string, ReturnType<LoadBalancerPlane['health']>>();
    return (arn, id, port) => {
      const targets = seen.get(arn) ?? this.#options.balancer.health(arn);
      seen.set(arn, targets);
      return targets.find((entry) => entry.target.id === id && entry.target.port === port);
    };
  }

  #reconcile(service: ServiceRecord, lookUp: HealthLookup, now: number): void {
    const { store, alarms } = this.#options;
    tellPendingEvents(store, service, now);
    if (service.revision.launchType === 'EC2' && service.status === 'ACTIVE') {
      this.#refuseInstances(service, now);
      return;
    }
    const tasks = store.tasksOf(service).filter((task) => task.status !== 'STOPPED');
    const verdicts = this.#observe(service, tasks, lookUp, now);
    const zones = this.#zonesOf(service, now);
    const [primary] = service.deployments;
    const alarmTriggered = primary !== undefined && alarms.triggered(service, primary);
    const actions = (this.#options.decide ?? decide)(
      serviceView(service, zones, alarmTriggered),
      tasks.map((task) => taskView(task, verdicts.get(task.id))),
      now,
    );
    for (const action of actions)
      this.#carryOut({ service, verdicts, zones: [...new Set(zones)].sort(), now }, action);
  }

  /** There are no container instances here, and AWS says so once for each change. */
  #refuseInstances(service: ServiceRecord, now: number): void {
    if (service.desiredCount === 0 || service.blocked) return;
    service.blocked = true;
    this.#options.store.addEvent(service, eventText.noContainerInstances(service.name), now);
  }

  #observe(
    service: ServiceRecord,
    tasks: readonly TaskRecord[],
    lookUp: HealthLookup,
    now: number,
  ): ReadonlyMap<string, HealthVerdict> {
    const { clock } = this.#options;
    const verdicts = new Map<string, HealthVerdict>();
    for (const task of tasks) {
      const verdict = taskHealth(task, service, lookUp, now, (awsMs) => clock.scaled(awsMs));
      verdicts.set(task.id, verdict);
      if (verdict.health !== 'healthy' || task.everHealthy) continue;
      task.everHealthy = true;
      if (task.deployment) recordHealthy(service, task.deployment);
      this.#options.store.touch();
    }
    return verdicts;
  }

  #carryOut(round: Round, action: Action): void {
    const { store } = this.#options;
    const { service, now } = round;
    store.touch();
    const deployment =
      'deploymentId' in action ? service.deployments.find((d) => d.id === action.deploymentId) : undefined;
    switch (action.kind) {
      case 'start':
        if (deployment) this.#startTask(round, deployment, action.zone, action.why);
        break;
      case 'stop':
        this.#stopTask(round, action.taskId, action.why);
        break;
      case 'complete':
        if (deployment) completeDeployment(store, service, deployment, now);
        break;
      case 'retire':
        if (deployment) retireDeployment(service, deployment, now);
        break;
      case 'fail': {
        const target = action.rollbackTo === undefined ? undefined : service.lastCompleted;
        if (deployment) failDeployment(store, service, deployment, action.trigger, target, now);
        break;
      }
      case 'steady':
        service.steady = true;
        store.addEvent(service, eventText.steady(service.name), now);
        break;
      case 'blocked':
        service.blocked = true;
        store.addEvent(service, eventText.blocked(service.name), now);
        break;
      case 'rebalancing':
      case 'rebalanced':
        service.rebalancing = action.kind === 'rebalancing';
        store.addEvent(service, eventText[action.kind](service.name, this.#spreadOf(round)), now);
        break;
      case 'inactive':
        service.status = 'INACTIVE';
        service.inactiveAt = now;
        break;
    }
  }

  #spreadOf({ service, zones }: Round): ReadonlyMap<string, number> {
    const running = this.#options.store.tasksOf(service).filter((task) => task.status === 'RUNNING');
    return countByZone(
      zones,
      running.map((task) => task.zone),
    );
  }

  #startTask(
    { service, now }: Round,
    deployment: DeploymentRecord,
    zone: string,
    why: 'scaling' | 'unhealthy' | 'rebalancing',
  ): void {
    const { store, runner } = this.#options;
    const { revision } = deployment;
    // Base and weights hold within a deployment: what leaves with the one before must not count.
    const current = store
      .tasksOf(service)
      .filter((task) => task.deployment === deployment && task.status !== 'STOPPED' && !task.stopCause);
    const capacityProvider = chooseCapacityProvider(
      revision.capacityProviderStrategy,
      current.map((other) => other.capacityProvider),
    );
    if (this.#isRefused(service, deployment, { capacityProvider, zone }, now)) return;
    const task = createTaskRecord(
      store.scope,
      {
        clusterName: service.clusterName,
        service,
        deployment,
        group: `service:${service.name}`,
        startedBy: deployment.id,
        revision,
        capacityProvider,
        overrides: NO_OVERRIDES,
        enableExecuteCommand: service.enableExecuteCommand,
        tags: taskTags(service, revision),
        zone,
      },
      now,
    );
    store.putTask(task);
    if (why === 'rebalancing')
      store.addEvent(service, eventText.startedToRebalance(service.name, zone, task.id), now);
    else service.pendingEvents.started.push(task.id);
    if (why === 'unhealthy') service.pendingEvents.replaced += 1;
    disturb(service);
    runner.launch(task);
  }

  /** A task that can't be placed never exists; the service says so, and the breaker counts it. */
  #isRefused(
    service: ServiceRecord,
    deployment: DeploymentRecord,
    { capacityProvider, zone }: { readonly capacityProvider: string | undefined; readonly zone: string },
    now: number,
  ): boolean {
    const { store, clock, conditions, outages } = this.#options;
    const { cpuUnits } = deployment.revision;
    const used = usedCpuUnits(store.tasks());
    const reason = outages.isDown(zone)
      ? placementText.capacity
      : refusePlacement(conditions.current, { capacityProvider, cpuUnits }, used);
    if (reason === undefined) return false;
    if (now < deployment.throttledUntil) return true;
    store.addEvent(service, eventText.unableToPlace(service.name, reason), now);
    const scaled = (awsMs: number) => clock.scaled(awsMs);
    recordFailure(store, service, deployment, now, scaled);
    const pausedUntil = now + scaled(PLACEMENT_PAUSE_AWS_MS);
    deployment.throttledUntil = Math.max(deployment.throttledUntil, pausedUntil);
    return true;
  }

  #stopTask({ service, verdicts, now }: Round, taskId: string, why: StopWhy): void {
    const { store, runner } = this.#options;
    const task = store.task(taskId);
    if (!task) return;
    disturb(service);
    const cause = why === 'unhealthy' ? verdicts.get(taskId)?.cause : undefined;
    if (cause) {
      const { targetGroupArn, port, reason } = cause;
      store.addEvent(service, eventText.unhealthy(service.name, taskId, port, targetGroupArn, reason), now);
    }
    if (why === 'unhealthy' && !cause)
      store.addEvent(service, eventText.containerUnhealthy(service.name, taskId), now);
    if (why === 'rebalancing')
      store.addEvent(service, eventText.stoppedToRebalance(service.name, task.zone, taskId), now);
    if (task.status !== 'RUNNING' && !task.stopCause) service.pendingEvents.abandoned += 1;
    runner.retire(task, {
      code: 'ServiceSchedulerInitiated',
      reason: stopReason(service, cause, why),
      failure: why === 'unhealthy',
      told: why === 'rebalancing',
    });
  }
}
