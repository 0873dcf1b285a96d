/**
 * Where the service is in its life, and which task it turned out to be.
 * One object for each process, made in the composition root; nothing else in the service changes over time but metrics.
 */
import { type TaskIdentity, UNKNOWN_IDENTITY } from './task-identity.ts';

export type Phase = 'starting' | 'ready' | 'draining';

export class ServiceState {
  #phase: Phase = 'starting';
  #identity: TaskIdentity = UNKNOWN_IDENTITY;

  get phase(): Phase {
    return this.#phase;
  }

  get identity(): TaskIdentity {
    return this.#identity;
  }

  /** Start-up is complete. A service that was told to stop meanwhile stays `draining`. */
  becomeReady(identity: TaskIdentity): void {
    this.#identity = identity;
    if (this.#phase === 'starting') this.#phase = 'ready';
  }

  /** Readiness fails from now on; there is no way back. */
  startDraining(): void {
    this.#phase = 'draining';
  }
}
