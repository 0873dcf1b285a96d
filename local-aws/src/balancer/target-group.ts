/** The targets of one target group: who is registered, whose turn it is, who drains. */
import type { Clock, Target, TargetGroupConfig, TargetHealth } from '../contract.ts';
import { BalancedTarget, type CheckSettings } from './balanced-target.ts';
import { parseHealthMatcher } from './health-matcher.ts';
import { decideShare, decideWarming, takeTurn } from './slow-start.ts';

const MIN_CHECK_INTERVAL_MS = 20;
/**
 * `speed` shortens waits of AWS, while a target answers in real time: on a busy computer a check
 * scaled to a few milliseconds would fail for no reason. The timeout that was asked for stays the upper limit.
 */
const MIN_CHECK_TIMEOUT_MS = 1000;

/**
 * For the same reason a program that is still starting gets this long to pass its first check, or as long as the
 * unscaled checks would give it, if that is less.
 */
export const START_ALLOWANCE_MS = 15_000;

export type TargetKey = Pick<Target, 'id' | 'port'>;

interface Draining {
  readonly target: BalancedTarget;
  readonly timer: NodeJS.Timeout;
}

export class TargetGroup {
  readonly #clock: Pick<Clock, 'scaled'>;
  readonly #startAllowanceMs: number;
  readonly #onChange: () => void;
  readonly #onConnectionOpened: (() => void) | undefined;
  readonly #targets = new Map<string, BalancedTarget>();
  readonly #draining = new Map<string, Draining>();
  #config: TargetGroupConfig | undefined;
  #checks: CheckSettings | undefined;
  #inUse = false;
  #turn = 0;
  /** Who takes requests now; emptied at every change of a target. */
  #routable: readonly BalancedTarget[] | undefined;
  #slowStartMs = 0;
  /** Turns of targets with unequal shares, while one of them warms up; emptied with `routable`. */
  #credits: number[] = [];

  constructor(options: {
    readonly clock: Pick<Clock, 'scaled'>;
    readonly startAllowanceMs: number;
    readonly onChange: () => void;
    readonly onConnectionOpened?: () => void;
  }) {
    this.#onConnectionOpened = options.onConnectionOpened;
    this.#clock = options.clock;
    this.#startAllowanceMs = options.startAllowanceMs;
    this.#onChange = options.onChange;
  }

  /** Whether the control plane has told of this group; targets may be registered before it does. */
  get known(): boolean {
    return this.#config !== undefined;
  }

  /** @throws Error when the matcher of the health check is malformed */
  configure(config: TargetGroupConfig, inUse: boolean): void {
    const { healthCheck } = config;
    const timeoutMs = healthCheck.timeoutSeconds * 1000;
    const unscaledMs = healthCheck.intervalSeconds * 1000;
    const intervalMs = Math.max(MIN_CHECK_INTERVAL_MS, this.#clock.scaled(unscaledMs));
    const allowanceMs = Math.min(this.#startAllowanceMs, unscaledMs * healthCheck.unhealthyThreshold);
    this.#checks = {
      path: healthCheck.path,
      intervalMs,
      timeoutMs: Math.min(timeoutMs, Math.max(MIN_CHECK_TIMEOUT_MS, this.#clock.scaled(timeoutMs))),
      matches: parseHealthMatcher(healthCheck.matcher),
      healthyThreshold: healthCheck.healthyThreshold,
      unhealthyThreshold: healthCheck.unhealthyThreshold,
      initialUnhealthyThreshold: Math.max(
        healthCheck.unhealthyThreshold,
        Math.ceil(allowanceMs / intervalMs),
      ),
    };
    this.#slowStartMs = this.#clock.scaled((config.slowStartSeconds ?? 0) * 1000);
    this.#config = config;
    this.#inUse = inUse;
    for (const target of this.#targets.values()) target.setInUse(inUse);
  }

  register(target: Target): void {
    const key = keyOf(target);
    const draining = this.#draining.get(key);
    if (draining !== undefined) this.#forget(key, draining);
    const existing = this.#targets.get(key);
    if (existing !== undefined) {
      if (sameDial(existing.target, target)) return;
      existing.drain(); // the same address now leads elsewhere: what is in flight finishes over there
    }
    const balanced = new BalancedTarget({
      target,
      inUse: this.#inUse,
      settings: () => this.#checks,
      onConnectionOpened: this.#onConnectionOpened,
      onChange: () => {
        if (this.#targets.get(key) !== balanced) return;
        this.#warm(balanced);
        this.#changed();
      },
    });
    this.#targets.set(key, balanced);
    this.#changed();
  }

  deregister(key: TargetKey): void {
    const name = keyOf(key);
    const target = this.#targets.get(name);
    if (target === undefined) return;
    this.#targets.delete(name);
    target.drain();
    const delayMs = this.#clock.scaled((this.#config?.deregistrationDelaySeconds ?? 0) * 1000);
    const timer = setTimeout(() => {
      const draining = this.#draining.get(name);
      if (draining?.target === target) this.#forget(name, draining);
      this.#changed();
    }, delayMs);
    this.#draining.set(name, { target, timer });
    this.#changed();
  }

  health(): TargetHealth[] {
    const draining = [...this.#draining.values()].map(({ target }) => target);
    return [...this.#targets.values(), ...draining].map((target) => target.describe());
  }

  /** The target whose turn it is. With no healthy one all take part: the group fails open. */
  next(): BalancedTarget | undefined {
    this.#routable ??= decideRoutable([...this.#targets.values()]);
    const { length } = this.#routable;
    if (length === 0) return undefined;
    if (this.#slowStartMs > 0) {
      const now = performance.now();
      const shares = this.#routable.map((target) => decideShare(target, now, this.#slowStartMs));
      // Once all are warm the simple turn does.
      if (shares.some((share) => share < 1)) return this.#routable[takeTurn(shares, this.#credits)];
    }
    this.#turn = (this.#turn + 1) % length;
    return this.#routable[this.#turn];
  }

  /** Connections to targets that are open now. */
  openConnections(): number {
    let open = 0;
    for (const { connections } of this.#targets.values()) open += connections.open;
    for (const { target } of this.#draining.values()) open += target.connections.open;
    return open;
  }

  close(): void {
    for (const target of this.#targets.values()) target.close();
    for (const { target, timer } of this.#draining.values()) {
      clearTimeout(timer);
      target.close();
    }
    this.#targets.clear();
    this.#draining.clear();
    this.#routable = undefined;
  }

  /** Requests in flight go on: each connection closes when its request is done. */
  #forget(name: string, { target, timer }: Draining): void {
    clearTimeout(timer);
    target.closeIdleConnections();
    this.#draining.delete(name);
  }

  /** Slow start begins with health and ends without it. */
  #warm(target: BalancedTarget): void {
    if (target.state !== 'healthy') {
      target.warmingSince = undefined;
      return;
    }
    const others = [...this.#targets.values()].filter((one) => one !== target && one.state === 'healthy');
    target.warmingSince = decideWarming(others, performance.now(), this.#slowStartMs).warmingSince;
  }

  #changed(): void {
    this.#credits = [];
    this.#routable = undefined;
    this.#onChange();
  }
}

/** Healthy targets, else all that are registered. Pure. */
function decideRoutable<T extends Pick<BalancedTarget, 'state'>>(targets: readonly T[]): readonly T[] {
  const healthy = targets.filter((target) => target.state === 'healthy');
  if (healthy.length > 0) return healthy;
  return targets.filter((target) => target.state === 'initial' || target.state === 'unhealthy');
}

function keyOf(key: TargetKey): string {
  return `${key.id}:${key.port}`;
}

function sameDial(a: Target, b: Target): boolean {
  return a.dial.address === b.dial.address && a.dial.port === b.dial.port;
}
