/**
 * Carries each task from PROVISIONING to STOPPED. When a task is to start or stop is decided elsewhere.
 * Nothing here throws to its caller: whatever goes wrong ends the task with AWS's stop code and reason.
 */
import { AwsError, type LoadBalancerPlane, type TaskExit, TaskStartError } from '../../contract.ts';
import type { StopCause, TaskRecord } from '../model.ts';
import { stopText } from '../wording.ts';
import type { ZoneOutages } from '../zone-outages.ts';
import { watchContainerHealth } from './container-health.ts';
import { LaunchQueue } from './launch-queue.ts';
import { TargetRegistration } from './target-registration.ts';
import { TaskLauncher, type TaskLauncherOptions } from './task-launcher.ts';
import type { TaskObserver } from './task-observer.ts';
import { enterStatus } from './task-record.ts';
import { containerPortOf } from './task-spec.ts';

/** Tasks that pull and start at the same time; further ones wait in PROVISIONING. */
const MAX_CONCURRENT_LAUNCHES = 4;

export interface TaskRunnerOptions extends Omit<TaskLauncherOptions, 'closed'> {
  readonly balancer: LoadBalancerPlane;
  /** Load balancer in front of a target group, once a service uses it. */
  readonly loadBalancerOf: (targetGroupArn: string) => string | undefined;
  readonly observer: TaskObserver;
  readonly outages: ZoneOutages;
  readonly drainPollMs?: number | undefined;
  readonly log: (line: string) => void;
}

const messageOf = (error: unknown): string => {
  if (error instanceof AwsError) return `${error.code}: ${error.message}`;
  return error instanceof Error ? error.message : String(error);
};

/** Why a task that did not come up ended; the container carries the reason as well. */
function failedStart(task: TaskRecord, error: unknown): StopCause {
  const code = error instanceof TaskStartError ? error.code : 'ResourceInitializationError';
  const message = messageOf(error);
  const reason = message.startsWith(`${code}:`) ? message : `${code}: ${message}`;
  for (const container of task.containers) if (container.runs) container.reason = reason;
  return { code: 'TaskFailedToStart', reason, failure: true };
}

export class TaskRunner {
  readonly #options: TaskRunnerOptions;
  readonly #launcher: TaskLauncher;
  readonly #targets: TargetRegistration;
  readonly #queue = new LaunchQueue(MAX_CONCURRENT_LAUNCHES);
  readonly #underWay = new Set<Promise<void>>();
  #closed = false;

  constructor(options: TaskRunnerOptions) {
    this.#options = options;
    this.#launcher = new TaskLauncher({ ...options, closed: () => this.#closed });
    this.#targets = new TargetRegistration(options);
  }

  /** Returns at once; the task's record tells how far it is. */
  launch(task: TaskRecord): void {
    this.#track(this.#queue.run(() => this.#start(task)));
  }

  /** Takes the task out: targets first, then SIGTERM. The first cause given is the one that counts. */
  retire(task: TaskRecord, cause: StopCause): void {
    if (task.stopCause || task.status === 'STOPPED') return;
    task.stopCause = cause;
    task.desiredStatus = 'STOPPED';
    task.stoppingAt = this.#options.clock.now();
    const wasRunning = task.status === 'RUNNING';
    enterStatus(task, wasRunning ? 'DEACTIVATING' : 'STOPPING');
    // A task that is still starting is ended by its launch, at its next step.
    if (wasRunning) this.#track(this.#takeOut(task, cause));
  }

  /** As {@link retire}, without waiting for the targets to drain: SIGTERM goes out at once. */
  interrupt(task: TaskRecord, cause: StopCause): void {
    if (task.stopCause || task.status === 'STOPPED') return;
    if (task.status !== 'RUNNING') {
      this.retire(task, cause);
      return;
    }
    task.stopCause = cause;
    task.desiredStatus = 'STOPPED';
    task.stoppingAt = this.#options.clock.now();
    this.#options.observer.draining(task);
    this.#targets.deregister(task);
    this.#track(this.#end(task, cause));
  }

  /** From now on no task starts and no drain is waited for. */
  close(): void {
    this.#closed = true;
  }

  /** Resolves when nothing is under way any more. */
  async idle(): Promise<void> {
    await Promise.allSettled([...this.#underWay]);
  }

  #track(work: Promise<void>): void {
    const tracked = work
      .catch((error: unknown) => this.#options.log(`a task's step failed: ${messageOf(error)}`))
      .finally(() => this.#underWay.delete(tracked));
    this.#underWay.add(tracked);
  }

  async #start(task: TaskRecord): Promise<void> {
    try {
      if (this.#closed) throw new TaskStartError('TaskFailedToStart', stopText.shutdown);
      const container = task.stopCause ? undefined : await this.#launcher.bringUp(task);
      if (container) await this.#targets.look(task);
      // The driver stops what it knew at shutdown; a task that came up meanwhile is stopped here.
      if (this.#closed)
        task.stopCause ??= { code: 'UserInitiated', reason: stopText.shutdown, failure: false };
      if (container && !task.stopCause) {
        this.#targets.register(task, containerPortOf(container));
        task.startedAt = this.#options.clock.now();
        enterStatus(task, 'RUNNING');
        this.#endOnExit(task);
        const { clock, log } = this.#options;
        if (container.healthCheck) void watchContainerHealth(task, container.healthCheck, clock, log);
        return;
      }
    } catch (error) {
      this.#options.log(`task ${task.id} did not start: ${messageOf(error)}`);
      task.stopCause ??= failedStart(task, error);
    }
    const exit = await task.running?.stop();
    if (task.stopCause) this.#finish(task, exit, task.stopCause);
  }

  #endOnExit(task: TaskRecord): void {
    void task.running?.exited.then((exit) => {
      // Whoever stops the task sees to its end.
      if (task.stopCause) return;
      // AWS's breaker overlooks some crashes after RUNNING; a release that crashes a moment later is as bad.
      const failure = !task.everHealthy || task.deployment?.rolloutState === 'IN_PROGRESS';
      task.stopCause = { code: 'EssentialContainerExited', reason: stopText.essentialExited, failure };
      this.#targets.deregister(task);
      task.targets = [];
      this.#finish(task, exit, task.stopCause);
    });
  }

  async #takeOut(task: TaskRecord, cause: StopCause): Promise<void> {
    await this.#targets.drain(task, () => this.#closed);
    await this.#end(task, cause);
  }

  async #end(task: TaskRecord, cause: StopCause): Promise<void> {
    enterStatus(task, 'STOPPING');
    this.#options.observer.stopping(task);
    const exit = await task.running?.stop();
    this.#finish(task, exit, cause);
  }

  #finish(task: TaskRecord, exit: TaskExit | undefined, cause: StopCause): void {
    if (task.status === 'STOPPED') return;
    const now = this.#options.clock.now();
    enterStatus(task, 'DEPROVISIONING');
    task.desiredStatus = 'STOPPED';
    task.stoppingAt ??= now;
    task.executionStoppedAt = now;
    for (const container of task.containers) {
      if (!container.runs) continue;
      container.exitCode = exit?.exitCode;
      container.reason = exit?.reason ?? container.reason;
    }
    if (task.network) this.#options.addresses.release(task.network);
    task.targets = [];
    task.stoppedAt = now;
    enterStatus(task, 'STOPPED');
    this.#options.observer.ended(task, cause);
  }
}
