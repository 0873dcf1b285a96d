/** The local development stack as actions and commands see it: Prometheus, Grafana, Redis and the app from its source. */

export interface StackPort {
  /** Starts it when it is not running; resolves when it is ready. */
  start(options: StackStartOptions): Promise<StackStatus & { readonly started: boolean }>;
  /** Also ends what one that was killed has left. */
  stop(): Promise<'stopped' | 'leftovers ended' | 'not running'>;
  /** undefined when it is not running. */
  status(): Promise<StackStatus | undefined>;
  /** Resolves when an attached one has ended: with the reason, or undefined when somebody has asked it to. */
  ended(): Promise<string | undefined>;
}

/** Who runs the servers: a container engine through the compose file, or this computer. */
export type StackRunner = 'compose' | 'native';

export interface StackStartOptions {
  /** undefined: the compose file where an engine runs. */
  readonly runner: StackRunner | undefined;
  /** True: it ends with this process, however this process ends. */
  readonly attached: boolean;
  /** Ends the start, which may have to download images. */
  readonly signal: AbortSignal;
  /** Told by an attached one, as long as it runs. */
  readonly onEvent: (event: StackEvent) => void;
}

export type StackEvent =
  | { readonly type: 'note'; readonly text: string }
  /** A line that the app wrote. */
  | { readonly type: 'log'; readonly line: string }
  | StackReload;

/** The app was built and started from its source, or was not. */
export interface StackReload {
  readonly type: 'reload';
  readonly outcome: 'running' | 'build failed' | 'start failed' | 'ended';
  readonly ms: number;
  /** Files, relative to the source folder; empty for the first start. */
  readonly changed: readonly string[];
  /** Last lines of what failed. */
  readonly output: readonly string[];
}

export interface StackStatus {
  readonly pid: number;
  readonly startedAt: string;
  /** Why the compose file is not used, where it could have been. */
  readonly withoutCompose?: string;
  readonly components: readonly StackComponent[];
  /** Tasks of the embedded AWS that Prometheus scrapes; absent while that does not run. */
  readonly tasks?: number;
}

export interface StackComponent {
  readonly name: string;
  readonly title: string;
  readonly state: 'running' | 'ended' | 'missing' | 'failed';
  readonly runner: StackRunner | 'source';
  readonly url?: string;
  readonly detail?: string;
  readonly hint?: string;
}
