/** What the values of one service must be to each other. Pure; single values are the schema's business. */
import { secretVariable } from '../domain/names.ts';
import type { ServiceConfig } from '../domain/project.ts';
import { describeMemories, FARGATE_CPU_UNITS, fargateMemories } from './fargate.ts';
import type { Finding } from './finding.ts';

/** Set by Towpath's Terraform or by ECS itself in every container. */
const RESERVED_VARIABLES: ReadonlySet<string> = new Set([
  'PORT',
  'HOST',
  'ENVIRONMENT',
  'AWS_EXECUTION_ENV',
  'AWS_CONTAINER_CREDENTIALS_RELATIVE_URI',
]);
/** ECS adds variables of this prefix, e.g. `ECS_CONTAINER_METADATA_URI_V4`. */
const RESERVED_PREFIX = 'ECS_';

/** Paths are relative to the service: `scaling.min`. */
export function serviceFindings(service: ServiceConfig): readonly Finding[] {
  return [
    ...sizeFindings(service),
    ...healthCheckFindings(service),
    ...scalingFindings(service),
    ...variableFindings(service),
  ];
}

function sizeFindings({ cpu, memory }: ServiceConfig): readonly Finding[] {
  if (!FARGATE_CPU_UNITS.includes(cpu) || fargateMemories(cpu).includes(memory)) return [];
  const message = `Fargate has no task of ${cpu} CPU units and ${memory} MiB: with cpu ${cpu}, memory must be ${describeMemories(cpu)}`;
  return [{ at: ['memory', 'cpu'], message }];
}

function healthCheckFindings({ healthCheck }: ServiceConfig): readonly Finding[] {
  const { intervalSeconds, timeoutSeconds } = healthCheck;
  if (timeoutSeconds < intervalSeconds) return [];
  const message = `must be less than intervalSeconds (${intervalSeconds}), got ${timeoutSeconds}`;
  return [{ at: ['healthCheck.timeoutSeconds', 'healthCheck.intervalSeconds'], message }];
}

function scalingFindings({ scaling, deployment }: ServiceConfig): readonly Finding[] {
  const { min, max } = scaling;
  if (min > max) {
    return [
      { at: ['scaling.min', 'scaling.max'], message: `must be at most scaling.max (${max}), got ${min}` },
    ];
  }
  const { minimumHealthyPercent, maximumPercent } = deployment;
  const stuck = stuckTaskCount({ min, max, minimumHealthyPercent, maximumPercent });
  if (stuck === undefined) return [];
  const message =
    `with ${stuck} task${stuck === 1 ? '' : 's'}, a rollout could neither start nor stop one: at least ` +
    `${minimumHealthyPercent} % (rounded up) and at most ${maximumPercent} % (rounded down) are both ` +
    `${Math.ceil((stuck * minimumHealthyPercent) / 100)}; raise maximumPercent (200 always works) or lower minimumHealthyPercent`;
  return [
    {
      at: ['deployment.maximumPercent', 'deployment.minimumHealthyPercent', 'scaling.min', 'scaling.max'],
      message,
    },
  ];
}

/**
 * The smallest task count between min and max at which ECS can neither start nor stop a task during a rollout:
 * the maximum is rounded down, the minimum up. Undefined when there is none.
 */
export function stuckTaskCount(limits: {
  readonly min: number;
  readonly max: number;
  readonly minimumHealthyPercent: number;
  readonly maximumPercent: number;
}): number | undefined {
  for (let count = limits.min; count <= limits.max; count += 1) {
    const most = Math.floor((count * limits.maximumPercent) / 100);
    const least = Math.ceil((count * limits.minimumHealthyPercent) / 100);
    if (most <= least) return count;
  }
  return undefined;
}

function variableFindings(service: ServiceConfig): readonly Finding[] {
  const findings: Finding[] = [];
  for (const name of Object.keys(service.environment)) {
    if (isReserved(name)) {
      findings.push({
        at: [`environment.${name}`],
        message: `${name} is set by Towpath or ECS: choose another name`,
      });
    }
  }
  for (const [index, secret] of service.secrets.entries()) {
    const variable = secretVariable(secret);
    const at = `secrets[${index}]` as const;
    if (service.secrets.indexOf(secret) !== index) {
      findings.push({ at: [at], message: `${JSON.stringify(secret)} is listed twice` });
    } else if (isReserved(variable)) {
      const message = `${JSON.stringify(secret)} would be read from ${variable}, which is set by Towpath or ECS: choose another name`;
      findings.push({ at: [at], message });
    } else if (Object.hasOwn(service.environment, variable)) {
      const message = `${JSON.stringify(secret)} is read from ${variable}, which is also a plain variable in environment: remove one`;
      findings.push({ at: [at, `environment.${variable}`], message });
    }
  }
  return findings;
}

function isReserved(variable: string): boolean {
  return RESERVED_VARIABLES.has(variable) || variable.startsWith(RESERVED_PREFIX);
}
