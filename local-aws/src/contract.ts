/**
 * What the parts of the embedded AWS know of each other, and nothing more:
 * the gateway and its overlays, the ECS scheduler, the task drivers and the load balancer.
 * Only types stand here; each part can be tested with the others replaced.
 */

/** Wall clock and timers of the embedded AWS. `speed` divides AWS-side intervals; it never changes `now()`. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Real milliseconds that an AWS-side interval of `awsMs` takes at the current speed. */
  scaled(awsMs: number): number;
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** One AWS API request, its service and action already recognised from credential scope, target or form body. */
export interface AwsRequest {
  /** Signing name: `ecs`, `ecr`, `application-autoscaling`, `elasticloadbalancing`, `ssm`, `s3`, ... */
  readonly service: string;
  /** Action name without prefix, for example `CreateService`; empty for REST services such as S3. */
  readonly action: string;
  readonly method: string;
  /** Path with query string. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  readonly region: string;
  readonly accountId: string;
  /** The parsed JSON body; `{}` when empty. Throws an {@link AwsError} `SerializationException` when malformed. */
  json(): Record<string, unknown>;
  /** The parsed form body of a query-protocol service. */
  form(): URLSearchParams;
}

export interface AwsResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Buffer;
}

/** An AWS-style error: rendered by the gateway in the protocol of the request's service. */
export class AwsError extends Error {
  readonly code: string;
  readonly status: number;
  constructor(code: string, message: string, status = 400) {
    super(message);
    this.name = code;
    this.code = code;
    this.status = status;
  }
}

/** The part of one AWS API that the gateway answers itself. Everything else goes to moto. */
export interface Overlay {
  readonly service: string;
  /**
   * @param forward sends the (possibly changed) request on to moto and returns its answer
   * @returns the answer, or undefined to have the request forwarded unchanged
   */
  handle(
    request: AwsRequest,
    forward: (changed?: { body?: Buffer }) => Promise<AwsResponse>,
  ): Promise<AwsResponse | undefined>;
}

/** Calls from inside the embedded AWS to moto, with AWS errors as {@link AwsError}. */
export interface ControlPlane {
  readonly region: string;
  readonly accountId: string;
  /** JSON-protocol services (ecs, ecr, ssm, logs, application-autoscaling). `target` is the action name. */
  json<T = Record<string, unknown>>(service: string, action: string, payload: object): Promise<T>;
  /** Query-protocol services (elasticloadbalancing, ec2, cloudwatch, sts, iam); answers raw XML. */
  query(service: string, action: string, params: Readonly<Record<string, string>>): Promise<string>;
}

// ---------------------------------------------------------------- tasks

/** All that a driver needs to run one task; secrets are resolved already. */
export interface TaskSpec {
  readonly taskArn: string;
  readonly taskId: string;
  readonly clusterName: string;
  readonly family: string;
  readonly revision: number;
  readonly zone: string;
  /** The address that AWS would give it, for example `10.2.101.7`. */
  readonly privateIp: string;
  /** Full image reference of the essential container: `registry/repository@sha256:...` or `:tag`. */
  readonly image: string;
  readonly containerName: string;
  readonly entryPoint?: readonly string[];
  readonly command?: readonly string[];
  /** Plain variables, secrets and the ECS variables together. */
  readonly environment: Readonly<Record<string, string>>;
  /** Names in `environment` whose values are secret: never printed or logged. */
  readonly secretNames: readonly string[];
  readonly containerPort: number | undefined;
  readonly cpuUnits: number;
  readonly memoryMb: number;
  /** SIGTERM to SIGKILL, AWS-side seconds (default 30). */
  readonly stopTimeoutSeconds: number;
  readonly log: { readonly group: string; readonly stream: string } | undefined;
}

export interface TaskExit {
  readonly exitCode: number | undefined;
  readonly signal: string | undefined;
  /** A container-level reason such as `OutOfMemoryError: container killed due to memory usage`. */
  readonly reason: string | undefined;
}

export interface RunningTask {
  /** Loopback address and port where the container listens, e.g. `127.2.101.7` and 5000. */
  readonly address: string;
  readonly port: number;
  readonly pid: number;
  /** Resolves once, when the process has ended and its last log line is delivered. Never rejects. */
  readonly exited: Promise<TaskExit>;
  /** SIGTERM, then SIGKILL after the stop timeout; resolves when it has exited. Idempotent. */
  stop(): Promise<TaskExit>;
  /** CPU units (1024 = one core) since the call before, and resident memory now. */
  usage(): { readonly cpuUnits: number; readonly memoryMb: number };
  /** Holds every process of the task where it is, or lets them go on. A frozen task still dies on `stop` and `kill`. */
  freeze(frozen: boolean): void;
  /** SIGKILL to all of it, as a crash from outside: exit code 137 and no reason. */
  kill(): void;
  /** Takes memory within the task until its limit ends it with OutOfMemoryError; bounded in size and time. */
  fillMemory(): { stop(): void };
  /** Runs a command in the task: its image, variables, working directory and limits. It ends with the task. */
  execute(command: string, options?: CommandOptions): ExecutedCommand;
}

export interface CommandOptions {
  /** A terminal for the command; where the system can't give one, pipes take its place. */
  readonly tty?: boolean;
  readonly columns?: number;
  readonly rows?: number;
}

export interface ExecutedCommand {
  readonly stdin: NodeJS.WritableStream;
  readonly stdout: NodeJS.ReadableStream;
  /** undefined with a terminal, where both are one. */
  readonly stderr: NodeJS.ReadableStream | undefined;
  /** Tells the terminal its size; absent without one. */
  resize?(columns: number, rows: number): void;
  /** Never rejects. A command that is not there exits with 127, one that can't be executed with 126. */
  readonly exited: Promise<TaskExit>;
  kill(): void;
}

/** What a client needs to open the data channel of a session. */
export interface CommandSession {
  readonly sessionId: string;
  readonly streamUrl: string;
  readonly tokenValue: string;
}

/** Sessions of ECS Exec: each runs one command in one task, for the client that opens its data channel. */
export interface CommandSessions {
  /** @throws AwsError when there are too many */
  prepare(task: RunningTask, command: string): CommandSession;
}

/** Thrown by a driver when a task can't start; `code` is the AWS stop code word, e.g. `CannotPullContainerError`. */
export class TaskStartError extends Error {
  readonly code: string;
  constructor(code: string, message: string) {
    super(message);
    this.name = 'TaskStartError';
    this.code = code;
  }
}

export interface TaskDriver {
  readonly name: 'process' | 'docker';
  /** For status: the name and how it limits tasks, e.g. `process (cgroup v1 limits)`, `process (measured)`. */
  readonly description?: string;
  /**
   * Makes sure the image is here; fails with {@link TaskStartError} as an image pull does.
   * @param platform that the image must be for, e.g. `linux/arm64`; any that Fargate runs when left out
   */
  pull(image: string, platform?: string): Promise<{ readonly digest: string }>;
  start(spec: TaskSpec): Promise<RunningTask>;
  /** Stops every task; used on shutdown. Bounded by `withinMs`, then SIGKILL. */
  stopAll(withinMs: number): Promise<void>;
}

/** Image content, by repository and digest or tag. Implemented by the registry in the gateway. */
export interface ImageStore {
  resolve(
    repository: string,
    reference: string,
  ): Promise<{ digest: string; manifest: OciManifest } | undefined>;
  /** Path on disk of a blob (layers and configs are stored as files). */
  blobPath(digest: string): string;
}

export interface OciManifest {
  readonly schemaVersion: 2;
  readonly mediaType?: string;
  readonly config: OciDescriptor;
  readonly layers: readonly OciDescriptor[];
  readonly annotations?: Readonly<Record<string, string>>;
}

export interface OciDescriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}

// ---------------------------------------------------------------- metrics

export type MetricUnit = 'Percent' | 'Count' | 'Seconds' | 'Bytes' | 'None';

/** What was observed of one metric within one AWS-side minute (or less, when it began later). */
export interface MetricSample {
  /** `AWS/ECS`, `AWS/ApplicationELB`, ... */
  readonly namespace: string;
  readonly name: string;
  readonly dimensions: Readonly<Record<string, string>>;
  readonly unit: MetricUnit;
  /** Milliseconds since the epoch: the end of that minute. */
  readonly at: number;
  readonly count: number;
  readonly sum: number;
  readonly minimum: number;
  readonly maximum: number;
  /** The single values, where percentiles matter (TargetResponseTime); at most some thousand. */
  readonly values?: readonly number[];
}

/** Takes what the parts of the embedded AWS measure, as CloudWatch does. Each caller sums up its own minutes. */
export interface MetricSink {
  record(samples: readonly MetricSample[]): void;
}

// ---------------------------------------------------------------- load balancing

/** A load balancer's wiring as the control plane knows it; rebuilt from moto after every change. */
export interface LoadBalancerTopology {
  readonly loadBalancers: readonly LoadBalancerWiring[];
  readonly targetGroups: readonly TargetGroupConfig[];
}

export interface LoadBalancerWiring {
  readonly arn: string;
  readonly name: string;
  /** Seconds without a byte after which a connection is closed (AWS default 60). */
  readonly idleTimeoutSeconds: number;
  readonly listeners: readonly ListenerWiring[];
  /** Where access logs go, while the attribute `access_logs.s3.enabled` is true. */
  readonly accessLogs?: { readonly bucket: string; readonly prefix: string };
}

export interface ListenerWiring {
  readonly arn: string;
  readonly port: number;
  readonly protocol: 'HTTP' | 'HTTPS';
  readonly defaultAction: ListenerAction;
  /** In no particular order; the lowest priority that matches takes the request, else the default action. */
  readonly rules?: readonly ListenerRule[];
}

export interface ListenerRule {
  readonly arn: string;
  readonly priority: number;
  readonly conditions: readonly RuleCondition[];
  readonly action: ListenerAction;
}

/** Wildcards are `*` and `?`; values are alternatives. */
export type RuleCondition =
  | {
      readonly field: 'path-pattern' | 'host-header' | 'source-ip' | 'http-request-method';
      readonly values: readonly string[];
    }
  | { readonly field: 'http-header'; readonly name: string; readonly values: readonly string[] }
  | {
      readonly field: 'query-string';
      readonly values: readonly { readonly key: string | undefined; readonly value: string }[];
    };

export type ListenerAction =
  | {
      readonly type: 'forward';
      readonly targets: readonly { readonly targetGroupArn: string; readonly weight: number }[];
    }
  | {
      readonly type: 'redirect';
      readonly statusCode: 301 | 302;
      readonly protocol: string;
      readonly port: string;
      readonly host: string;
      readonly path: string;
      readonly query: string;
    }
  | {
      readonly type: 'fixed-response';
      readonly statusCode: number;
      readonly contentType: string;
      readonly body: string;
    };

export interface TargetGroupConfig {
  readonly arn: string;
  readonly name: string;
  readonly port: number;
  readonly deregistrationDelaySeconds: number;
  /** How long a newly healthy target's share grows; 0 or absent: it gets its full share at once. */
  readonly slowStartSeconds?: number;
  readonly healthCheck: {
    readonly path: string;
    readonly intervalSeconds: number;
    readonly timeoutSeconds: number;
    readonly healthyThreshold: number;
    readonly unhealthyThreshold: number;
    /** For example `200` or `200-299,301`. */
    readonly matcher: string;
  };
}

/** A registered target: the AWS address and where it really listens. */
export interface Target {
  /** The id AWS shows: the private address, e.g. `10.2.101.7`. */
  readonly id: string;
  readonly port: number;
  readonly zone: string;
  readonly dial: { readonly address: string; readonly port: number };
  /** Whether security groups let the load balancer through now; yes when left out. */
  readonly reachable?: () => boolean;
}

export type TargetState = 'initial' | 'healthy' | 'unhealthy' | 'draining' | 'unused';

export interface TargetHealth {
  readonly target: Target;
  readonly state: TargetState;
  /** AWS reason codes, e.g. `Elb.RegistrationInProgress`, `Target.Timeout`, `Target.ResponseCodeMismatch`. */
  readonly reason: string | undefined;
  readonly description: string | undefined;
}

export interface LoadBalancerPlane {
  /** Opens, changes and closes listeners and health checks until they match. Idempotent; keeps targets. */
  apply(topology: LoadBalancerTopology): Promise<void>;
  /** Real local port of a listener; opens on a stable port derived from the name. undefined while unknown. */
  localPort(loadBalancerArn: string, listenerPort: number): number | undefined;
  /** Reserves the stable local port of a load balancer's first listener before that listener exists. */
  reservePort(loadBalancerName: string): Promise<number>;
  register(targetGroupArn: string, targets: readonly Target[]): void;
  /** Starts draining; the target leaves after its deregistration delay (scaled). */
  deregister(
    targetGroupArn: string,
    targets: readonly { readonly id: string; readonly port: number }[],
  ): void;
  health(targetGroupArn: string): readonly TargetHealth[];
  /** Called whenever a target changes state. */
  onChange(listener: (targetGroupArn: string) => void): void;
  close(): Promise<void>;
}

// ---------------------------------------------------------------- status

export interface LocalEnvironment {
  /** From the service's `Environment` tag, else the cluster name. */
  readonly name: string;
  readonly cluster: string;
  readonly service: string;
  readonly url: string | undefined;
  readonly desired: number;
  readonly running: number;
  readonly pending: number;
  readonly tasks: readonly {
    readonly id: string;
    readonly zone: string;
    readonly privateIp: string;
    /** Where it really listens, `127.2.101.7:5000`. */
    readonly address: string;
    readonly lastStatus: string;
    readonly health: TargetState | undefined;
    readonly startedAt: string | undefined;
  }[];
}
