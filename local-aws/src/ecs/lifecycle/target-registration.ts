/**
 * A task's place in its target groups: registered when it runs, drained before it stops.
 */
import type { Clock, LoadBalancerPlane } from '../../contract.ts';
import type { TaskRecord } from '../model.ts';
import type { TaskObserver } from './task-observer.ts';

/** Longest deregistration delay that ELB allows, plus slack: no task drains longer. AWS-side. */
const MAX_DRAIN_AWS_MS = 3_630_000;
/** Real pause between two looks at a draining target. */
const DRAIN_POLL_MS = 50;

export class TargetRegistration {
  readonly #balancer: LoadBalancerPlane;
  readonly #clock: Clock;
  readonly #observer: TaskObserver;

  constructor(balancer: LoadBalancerPlane, clock: Clock, observer: TaskObserver) {
    this.#balancer = balancer;
    this.#clock = clock;
    this.#observer = observer;
  }

  /** @param declaredPort the container's port in the task definition; the process may listen on another one */
  register(task: TaskRecord, declaredPort: number | undefined): void {
    const { running, network } = task;
    if (!running || !network) return;
    for (const { targetGroupArn, containerPort } of task.revision.loadBalancers) {
      const port = containerPort === declaredPort ? running.port : containerPort;
      const dial = { address: running.address, port };
      const target = { id: network.privateIp, port: containerPort, zone: network.zone, dial };
      this.#balancer.register(targetGroupArn, [target]);
      task.targets.push({ targetGroupArn, target });
      this.#observer.registered(task, targetGroupArn);
    }
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
      await this.#clock.sleep(DRAIN_POLL_MS);
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
