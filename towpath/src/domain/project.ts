/**
 * A project as the rest of Towpath sees it: defaults filled in, overrides merged, validated.
 * How a user writes it down is the business of `config/`.
 */

export type NatMode = 'per-az' | 'single' | 'none';

export interface Project {
  readonly name: string;
  readonly application: string;
  readonly owner: string;
  readonly region: string;
  readonly availabilityZones: readonly string[];
  /** Name of the project's one ECR repository. */
  readonly repository: string;
  /** Where the sections of the runbook are that alarms link. */
  readonly runbookUrl: string | undefined;
  /** In promotion order: the first takes new releases. */
  readonly environments: readonly Environment[];
}

export interface Environment {
  readonly name: string;
  /** Place on the ladder, from 0. */
  readonly position: number;
  readonly cidr: string;
  readonly account: string | undefined;
  readonly profile: string | undefined;
  readonly promotion: PromotionPolicy;
  readonly nat: NatMode;
  readonly certificateArn: string | undefined;
  readonly alarmEmail: string | undefined;
  /** ARN of the policy that every role of the environment carries as its permissions boundary. */
  readonly permissionsBoundary: string | undefined;
  readonly logRetentionDays: number;
  /** Nothing is destroyed or replaced here without an explicit yes. */
  readonly protected: boolean;
  readonly stateBucket: string;
  readonly lockTable: string;
  readonly service: ServiceConfig;
}

export interface PromotionPolicy {
  readonly trigger: 'manual' | 'auto';
  readonly approvals: number;
  /** How long the release must have been healthy in the environment before this one, seconds. */
  readonly soakSeconds: number;
}

export interface ServiceConfig {
  /** Source folder, relative to the project's root. */
  readonly source: string;
  /** Dockerfile and build context, relative to the project's root. */
  readonly dockerfile: string;
  readonly context: string;
  /** Command (run in `source`) that makes the production files, and those files; for builds without an engine. */
  readonly bundle: { readonly command: readonly string[]; readonly files: readonly string[] };
  /** How the source is run for development; undefined: as the bundle, by the command of the Dockerfile. */
  readonly dev: DevConfig | undefined;
  readonly port: number;
  readonly cpu: number;
  readonly memory: number;
  readonly healthCheck: HealthCheckConfig;
  readonly scaling: ScalingConfig;
  readonly deployment: DeploymentConfig;
  /** Names of secrets; `app-secret` reaches the container as `APP_SECRET`. */
  readonly secrets: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  /** Whether commands may be run in tasks (ECS Exec). */
  readonly exec: boolean;
  /** Weight of FARGATE_SPOT beside a base of one task on FARGATE; 0 for none. */
  readonly spotWeight: number;
}

export interface DevConfig {
  readonly command: readonly string[];
  readonly build: readonly string[] | undefined;
  readonly environment: Readonly<Record<string, string>>;
}

export interface HealthCheckConfig {
  readonly path: string;
  readonly intervalSeconds: number;
  readonly timeoutSeconds: number;
  readonly healthyThreshold: number;
  readonly unhealthyThreshold: number;
  readonly graceSeconds: number;
}

export interface ScalingConfig {
  readonly min: number;
  readonly max: number;
  readonly cpuPercent: number;
  readonly memoryPercent: number;
}

export interface DeploymentConfig {
  readonly minimumHealthyPercent: number;
  readonly maximumPercent: number;
  readonly deregistrationDelaySeconds: number;
  readonly stopTimeoutSeconds: number;
}
