/**
 * Fills in the defaults (the architecture's figures) and merges each environment's overrides.
 * Pure, and never refuses: what is allowed is decided by the schema and the rules.
 */

import { parseDuration } from '../domain/duration.ts';
import { defaultLockTable, defaultStateBucket } from '../domain/names.ts';
import type { Environment, Project, PromotionPolicy, ServiceConfig } from '../domain/project.ts';
import type { EnvironmentInput, ProjectInput, PromotionInput, ServiceInput } from './project-input.ts';

export const DEFAULT_LOG_RETENTION_DAYS = 30;

/**
 * Regions that do not offer zones a, b and c. AWS gives accounts differing letters there: these are the usual ones,
 * and `availabilityZones` overrides them.
 */
const ZONE_LETTERS: Readonly<Record<string, readonly string[]>> = {
  'ap-northeast-1': ['a', 'c', 'd'],
  'ca-central-1': ['a', 'b', 'd'],
  'us-west-1': ['a', 'c'],
};

export function defaultZones(region: string): readonly string[] {
  return (ZONE_LETTERS[region] ?? ['a', 'b', 'c']).map((letter) => `${region}${letter}`);
}

export function resolveProject(input: ProjectInput): Project {
  const region = input.region ?? 'us-east-1';
  const count = input.environments.length;
  return {
    name: input.project,
    application: input.application ?? 'app',
    owner: input.owner,
    region,
    availabilityZones: input.availabilityZones ?? defaultZones(region),
    repository: input.project,
    runbookUrl: input.runbookUrl,
    environments: input.environments.map((environment, position) =>
      resolveEnvironment(input, environment, { position, last: count > 1 && position === count - 1 }),
    ),
  };
}

function resolveEnvironment(
  project: ProjectInput,
  input: EnvironmentInput,
  place: { readonly position: number; readonly last: boolean },
): Environment {
  return {
    name: input.name,
    position: place.position,
    cidr: input.cidr,
    account: input.account,
    profile: input.profile,
    promotion: resolvePromotion(input.promotion ?? {}),
    nat: input.nat ?? 'per-az',
    certificateArn: input.certificateArn,
    alarmEmail: input.alarmEmail,
    permissionsBoundary: input.permissionsBoundary,
    logRetentionDays: input.logRetentionDays ?? DEFAULT_LOG_RETENTION_DAYS,
    protected: input.protected ?? place.last,
    stateBucket: input.stateBucket ?? defaultStateBucket(project.project, input.name),
    lockTable: input.lockTable ?? defaultLockTable(input.name),
    service: resolveService(mergeService(project.service ?? {}, input.service ?? {})),
  };
}

function resolvePromotion(input: PromotionInput): PromotionPolicy {
  return {
    trigger: input.trigger ?? 'manual',
    approvals: input.approvals ?? 0,
    soakSeconds: parseDuration(input.soak ?? '0s') ?? 0,
  };
}

/** `override` over `base`: objects merged, lists replaced, absent and undefined keys left as they are. */
export function mergeService(base: ServiceInput, override: ServiceInput): ServiceInput {
  return mergeObjects(base, override);
}

function mergeObjects(base: object, override: object): Record<string, unknown> {
  const merged: Record<string, unknown> = { ...base };
  for (const [key, value] of Object.entries(override)) {
    if (value === undefined) continue;
    const before = merged[key];
    merged[key] = isPlainObject(before) && isPlainObject(value) ? mergeObjects(before, value) : value;
  }
  return merged;
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}

export function resolveService(input: ServiceInput): ServiceConfig {
  const { bundle = {}, healthCheck = {}, scaling = {}, deployment = {} } = input;
  const source = input.source ?? 'app';
  return {
    source,
    dockerfile: input.dockerfile ?? `${source.replace(/\/+$/, '')}/Dockerfile`,
    context: input.context ?? '.',
    bundle: {
      command: bundle.command ?? ['npm', 'run', 'build'],
      files: bundle.files ?? ['dist', 'package.json'],
    },
    dev: input.dev && {
      command: input.dev.command,
      build: input.dev.build,
      environment: input.dev.environment ?? {},
    },
    port: input.port ?? 5000,
    cpu: input.cpu ?? 256,
    memory: input.memory ?? 512,
    healthCheck: {
      path: healthCheck.path ?? '/readyz',
      intervalSeconds: healthCheck.intervalSeconds ?? 5,
      timeoutSeconds: healthCheck.timeoutSeconds ?? 2,
      healthyThreshold: healthCheck.healthyThreshold ?? 2,
      unhealthyThreshold: healthCheck.unhealthyThreshold ?? 2,
      graceSeconds: healthCheck.graceSeconds ?? 30,
    },
    scaling: {
      min: scaling.min ?? 1,
      max: scaling.max ?? 10,
      cpuPercent: scaling.cpuPercent ?? 70,
      memoryPercent: scaling.memoryPercent ?? 80,
    },
    deployment: {
      minimumHealthyPercent: deployment.minimumHealthyPercent ?? 100,
      maximumPercent: deployment.maximumPercent ?? 200,
      deregistrationDelaySeconds: deployment.deregistrationDelaySeconds ?? 5,
      stopTimeoutSeconds: deployment.stopTimeoutSeconds ?? 30,
    },
    secrets: input.secrets ?? [],
    environment: input.environment ?? {},
    exec: input.exec ?? true,
    spotWeight: input.spotWeight ?? 0,
  };
}
