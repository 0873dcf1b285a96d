/**
 * What a user writes in `towpath.config.ts`, as types only: nothing is loaded when a configuration is typed.
 * What these values may be at run time is decided in `schema.ts` and the rules beside it.
 */

export interface ProjectInput {
  /** Lower-case letters, digits and hyphens. Part of every AWS name: keep it short. */
  readonly project: string;
  /** Tag `Application`, and the name of the container. Default `app`. */
  readonly application?: string | undefined;
  /** Tag `Owner`: the team to ask. */
  readonly owner: string;
  /** Default `us-east-1`. */
  readonly region?: string | undefined;
  /** Two or three zones of the region. Default: its first three. */
  readonly availabilityZones?: readonly string[] | undefined;
  /** Address of `docs/runbook.md` as people can open it: alarms link their sections of it. Default: they name the file. */
  readonly runbookUrl?: string | undefined;
  readonly service?: ServiceInput | undefined;
  /** In promotion order, one to ten: the first takes new releases. */
  readonly environments: readonly EnvironmentInput[];
}

export interface EnvironmentInput {
  readonly name: string;
  /** The VPC's private /16, e.g. `10.3.0.0/16`; no two environments share addresses. */
  readonly cidr: string;
  /** Twelve digits. Towpath then refuses to work with credentials of another account. */
  readonly account?: string | undefined;
  /** AWS profile of the credentials. Default: the usual credential chain. */
  readonly profile?: string | undefined;
  readonly promotion?: PromotionInput | undefined;
  /** NAT gateways: one in each zone (default), one for all, or none, with tasks in the public subnets. */
  readonly nat?: 'per-az' | 'single' | 'none' | undefined;
  /** ACM certificate: turns HTTPS on, and redirects HTTP to it. */
  readonly certificateArn?: string | undefined;
  /** Alarms are mailed to this address. */
  readonly alarmEmail?: string | undefined;
  /**
   * ARN of an IAM policy that every role of this environment carries as its permissions boundary. CI may make and
   * change only roles that carry the boundary of `infra/ci`. Default: none.
   */
  readonly permissionsBoundary?: string | undefined;
  /** Days; a period that CloudWatch Logs knows. Default 30. */
  readonly logRetentionDays?: number | undefined;
  /** Nothing is destroyed or replaced without an explicit yes. Default: true in the last of two or more. */
  readonly protected?: boolean | undefined;
  /** Default `<project>-terraform-state-<environment>`. Bucket names are global, so it can be taken. */
  readonly stateBucket?: string | undefined;
  /** Default `terraform-lock-<environment>`. */
  readonly lockTable?: string | undefined;
  /** What differs from the project's `service` here. Objects are merged, lists replaced. */
  readonly service?: ServiceInput | undefined;
}

export interface PromotionInput {
  /** `auto` opens a promotion as soon as the environment before has succeeded. Default `manual`. */
  readonly trigger?: 'manual' | 'auto' | undefined;
  /** People who must approve, the requester not counted. Default 0. */
  readonly approvals?: number | undefined;
  /** How long the release must have been healthy in the environment before: `"10m"`, `"1h30m"`, `"2d"`. Default `"0s"`. */
  readonly soak?: string | undefined;
}

export interface ServiceInput {
  /** Folder of the source, relative to the configuration. Default `app`. */
  readonly source?: string | undefined;
  /** Default `<source>/Dockerfile`. */
  readonly dockerfile?: string | undefined;
  /** Build context. Default `.`, the folder of the configuration. */
  readonly context?: string | undefined;
  /** For builds without a container engine: a command (run in `source`) and the production files it makes. */
  readonly bundle?:
    | {
        /** Default `["npm", "run", "build"]`; `[]` where there is nothing to build. */
        readonly command?: readonly string[] | undefined;
        /** Default `["dist", "package.json"]`. */
        readonly files?: readonly string[] | undefined;
      }
    | undefined;
  /** How `towpath stack up` runs the source. Default: `bundle.command`, then the command of the Dockerfile. */
  readonly dev?: DevInput | undefined;
  /** Default 5000; not below 1024, since containers run as an ordinary user. */
  readonly port?: number | undefined;
  /** CPU units: 256 is a quarter of a vCPU. Default 256. */
  readonly cpu?: number | undefined;
  /** MiB; a size that Fargate offers for `cpu`. Default 512. */
  readonly memory?: number | undefined;
  readonly healthCheck?: HealthCheckInput | undefined;
  readonly scaling?: ScalingInput | undefined;
  readonly deployment?: DeploymentInput | undefined;
  /** Names of secrets, in lower case; `app-secret` reaches the container as `APP_SECRET`. Default none. */
  readonly secrets?: readonly string[] | undefined;
  /** Plain variables of the container. Default none. */
  readonly environment?: Readonly<Record<string, string>> | undefined;
  /**
   * Whether people with the AWS permission `ecs:ExecuteCommand` may run commands in tasks (`towpath exec`). Off, the
   * task role loses the permission for it, too. Default true.
   */
  readonly exec?: boolean | undefined;
  /** Weight of FARGATE_SPOT beside a base of one task on FARGATE. Default 0: no Spot. */
  readonly spotWeight?: number | undefined;
}

export interface DevInput {
  /** Run in `source` after every change. It must listen on the port in the variable `PORT`; `{port}` stands for it, too. */
  readonly command: readonly string[];
  /** Run in `source` before it. Default: nothing. */
  readonly build?: readonly string[] | undefined;
  /** Added to the service's `environment`. */
  readonly environment?: Readonly<Record<string, string>> | undefined;
}

export interface HealthCheckInput {
  /** Asked by the load balancer. Default `/readyz`. */
  readonly path?: string | undefined;
  /** Default 5. */
  readonly intervalSeconds?: number | undefined;
  /** Less than the interval. Default 2. */
  readonly timeoutSeconds?: number | undefined;
  /** Default 2. */
  readonly healthyThreshold?: number | undefined;
  /** Default 2. */
  readonly unhealthyThreshold?: number | undefined;
  /** Failures do not count for so long after a task's start. Default 30. */
  readonly graceSeconds?: number | undefined;
}

export interface ScalingInput {
  /** Tasks. Default 1. */
  readonly min?: number | undefined;
  /** Tasks. Default 10. */
  readonly max?: number | undefined;
  /** Target of the CPU policy. Default 70. */
  readonly cpuPercent?: number | undefined;
  /** Target of the memory policy. Default 80. */
  readonly memoryPercent?: number | undefined;
}

export interface DeploymentInput {
  /** Of the wanted tasks, healthy at any time (rounded up). Default 100. */
  readonly minimumHealthyPercent?: number | undefined;
  /** Of the wanted tasks, at most at any time (rounded down); above 100. Default 200. */
  readonly maximumPercent?: number | undefined;
  /** How long a leaving task may finish its requests. Default 5. */
  readonly deregistrationDelaySeconds?: number | undefined;
  /** From SIGTERM to SIGKILL. Default 30. */
  readonly stopTimeoutSeconds?: number | undefined;
}
