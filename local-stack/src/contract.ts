/** What the parts of the local development stack know of each other, and what it tells whoever started it. Types only. */

export type ComponentName = 'app' | 'prometheus' | 'grafana' | 'redis' | 'redis-exporter';

/** Who runs it: the engine through the compose file, or this computer. The app always runs from its source. */
export type Runner = 'compose' | 'native' | 'source';

export interface Component {
  readonly name: ComponentName;
  readonly title: string;
  /** `missing`: its program is not on this computer; `failed`: it did not start, or not with the present source. */
  readonly state: 'running' | 'ended' | 'missing' | 'failed';
  readonly runner: Runner;
  readonly url: string | undefined;
  /** Why it is not running, or what is unusual about it. */
  readonly detail: string | undefined;
  /** What to do about it; one line. */
  readonly hint: string | undefined;
}

/** Answer of `GET /status` on the control port, and the line `ready`. */
export interface StackStatus {
  readonly pid: number;
  readonly startedAt: string;
  /** Why the compose file is not used; undefined where it is, or where nobody asked for it. */
  readonly withoutCompose: string | undefined;
  readonly components: readonly Component[];
  /** Tasks of the embedded AWS that Prometheus is told of; undefined while it does not run. */
  readonly tasks: number | undefined;
}

/** Told while the stack runs. */
export type StackEvent =
  | { readonly type: 'note'; readonly text: string }
  | { readonly type: 'log'; readonly line: string }
  | {
      readonly type: 'reload';
      readonly outcome: 'running' | 'build failed' | 'start failed' | 'ended';
      readonly ms: number;
      /** Files that changed, relative to the source folder; empty for the first start. */
      readonly changed: readonly string[];
      /** Last lines of what failed. */
      readonly output: readonly string[];
    };

/** The service as it is run from its source. */
export interface DevService {
  /** Label `service`. */
  readonly name: string;
  /** Absolute. */
  readonly folder: string;
  readonly port: number;
  readonly healthPath: string;
  /** undefined: nothing to build. */
  readonly build: readonly string[] | undefined;
  /** `{port}` in a word stands for the port to listen on, which is also in the variable PORT. */
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  /** Variables that get a random value for as long as the stack runs. */
  readonly secrets: readonly string[];
}

export interface StackOptions {
  readonly stateDir: string;
  /** State directory of the embedded AWS, which need not run. */
  readonly localAwsDir: string;
  /** Name of the project: part of the names of containers. */
  readonly project: string;
  readonly service: DevService;
  /** undefined: the compose file where an engine runs. */
  readonly runner: 'compose' | 'native' | undefined;
  /** The engine that answers, if any. */
  readonly engine: 'docker' | 'podman' | undefined;
  /** `local-stack/` itself: compose file and settings. */
  readonly home: string;
  /** The environment of the process. */
  readonly variables: Readonly<Record<string, string | undefined>>;
}

export interface Clock {
  now(): number;
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}
