/**
 * A task's place in its target groups: registered when it runs, drained before it stops.
 */
import type { Clock, LoadBalancerPlane } from '../../contract.ts';
import type { BalancedPlace, NetworkView } from '../../network/network-view.ts';
import type { TaskRecord } from '../model.ts';
import type { ZoneOutages } from '../zone-outages.ts';
import type { TaskObserver } from './task-observer.ts';

/** Longest deregistration delay that ELB allows, plus slack: no task drains longer. AWS-side. */
const MAX_DRAIN_AWS_MS = 3_630_000;
const DEFAULT_DRAIN_POLL_MS = 50;

export interface TargetRegistrationOptions {
  readonly balancer: LoadBalancerPlane;
  readonly clock: Clock;
  readonly observer: TaskObserver;
  readonly network: NetworkView;
  readonly loadBalancerOf: (targetGroupArn: string) => string | undefined;
  readonly outages: ZoneOutages;
  /** Real pause between two looks at a draining target (default 50). */
  readonly drainPollMs?: number | undefined;
}

export class TargetRegistration {
  readonly #network: NetworkView;
  readonly #loadBalancerOf: (targetGroupArn: string) => string | undefined;
  readonly #balancer: LoadBalancerPlane;
  readonly #clock: Clock;
  readonly #observer: TaskObserver;
  readonly #outages: ZoneOutages;
  readonly #drainPollMs: number;

  constructor(options: TargetRegistrationOptions) {
    this.#balancer = options.balancer;
    this.#clock = options.clock;
    this.#observer = options.observer;
    this.#outages = options.outages;
    this.#drainPollMs = options.drainPollMs ?? DEFAULT_DRAIN_POLL_MS;
    this.#network = options.network;
    this.#loadBalancerOf = options.loadBalancerOf;
  }

  /** @param declaredPort the container's port in the task definition; the process may listen on another one */
  register(task: TaskRecord, declaredPort: number | undefined): void {
    const { running, network } = task;
    if (!running || !network) return;
    for (const { targetGroupArn, containerPort } of task.revision.loadBalancers) {
      const port = containerPort === declaredPort ? running.port : containerPort;
      const dial = { address: running.address, port };
      const place = this.#placeBehind(task, targetGroupArn, containerPort);
      const reachable = () =>
        !this.#outages.isDown(network.zone) && (place === undefined || this.#network.admitsNow(place));
      const target = { id: network.privateIp, port: containerPort, zone: network.zone, dial, reachable };
      this.#balancer.register(targetGroupArn, [target]);
      task.targets.push({ targetGroupArn, target });
      this.#observer.registered(task, targetGroupArn);
    }
  }

  /** Asks who may connect to the task, so that it is known before the first health check. */
  async look(task: TaskRecord): Promise<void> {
    for (const { targetGroupArn, containerPort } of task.revision.loadBalancers) {
      const place = this.#placeBehind(task, targetGroupArn, containerPort);
      if (place) await this.#network.admits(place);
    }
  }

  #placeBehind(task: TaskRecord, targetGroupArn: string, port: number): BalancedPlace | undefined {
    const loadBalancerArn = this.#loadBalancerOf(targetGroupArn);
    if (loadBalancerArn === undefined) return undefined;
    return { loadBalancerArn, securityGroups: task.revision.network.securityGroups, port };
  }

  /** No new request comes to the task from now on. */
  deregister(task: TaskRecord): void {
    for (const { targetGroupArn, target } of task.targets) {
      this.#balancer.deregister(targetGroupArn, [{ id: target.id, port: target.port }]);
      this.#observer.deregistered(task, targetGroupArn);
    }
  }

  /**
   * Deregisters, then waits until the deregistration delay is over in every target group.
   * @param abandoned asked again and again; true ends the wait
   */
  async drain(task: TaskRecord, abandoned: () => boolean): Promise<void> {
    if (task.targets.length === 0) return;
    this.#observer.draining(task);
    this.deregister(task);
    let exited = false;
    void task.running?.exited.then(() => {
      exited = true;
    });
    const until = this.#clock.now() + this.#clock.scaled(MAX_DRAIN_AWS_MS);
    while (!exited && !abandoned() && !this.#isDrained(task) && this.#clock.now() < until)
      await this.#clock.sleep(this.#drainPollMs);
    task.targets = [];
  }

  #isDrained(task: TaskRecord): boolean {
    return task.targets.every(({ targetGroupArn, target }) => {
      const seen = this.#balancer
        .health(targetGroupArn)
        .find((entry) => entry.target.id === target.id && entry.target.port === target.port);
      return seen === undefined || seen.state === 'unused';
    });
  }
}
