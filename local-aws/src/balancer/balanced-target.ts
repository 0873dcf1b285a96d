/** One registered target: its health, its connections, and the loop that checks it. */
import type { Target, TargetHealth } from '../contract.ts';
import type { HealthMatcher } from './health-matcher.ts';
import { probeTarget } from './health-probe.ts';
import { TargetConnections } from './target-connections.ts';
import {
  decideTargetHealth,
  type HealthThresholds,
  registeredTarget,
  type TargetEvent,
  type TargetHealthState,
} from './target-health.ts';

/** For events before the control plane has told of the target group: no check is counted then. */
const NO_THRESHOLDS: HealthThresholds = {
  healthyThreshold: 1,
  unhealthyThreshold: 1,
  initialUnhealthyThreshold: 1,
};

/** Real times and rules of health checks. */
export interface CheckSettings extends HealthThresholds {
  readonly path: string;
  readonly intervalMs: number;
  readonly timeoutMs: number;
  readonly matches: HealthMatcher;
}

export class BalancedTarget {
  readonly target: Target;
  readonly connections: TargetConnections;
  /** Of slow start, see there. */
  warmingSince: number | undefined;
  readonly #settings: () => CheckSettings | undefined;
  readonly #onChange: () => void;
  #health: TargetHealthState;
  #checks: AbortController | undefined;

  constructor(options: {
    readonly target: Target;
    readonly inUse: boolean;
    readonly settings: () => CheckSettings | undefined;
    readonly onChange: () => void;
    readonly onConnectionOpened?: (() => void) | undefined;
  }) {
    this.target = options.target;
    this.#settings = options.settings;
    this.#onChange = options.onChange;
    this.#health = registeredTarget(options.inUse);
    this.connections = new TargetConnections(options.target.dial, options.onConnectionOpened);
    if (options.inUse) this.#startChecks();
  }

  get state(): TargetHealthState['state'] {
    return this.#health.state;
  }

  describe(): TargetHealth {
    const { state, reason, description } = this.#health;
    return { target: this.target, state, reason, description };
  }

  setInUse(inUse: boolean): void {
    this.#apply({ type: 'in-use', inUse });
    if (this.#health.state === 'unused') this.#stopChecks();
    else if (this.#health.state !== 'draining') this.#startChecks();
  }

  /** No new requests from now on; those in flight finish, and idle connections close. */
  drain(): void {
    this.#stopChecks();
    this.#apply({ type: 'deregistered' });
    this.closeIdleConnections();
  }

  closeIdleConnections(): void {
    this.connections.closeIdle();
  }

  /** Ends checks and connections, also those in use. */
  close(): void {
    this.#stopChecks();
    this.connections.destroy();
  }

  #apply(event: TargetEvent): void {
    const before = this.#health;
    const settings = this.#settings() ?? NO_THRESHOLDS;
    this.#health = decideTargetHealth(before, event, settings);
    if (before.state !== this.#health.state) this.#onChange();
  }

  #startChecks(): void {
    if (this.#checks !== undefined) return;
    const controller = new AbortController();
    this.#checks = controller;
    void this.#checkUntil(controller.signal);
  }

  #stopChecks(): void {
    this.#checks?.abort();
    this.#checks = undefined;
  }

  /** One check after the other, each an interval after the start of the one before; ends with the signal. */
  async #checkUntil(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const settings = this.#settings();
      if (settings === undefined) return;
      const startedAt = performance.now();
      this.#apply({ type: 'check-started' });
      const result = await probeTarget(this.target, settings, signal);
      if (signal.aborted) return;
      this.#apply({ type: 'checked', result });
      const passedMs = performance.now() - startedAt;
      // After a check that took longer than the interval the next one follows without a wait.
      await pause(Math.max(1, settings.intervalMs - passedMs), signal);
    }
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) {
      resolve();
      return;
    }
    const finish = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', finish);
      resolve();
    };
    const timer = setTimeout(finish, ms);
    signal.addEventListener('abort', finish, { once: true });
  });
}
