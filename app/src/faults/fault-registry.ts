/**
 * The faults of this task that are active now. One of each kind; each ends by itself.
 * What a fault does to the process (burn, allocate, exit) is a port, so that tests neither burn nor exit.
 */
import { decideFault, type Fault, type FaultDecision, type FaultKind, NO_FAULT } from './fault.ts';

const MS_PER_SECOND = 1_000;

/** Starts what a fault does to the process; returns how to end it. */
export type FaultEffect = (fault: Fault) => () => void;

export interface FaultPorts {
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** From 0 up to 1. */
  readonly random: () => number;
  readonly schedule: (delayMs: number, action: () => void) => void;
  readonly startEffect: FaultEffect;
}

interface Active {
  readonly fault: Fault;
  readonly endsAtMs: number;
  readonly stop: () => void;
}

export interface ActiveFault {
  readonly kind: FaultKind;
  readonly settings: Readonly<Record<string, number>>;
  readonly endsAt: string;
}

export class FaultRegistry {
  readonly #active = new Map<FaultKind, Active>();
  readonly #ports: FaultPorts;

  constructor(ports: FaultPorts) {
    this.#ports = ports;
  }

  /** Starts a fault, or replaces the one of the same kind. */
  start(fault: Fault): void {
    this.stop(fault.kind);
    const durationMs = fault.forSeconds * MS_PER_SECOND;
    const active = {
      fault,
      endsAtMs: this.#ports.now() + durationMs,
      stop: this.#ports.startEffect(fault),
    };
    this.#active.set(fault.kind, active);
    this.#ports.schedule(durationMs, () => {
      if (this.#active.get(fault.kind) === active) this.stop(fault.kind);
    });
  }

  stop(kind: FaultKind): void {
    this.#active.get(kind)?.stop();
    this.#active.delete(kind);
  }

  stopAll(): void {
    for (const kind of [...this.#active.keys()]) this.stop(kind);
  }

  list(): readonly ActiveFault[] {
    return [...this.#active.values()].map(({ fault, endsAtMs }) => ({
      kind: fault.kind,
      settings: fault.settings,
      endsAt: new Date(endsAtMs).toISOString(),
    }));
  }

  isActive(kind: FaultKind): boolean {
    return this.#active.has(kind);
  }

  /** What happens to the request that is just being answered. */
  decide(): FaultDecision {
    if (this.#active.size === 0) return NO_FAULT;
    const faultOf = (kind: FaultKind) => this.#active.get(kind)?.fault;
    return decideFault(faultOf('delay'), faultOf('status'), this.#ports.random());
  }
}
