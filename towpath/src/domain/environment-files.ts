/** Contents of `infra/envs/<environment>/`, made from the configuration alone. Pure. */
import { STATE_KEY } from './names.ts';
import type { Environment, Project } from './project.ts';

export interface EnvironmentFiles {
  readonly 'backend.hcl': string;
  readonly 'terraform.tfvars.json': string;
}

export function renderEnvironmentFiles(project: Project, environment: Environment): EnvironmentFiles {
  return {
    'backend.hcl': renderBackend(project, environment),
    'terraform.tfvars.json': `${JSON.stringify(terraformVariables(project, environment), undefined, 2)}\n`,
  };
}

function renderBackend(project: Project, environment: Environment): string {
  const settings: readonly (readonly [string, string])[] = [
    ['bucket', JSON.stringify(environment.stateBucket)],
    ['key', JSON.stringify(STATE_KEY)],
    ['region', JSON.stringify(project.region)],
    ['encrypt', 'true'],
    ['use_lockfile', 'true'],
    ['dynamodb_table', JSON.stringify(environment.lockTable)],
  ];
  const width = Math.max(...settings.map(([key]) => key.length));
  const lines = settings.map(([key, value]) => `${key.padEnd(width)} = ${value}`);
  return ['# Written by `towpath sync` from towpath.config.ts.', ...lines, ''].join('\n');
}

function terraformVariables(project: Project, environment: Environment): Record<string, unknown> {
  const { service } = environment;
  return {
    project: project.name,
    environment: environment.name,
    application: project.application,
    owner: project.owner,
    region: project.region,
    availability_zones: project.availabilityZones,
    vpc_cidr: environment.cidr,
    nat: environment.nat,
    ...(environment.certificateArn === undefined ? {} : { certificate_arn: environment.certificateArn }),
    ...(environment.alarmEmail === undefined ? {} : { alarm_email: environment.alarmEmail }),
    ...(project.runbookUrl === undefined ? {} : { runbook_url: project.runbookUrl }),
    ...(environment.permissionsBoundary === undefined
      ? {}
      : { permissions_boundary: environment.permissionsBoundary }),
    log_retention_days: environment.logRetentionDays,
    deletion_protection: environment.protected,
    service: {
      port: service.port,
      cpu: service.cpu,
      memory: service.memory,
      health_check_path: service.healthCheck.path,
      health_check_interval_seconds: service.healthCheck.intervalSeconds,
      health_check_timeout_seconds: service.healthCheck.timeoutSeconds,
      healthy_threshold: service.healthCheck.healthyThreshold,
      unhealthy_threshold: service.healthCheck.unhealthyThreshold,
      health_check_grace_seconds: service.healthCheck.graceSeconds,
      environment: service.environment,
      secrets: service.secrets,
      scaling: {
        min: service.scaling.min,
        max: service.scaling.max,
        cpu_percent: service.scaling.cpuPercent,
        memory_percent: service.scaling.memoryPercent,
      },
      minimum_healthy_percent: service.deployment.minimumHealthyPercent,
      maximum_percent: service.deployment.maximumPercent,
      deregistration_delay_seconds: service.deployment.deregistrationDelaySeconds,
      stop_timeout_seconds: service.deployment.stopTimeoutSeconds,
      exec: service.exec,
      spot_weight: service.spotWeight,
    },
  };
}
