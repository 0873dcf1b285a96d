/** The embedded AWS as actions and commands see it: started, asked, broken on purpose, stopped. */

import type { ChaosEntry, ChaosList, ChaosRequest } from './domain/chaos.ts';

/** The embedded AWS on this computer. */
export interface LocalAwsPort {
  /** Starts it when it is not running; resolves when it is ready. */
  start(options: LocalStartOptions): Promise<LocalAws>;
  /** What it holds stays on disk, and the next start brings it back. */
  stop(): Promise<'stopped' | 'not running'>;
  /** Stops it, then removes all that it holds. */
  purge(): Promise<'forgotten' | 'nothing to forget'>;
  find(): Promise<LocalAws | undefined>;
  /** Keys of an identity; undefined when it is not running. */
  credentials(
    identity: string,
  ): Promise<{ readonly accessKeyId: string; readonly secretAccessKey: string } | undefined>;
  /** Resolves when an attached one has ended: with the reason, or undefined when somebody has asked it to. */
  ended(): Promise<string | undefined>;
  /** The daemon's own status answer, passed on as it is. */
  status(): Promise<LocalAwsStatus | undefined>;
  /** What is broken on purpose; this and the next are undefined when it is not running. */
  chaos(): Promise<ChaosList | undefined>;
  startChaos(request: ChaosRequest): Promise<ChaosEntry | undefined>;
  /** @param id undefined: everything that is active */
  undoChaos(id: string | undefined): Promise<readonly ChaosEntry[] | undefined>;
}

export type LocalDriver = 'process' | 'docker';

export interface LocalStartOptions {
  readonly speed: number | undefined;
  readonly port: number | undefined;
  /** How tasks run: as processes of this computer, or as containers of an engine; undefined: processes. */
  readonly driver?: LocalDriver | undefined;
  /** True: it ends with this process, however this process ends. */
  readonly attached: boolean;
  /** Told now and then while earlier state is brought back, which takes some seconds. */
  readonly onProgress?: ((progress: { readonly done: number; readonly total: number }) => void) | undefined;
}

export interface LocalAws {
  readonly endpoint: string;
  readonly speed: number;
  readonly pid: number;
  readonly region: string;
  readonly account: string;
  readonly driver: LocalDriver;
  readonly started: boolean;
  /** Changing calls of earlier runs that were made again; those that failed left a gap. */
  readonly restored: { readonly calls: number; readonly failedCalls: number };
  /** Load balancers whose local port somebody else has now. */
  readonly movedPorts: readonly MovedPort[];
}

export interface MovedPort {
  /** Name of the load balancer. */
  readonly name: string;
  readonly from: number;
  readonly to: number;
}

export interface LocalAwsStatus {
  readonly endpoint: string;
  readonly speed: number;
  readonly pid: number;
  readonly startedAt: string;
  /** With how it limits tasks, e.g. `process (cgroup v1 limits)`. */
  readonly driver?: string;
  readonly environments: readonly {
    readonly name: string;
    readonly url?: string;
    readonly desired: number;
    readonly running: number;
    readonly tasks: readonly {
      readonly id: string;
      readonly zone: string;
      readonly address: string;
      readonly lastStatus: string;
      readonly health?: string;
    }[];
  }[];
  /** What is broken on purpose now. */
  readonly chaos?: readonly ChaosEntry[];
  /** What the last start brought back. */
  readonly restored?: { readonly calls: number; readonly ms: number };
  /** Changing calls that the next start makes again, and their place on disk. */
  readonly journal?: { readonly calls: number; readonly bytes: number };
}
