/**
 * Carries one task from PROVISIONING to STOPPED: network, logs, secrets, image, process, target groups.
 * When a task is to start or stop is decided elsewhere; here is how. Nothing here throws to its caller:
 * whatever goes wrong ends the task with AWS's stop code and reason.
 */
import {
  AwsError,
  type Clock,
  type ControlPlane,
  type LoadBalancerPlane,
  type TaskDriver,
  type TaskExit,
  TaskStartError,
} from '../../contract.ts';
import type { StopCause, TaskNetwork, TaskRecord } from '../model.ts';
import { stopText } from '../wording.ts';
import { type AddressBook, createAddressBook } from './addresses.ts';
import { prepareLogs } from './logs.ts';
import { resolveSecrets } from './secrets.ts';
import type { SubnetDirectory } from './subnets.ts';
import { essentialContainer, type LoadedTaskDefinition, loadTaskDefinition } from './task-definition.ts';
import { describeDefinition, networkFor } from './task-record.ts';
import { containerPortOf, pinImage, type TaskSurroundings, taskSpec } from './task-spec.ts';

/** Tasks that pull and start at the same time; further ones wait in PROVISIONING. */
const MAX_CONCURRENT_LAUNCHES = 4;
/** Longest deregistration delay that ELB allows, plus slack: no task drains longer. AWS-side. */
const MAX_DRAIN_AWS_MS = 3_630_000;
/** Real pause between two looks at a draining target. */
const DRAIN_POLL_MS = 50;
/** Task definitions remembered at once. */
const MAX_DEFINITIONS = 200;

export interface TaskObserver {
  registered(task: TaskRecord, targetGroupArn: string): void;
  draining(task: TaskRecord): void;
  deregistered(task: TaskRecord, targetGroupArn: string): void;
  /** SIGTERM goes out now. */
  stopping(task: TaskRecord): void;
  ended(task: TaskRecord, cause: StopCause): void;
}

export interface TaskRunnerOptions {
  readonly clock: Clock;
  readonly control: ControlPlane;
  readonly driver: TaskDriver;
  readonly balancer: LoadBalancerPlane;
  readonly subnets: SubnetDirectory;
  readonly surroundings: () => TaskSurroundings;
  readonly observer: TaskObserver;
  readonly log: (line: string) => void;
  readonly addresses?: AddressBook;
}

export interface TaskRunner {
  /** Returns at once; the task's record tells how far it is. */
  launch(task: TaskRecord): void;
  /** Takes the task out: targets first, then SIGTERM. The first cause given is the one that counts. */
  retire(task: TaskRecord, cause: StopCause): void;
  /** From now on no task starts and no drain is waited for. */
  close(): void;
  /** Resolves when nothing is under way any more. */
  idle(): Promise<void>;
}

export function createTaskRunner(options: TaskRunnerOptions): TaskRunner {
  const { clock, control, driver, balancer, subnets, observer } = options;
  const addresses = options.addresses ?? createAddressBook();
  const definitions = new Map<string, LoadedTaskDefinition>();
  const underWay = new Set<Promise<void>>();
  const waiting: (() => void)[] = [];
  let launching = 0;
  let closed = false;

  const track = (work: Promise<void>): void => {
    underWay.add(work);
    void work.finally(() => underWay.delete(work));
  };
  const enter = (task: TaskRecord, status: TaskRecord['status']): void => {
    task.status = status;
    task.version += 1;
  };

  async function definitionOf(arn: string): Promise<LoadedTaskDefinition> {
    const kept = definitions.get(arn);
    if (kept) return kept;
    const loaded = await loadTaskDefinition(control, arn);
    definitions.set(arn, loaded);
    for (const key of [...definitions.keys()].slice(0, Math.max(0, definitions.size - MAX_DEFINITIONS)))
      definitions.delete(key);
    return loaded;
  }

  async function inTurn(work: () => Promise<void>): Promise<void> {
    if (launching < MAX_CONCURRENT_LAUNCHES) launching += 1;
    else await new Promise<void>((resolve) => waiting.push(resolve));
    try {
      await work();
    } finally {
      // The place goes straight to the next in line, else it is free again.
      const next = waiting.shift();
      if (next) next();
      else launching -= 1;
    }
  }

  /** @returns the network and the real port; throws TaskStartError */
  async function attachNetwork(
    task: TaskRecord,
    containerPort: number | undefined,
  ): Promise<{ readonly network: TaskNetwork; readonly port: number | undefined }> {
    const usable = await subnets.load(task.revision.network.subnets);
    const candidates = usable.filter((candidate) => candidate.zone === task.zone);
    const all = candidates.length > 0 ? candidates : usable;
    for (const subnet of all) {
      const allocation = await addresses.allocate(subnet.id, subnet.cidr, containerPort);
      if (allocation) return { network: networkFor(subnet, allocation), port: allocation.port };
    }
    throw new TaskStartError(
      'ResourceInitializationError',
      `insufficient free addresses in subnets ${all.map((s) => `${s.id} (${s.cidr})`).join(', ') || 'none'}`,
    );
  }

  /** Everything up to RUNNING. Returns early when somebody stopped the task meanwhile. */
  async function bringUp(task: TaskRecord): Promise<void> {
    const definition = await definitionOf(task.revision.taskDefinitionArn);
    const container = essentialContainer(definition);
    if (!container) throw new TaskStartError('TaskFailedToStart', 'the task definition has no container');
    describeDefinition(task, definition, container, control);
    const { network, port } = await attachNetwork(task, containerPortOf(container));
    task.network = network;
    task.zone = network.zone;
    if (task.stopCause) return;
    enter(task, 'PENDING');
    task.connectedAt = clock.now();
    const state = task.containers.find((candidate) => candidate.name === container.name);
    if (!state) throw new TaskStartError('TaskFailedToStart', `no container ${container.name}`);
    await prepareLogs(control, container, task.id, state.runtimeId);
    const secrets = await resolveSecrets(control, container.secrets);
    if (task.stopCause) return;
    const pinned = task.deployment?.imageDigests.get(container.name);
    const image = pinned === undefined ? container.image : pinImage(container.image, pinned);
    task.pullStartedAt = clock.now();
    const { digest } = await driver.pull(image);
    task.pullStoppedAt = clock.now();
    task.deployment?.imageDigests.set(container.name, pinned ?? digest);
    // Tags are resolved once for each deployment: the process runs exactly the bytes that were pulled.
    state.imageDigest = digest;
    if (task.stopCause) return;
    enter(task, 'ACTIVATING');
    const spec = taskSpec(task, definition, container, network, port, secrets, options.surroundings());
    task.running = await driver.start(spec);
    if (task.stopCause) return;
    registerTargets(task, containerPortOf(container));
    task.startedAt = clock.now();
    enter(task, 'RUNNING');
  }

  function registerTargets(task: TaskRecord, declaredPort: number | undefined): void {
    const { running, network } = task;
    if (!running || !network) return;
    for (const { targetGroupArn, containerPort } of task.revision.loadBalancers) {
      const port = containerPort === declaredPort ? running.port : containerPort;
      const target = {
        id: network.privateIp,
        port: containerPort,
        zone: network.zone,
        dial: { address: running.address, port },
      };
      balancer.register(targetGroupArn, [target]);
      task.targets.push({ targetGroupArn, target });
      observer.registered(task, targetGroupArn);
    }
  }

  function deregisterTargets(task: TaskRecord): void {
    for (const { targetGroupArn, target } of task.targets) {
      balancer.deregister(targetGroupArn, [{ id: target.id, port: target.port }]);
      observer.deregistered(task, targetGroupArn);
    }
  }

  const isDrained = (task: TaskRecord): boolean =>
    task.targets.every(({ targetGroupArn, target }) => {
      const seen = balancer
        .health(targetGroupArn)
        .find((entry) => entry.target.id === target.id && entry.target.port === target.port);
      return seen === undefined || seen.state === 'unused';
    });

  async function drain(task: TaskRecord): Promise<void> {
    if (task.targets.length === 0) return;
    observer.draining(task);
    deregisterTargets(task);
    let gone = false;
    void task.running?.exited.then(() => {
      gone = true;
    });
    const until = clock.now() + clock.scaled(MAX_DRAIN_AWS_MS);
    while (!gone && !closed && !isDrained(task) && clock.now() < until) await clock.sleep(DRAIN_POLL_MS);
    task.targets = [];
  }

  function finish(task: TaskRecord, exit: TaskExit | undefined, cause: StopCause): void {
    if (task.status === 'STOPPED') return;
    const now = clock.now();
    enter(task, 'DEPROVISIONING');
    task.desiredStatus = 'STOPPED';
    task.stoppingAt ??= now;
    task.executionStoppedAt = now;
    for (const container of task.containers) {
      if (!container.runs) continue;
      container.exitCode = exit?.exitCode;
      container.reason = exit?.reason ?? container.reason;
    }
    if (task.network) addresses.release(task.network);
    task.stoppedAt = clock.now();
    enter(task, 'STOPPED');
    observer.ended(task, cause);
  }

  function endOnExit(task: TaskRecord): void {
    void task.running?.exited.then((exit) => {
      // Whoever stops the task sees to its end.
      if (task.stopCause) return;
      const early = !task.everHealthy;
      const failure = early || task.deployment?.rolloutState === 'IN_PROGRESS';
      // AWS counts crashes before RUNNING only; a release that crashes a moment later is as bad, and we say so.
      task.stopCause = { code: 'EssentialContainerExited', reason: stopText.essentialExited, failure };
      deregisterTargets(task);
      task.targets = [];
      finish(task, exit, task.stopCause);
    });
  }

  function failedStart(task: TaskRecord, error: unknown): StopCause {
    const [code, message] =
      error instanceof TaskStartError
        ? [error.code, error.message]
        : ['ResourceInitializationError', startErrorMessage(error)];
    const reason = message.startsWith(`${code}:`) ? message : `${code}: ${message}`;
    for (const container of task.containers) if (container.runs) container.reason = reason;
    return { code: 'TaskFailedToStart', reason, failure: true };
  }

  async function start(task: TaskRecord): Promise<void> {
    try {
      if (closed) throw new TaskStartError('TaskFailedToStart', stopText.shutdown);
      if (!task.stopCause) await bringUp(task);
      // The driver stops what it knew at shutdown; a task that came up meanwhile is stopped here.
      if (closed) task.stopCause ??= { code: 'UserInitiated', reason: stopText.shutdown, failure: false };
    } catch (error) {
      options.log(`task ${task.id} did not start: ${error instanceof Error ? error.message : String(error)}`);
      task.stopCause ??= failedStart(task, error);
    }
    if (!task.stopCause) {
      endOnExit(task);
      return;
    }
    const exit = await task.running?.stop();
    finish(task, exit, task.stopCause);
  }

  async function takeOut(task: TaskRecord, cause: StopCause): Promise<void> {
    await drain(task);
    enter(task, 'STOPPING');
    observer.stopping(task);
    const exit = await task.running?.stop();
    finish(task, exit, cause);
  }

  return {
    launch: (task) => track(inTurn(() => start(task))),
    retire(task, cause) {
      if (task.stopCause || task.status === 'STOPPED') return;
      task.stopCause = cause;
      task.desiredStatus = 'STOPPED';
      task.stoppingAt = clock.now();
      const wasRunning = task.status === 'RUNNING';
      enter(task, wasRunning ? 'DEACTIVATING' : 'STOPPING');
      // A task that is still starting is ended by its launch, at its next step.
      if (wasRunning) track(takeOut(task, cause));
    },
    close() {
      closed = true;
    },
    async idle() {
      await Promise.allSettled([...underWay]);
    },
  };
}

function startErrorMessage(error: unknown): string {
  if (error instanceof AwsError) return `${error.code}: ${error.message}`;
  return error instanceof Error ? error.message : String(error);
}
