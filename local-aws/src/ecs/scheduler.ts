/**
 * The reconcile loop: on every tick it looks at each service, asks `decide/` what to do, and does it.
 * Decisions are not taken here, and a task's own steps are in `lifecycle/`.
 */
import type { Clock, LoadBalancerPlane } from '../contract.ts';
import type { AlarmWatch } from './alarms.ts';
import { chooseCapacityProvider } from './decide/capacity-provider.ts';
import { type Action, decide, type ServiceView, type TaskView } from './decide/decide.ts';
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
import type { TaskObserver, TaskRunner } from './lifecycle/task-runner.ts';
import type { DeploymentRecord, ServiceRecord, TaskRecord } from './model.ts';
import type { Store } from './store.ts';
import { taskTags } from './task-tags.ts';
import { eventText, stopText } from './wording.ts';

/** Stopped tasks and inactive services stay visible this long. AWS-side. */
const KEEP_STOPPED_AWS_MS = 3_600_000;

export interface SchedulerOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly balancer: LoadBalancerPlane;
  readonly subnets: SubnetDirectory;
  readonly runner: TaskRunner;
  readonly alarms: AlarmWatch;
  /** Real milliseconds between two ticks. */
  readonly tickMs: number;
  readonly log: (line: string) => void;
}

export interface Scheduler {
  /** One round over all services; the loop calls it, tests may as well. */
  tick(): void;
  start(): void;
  /** No tick happens after it resolves. */
  stop(): Promise<void>;
}

const phaseOf = (task: TaskRecord): TaskView['phase'] => {
  if (task.status === 'RUNNING') return 'running';
  if (task.status === 'DEACTIVATING') return 'draining';
  return task.stopCause || task.status === 'STOPPING' || task.status === 'DEPROVISIONING'
    ? 'stopping'
    : 'pending';
};

/** Collects the effects of tasks on their service, so that each tick tells them as one event each. */
export function createTaskObserver(store: Store, clock: Clock): TaskObserver {
  const count = (counts: Map<string, number>, arn: string): void =>
    void counts.set(arn, (counts.get(arn) ?? 0) + 1);
  return {
    registered: (task, arn) => task.service && count(task.service.pendingEvents.registered, arn),
    deregistered: (task, arn) => task.service && count(task.service.pendingEvents.deregistered, arn),
    draining(task) {
      if (task.service) task.service.pendingEvents.draining += 1;
    },
    stopping: (task) => void task.service?.pendingEvents.stopped.push(task.id),
    ended(task, cause) {
      const { service } = task;
      if (!service) return;
      if (cause.code === 'TaskFailedToStart')
        store.addEvent(service, eventText.unableToPlace(service.name, cause.reason), clock.now());
      if (cause.failure) recordFailure(store, service, task, clock.now(), (awsMs) => clock.scaled(awsMs));
    },
  };
}

export function createScheduler(options: SchedulerOptions): Scheduler {
  const { store, clock, balancer, subnets, runner, alarms } = options;
  const scaled = (awsMs: number): number => clock.scaled(awsMs);
  const abort = new AbortController();
  let loop: Promise<void> | undefined;

  function lookUpOnce(): HealthLookup {
    const seen = new Map<string, ReturnType<LoadBalancerPlane['health']>>();
    return (arn, id, port) => {
      const targets = seen.get(arn) ?? balancer.health(arn);
      seen.set(arn, targets);
      return targets.find((entry) => entry.target.id === id && entry.target.port === port);
    };
  }

  function observe(
    service: ServiceRecord,
    tasks: readonly TaskRecord[],
    lookup: HealthLookup,
    now: number,
  ): ReadonlyMap<string, HealthVerdict> {
    const verdicts = new Map<string, HealthVerdict>();
    for (const task of tasks) {
      const verdict = taskHealth(task, service, lookup, now, scaled);
      verdicts.set(task.id, verdict);
      if (verdict.health !== 'healthy' || task.everHealthy) continue;
      task.everHealthy = true;
      if (task.deployment) recordHealthy(service, task.deployment);
    }
    return verdicts;
  }

  function viewOf(service: ServiceRecord): ServiceView {
    const zones = [...new Set(subnets.known(service.revision.network.subnets).map((s) => s.zone))];
    const { configuration } = service;
    const [primary] = service.deployments;
    return {
      status: service.status === 'DRAINING' ? 'DRAINING' : 'ACTIVE',
      desiredCount: service.desiredCount,
      maximumPercent: configuration.maximumPercent,
      minimumHealthyPercent: configuration.minimumHealthyPercent,
      breaker: configuration.circuitBreaker,
      alarms: {
        triggered: primary !== undefined && alarms.triggered(service, primary),
        rollback: configuration.alarms.rollback,
      },
      zones: zones.sort(),
      rebalance: service.availabilityZoneRebalancing === 'ENABLED',
      deployments: service.deployments.map((deployment) => ({
        id: deployment.id,
        primary: deployment.status === 'PRIMARY',
        rolloutState: deployment.rolloutState,
        failedTasks: deployment.failedTasks,
        throttledUntil: deployment.throttledUntil,
      })),
      lastCompletedId: service.lastCompleted?.id,
      steady: service.steady,
      blocked: service.blocked,
    };
  }

  function startTask(service: ServiceRecord, deployment: DeploymentRecord, zone: string, now: number): void {
    const current = store.tasksOf(service).filter((task) => task.status !== 'STOPPED');
    const task = createTaskRecord(
      store.scope,
      {
        clusterName: service.clusterName,
        service,
        deployment,
        group: `service:${service.name}`,
        startedBy: deployment.id,
        revision: deployment.revision,
        capacityProvider: chooseCapacityProvider(
          deployment.revision.capacityProviderStrategy,
          current.map((other) => other.capacityProvider),
        ),
        overrides: NO_OVERRIDES,
        enableExecuteCommand: service.enableExecuteCommand,
        tags: taskTags(service, deployment.revision),
        zone,
      },
      now,
    );
    store.putTask(task);
    service.pendingEvents.started.push(task.id);
    disturb(service);
    runner.launch(task);
  }

  function stopTask(
    service: ServiceRecord,
    taskId: string,
    why: 'scaling' | 'unhealthy',
    verdict: HealthVerdict | undefined,
    now: number,
  ): void {
    const task = store.task(taskId);
    if (!task) return;
    disturb(service);
    const cause = verdict?.cause;
    if (why === 'unhealthy' && cause) {
      const { targetGroupArn, port, reason } = cause;
      store.addEvent(service, eventText.unhealthy(service.name, task.id, port, targetGroupArn, reason), now);
    }
    const [primary] = service.deployments;
    runner.retire(task, {
      code: 'ServiceSchedulerInitiated',
      reason:
        why === 'unhealthy' && cause
          ? stopText.unhealthy(cause.targetGroupArn)
          : stopText.scaling(primary?.id ?? ''),
      failure: why === 'unhealthy',
    });
  }

  function carryOut(
    service: ServiceRecord,
    action: Action,
    verdicts: ReadonlyMap<string, HealthVerdict>,
    now: number,
  ): void {
    const deployment =
      'deploymentId' in action ? service.deployments.find((d) => d.id === action.deploymentId) : undefined;
    switch (action.kind) {
      case 'start':
        if (deployment) startTask(service, deployment, action.zone, now);
        break;
      case 'stop':
        stopTask(service, action.taskId, action.why, verdicts.get(action.taskId), now);
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
        store.addEvent(service, eventText.rebalancing(service.name), now);
        break;
      case 'inactive':
        service.status = 'INACTIVE';
        service.inactiveAt = now;
        break;
    }
  }

  /** What tasks did since the last tick, in the order in which it happened for a task. */
  function tell(service: ServiceRecord, now: number): void {
    const due = service.pendingEvents;
    const say = (message: string): void => store.addEvent(service, message, now);
    if (due.started.length > 0) say(eventText.started(service.name, due.started));
    for (const [arn, count] of due.registered) say(eventText.registered(service.name, count, arn));
    if (due.draining > 0) say(eventText.draining(service.name, due.draining));
    for (const [arn, count] of due.deregistered) say(eventText.deregistered(service.name, count, arn));
    if (due.stopped.length > 0) say(eventText.stopped(service.name, due.stopped));
    due.started = [];
    due.stopped = [];
    due.draining = 0;
    due.registered.clear();
    due.deregistered.clear();
  }

  function reconcile(service: ServiceRecord, lookup: HealthLookup, now: number): void {
    tell(service, now);
    const tasks = store.tasksOf(service).filter((task) => task.status !== 'STOPPED');
    const verdicts = observe(service, tasks, lookup, now);
    const views = tasks.map(
      (task): TaskView => ({
        id: task.id,
        deploymentId: task.deployment?.id ?? '',
        zone: task.zone,
        createdAt: task.createdAt,
        phase: phaseOf(task),
        health: verdicts.get(task.id)?.health ?? 'unknown',
        everHealthy: task.everHealthy,
      }),
    );
    for (const action of decide(viewOf(service), views, now)) carryOut(service, action, verdicts, now);
  }

  function tick(): void {
    const now = clock.now();
    const lookup = lookUpOnce();
    for (const service of store.services()) {
      if (service.status === 'INACTIVE' || service.revision.launchType === 'EC2') continue;
      try {
        reconcile(service, lookup, now);
      } catch (error) {
        options.log(
          `service ${service.arn}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
        );
      }
    }
    store.forget(now, scaled(KEEP_STOPPED_AWS_MS));
  }

  async function run(): Promise<void> {
    while (!abort.signal.aborted) {
      tick();
      // A sleep that is cut short by stop() may reject; the loop then ends by its condition.
      await clock.sleep(options.tickMs, abort.signal).catch(() => undefined);
    }
  }

  return {
    tick,
    start() {
      loop ??= run();
    },
    async stop() {
      abort.abort();
      await loop;
    },
  };
}
