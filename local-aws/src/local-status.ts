/** What the embedded AWS says of itself. Only types. */
import type { MovedPort } from './balancer/local-ports.ts';
import type { ChaosEntry } from './chaos/chaos-entry.ts';
import type { LocalEnvironment } from './contract.ts';

/** Answer of `GET /_local/status` on the gateway. */
export interface LocalStatus {
  readonly endpoint: string;
  readonly speed: number;
  readonly pid: number;
  readonly startedAt: string;
  readonly driver: string;
  readonly region: string;
  readonly accountId: string;
  /** Load balancers whose port somebody else has had since the start. */
  readonly movedPorts: readonly MovedPort[];
  readonly environments: readonly LocalEnvironment[];
  /** What is broken on purpose now. */
  readonly chaos: readonly ChaosEntry[];
  /** Changing calls that the next start makes again, and their place on disk. */
  readonly journal: { readonly calls: number; readonly bytes: number };
}
