/**
 * The shape of `towpath.config.ts` at run time: types, ranges and characters of single values.
 * Ranges are those of AWS, or narrower where the Terraform in `infra/` is.
 * What values must be to each other is decided in the rules; defaults are in `resolve-project.ts`.
 * Messages say what a value must be; `schema-problems.ts` adds the value.
 */
import * as z from 'zod';
import { parseDuration } from '../domain/duration.ts';
import { FARGATE_CPU_UNITS } from './fargate.ts';

/** Environments on one ladder. */
export const MAX_ENVIRONMENTS = 10;
const MAX_APPROVALS = 10;
/** Tasks of one service. */
const MAX_TASKS = 1000;
/** Containers run as an ordinary user, who can't bind lower ports. */
const MIN_PORT = 1024;
const MAX_SOAK_SECONDS = 30 * 86_400;
const MAX_GRACE_SECONDS = 7200;
/** Below, noise alone scales out; above, a task is overloaded before another starts. */
const TARGET_PERCENT = [10, 95] as const;
/** Periods that CloudWatch Logs knows (PutRetentionPolicy), days. */
const RETENTION_DAYS: readonly number[] = [
  1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
];

/** A text of which `accepts` says whether it will do; `must` completes "must be ...". */
function text(must: string, accepts: RegExp | ((value: string) => boolean)) {
  const test = accepts instanceof RegExp ? (value: string) => accepts.test(value) : accepts;
  return z.string().refine(test, { error: `must be ${must}` });
}

function whole(min: number, max: number) {
  return z.number().int().min(min).max(max);
}

/** Objects know their keys: an unknown one is a mistake, not an extra. */
function object<Shape extends z.core.$ZodLooseShape>(shape: Shape) {
  return z.strictObject(shape);
}

const nameWords = 'lower-case letters, digits and single hyphens, beginning with a letter';
const namePattern = /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/;

/** A relative path that stays inside the folder it starts from. */
function staysInside(path: string): boolean {
  if (path === '' || /^([/\\]|[A-Za-z]:)/.test(path)) return false;
  let depth = 0;
  for (const part of path.split(/[/\\]/)) {
    if (part === '..') depth -= 1;
    else if (part !== '.' && part !== '') depth += 1;
    if (depth < 0) return false;
  }
  return true;
}

const projectPath = text('a path inside the folder of the configuration, like "app"', staysInside);
const sourcePath = text('a path inside the source folder, like "dist"', staysInside);

const bundle = object({
  // Empty: there is nothing to build, as in a language without a compiler.
  command: z.array(text('a word of a command', /./)).optional(),
  files: z.array(sourcePath).min(1).optional(),
});

/** Ranges: Elastic Load Balancing, CreateTargetGroup. */
const healthCheck = object({
  path: text(
    'a path that begins with "/", without spaces, of at most 1024 characters',
    /^\/[\x21-\x7e]{0,1023}$/,
  ).optional(),
  intervalSeconds: whole(5, 300).optional(),
  timeoutSeconds: whole(2, 120).optional(),
  healthyThreshold: whole(2, 10).optional(),
  unhealthyThreshold: whole(2, 10).optional(),
  graceSeconds: whole(0, MAX_GRACE_SECONDS).optional(),
});

const scaling = object({
  min: whole(1, MAX_TASKS).optional(),
  max: whole(1, MAX_TASKS).optional(),
  cpuPercent: whole(...TARGET_PERCENT).optional(),
  memoryPercent: whole(...TARGET_PERCENT).optional(),
});

const deployment = object({
  minimumHealthyPercent: whole(0, 100).optional(),
  // Zones are balanced by starting a task first, which takes room above 100 %.
  maximumPercent: whole(101, 200).optional(),
  deregistrationDelaySeconds: whole(0, 3600).optional(),
  /** Fargate: 2 to 120. */
  stopTimeoutSeconds: whole(2, 120).optional(),
});

// What the Parameter Store allows and different names can't turn into the same variable.
const secretName = text(
  'a name of 1 to 63 lower-case letters, digits and hyphens, beginning with a letter',
  /^[a-z][a-z0-9-]{0,62}$/,
);

const variableName = text(
  'a variable name: letters, digits and "_", not beginning with a digit',
  /^[A-Za-z_][A-Za-z0-9_]*$/,
);

const dev = object({
  command: z.array(text('a word of a command', /./)).min(1),
  build: z.array(text('a word of a command', /./)).min(1).optional(),
  environment: z.record(variableName, z.string()).optional(),
});

export const serviceSchema = object({
  source: projectPath.optional(),
  dockerfile: projectPath.optional(),
  context: projectPath.optional(),
  bundle: bundle.optional(),
  dev: dev.optional(),
  port: whole(MIN_PORT, 65_535).optional(),
  cpu: z
    .number()
    .refine((cpu) => FARGATE_CPU_UNITS.includes(cpu), {
      error: `must be one of Fargate's sizes (${FARGATE_CPU_UNITS.join(', ')} CPU units)`,
    })
    .optional(),
  memory: whole(512, 122_880).optional(),
  healthCheck: healthCheck.optional(),
  scaling: scaling.optional(),
  deployment: deployment.optional(),
  secrets: z.array(secretName).optional(),
  environment: z.record(variableName, z.string()).optional(),
  exec: z.boolean().optional(),
  spotWeight: whole(0, 1000).optional(),
});

const promotion = object({
  trigger: z.enum(['manual', 'auto']).optional(),
  approvals: whole(0, MAX_APPROVALS).optional(),
  soak: text('a duration of at most 30 days, like "0s", "10m", "1h30m" or "2d"', (soak) => {
    const seconds = parseDuration(soak);
    return seconds !== undefined && seconds <= MAX_SOAK_SECONDS;
  }).optional(),
});

export const environmentSchema = object({
  name: text(nameWords, namePattern),
  cidr: z.string(),
  account: text('an AWS account id of twelve digits, in quotes', /^\d{12}$/).optional(),
  profile: text('the name of an AWS profile', /^[^\s\]]+$/).optional(),
  promotion: promotion.optional(),
  nat: z.enum(['per-az', 'single', 'none']).optional(),
  certificateArn: text(
    'the ARN of an ACM certificate, like "arn:aws:acm:us-east-1:123456789012:certificate/..."',
    /^arn:aws[a-z-]*:acm:[a-z0-9-]+:\d{12}:certificate\/[A-Za-z0-9-]+$/,
  ).optional(),
  alarmEmail: text('an e-mail address', /^[^\s@]+@[^\s@]+\.[^\s@.]+$/).optional(),
  // A policy's own name has 1 to 128 characters, after a path; AWS's managed ones have "aws" for an account.
  permissionsBoundary: text(
    'the ARN of an IAM policy, like "arn:aws:iam::123456789012:policy/ci/shop-prod-boundary"',
    /^arn:aws[a-z-]*:iam::(\d{12}|aws):policy\/([\x21-\x7e]*\/)?[A-Za-z0-9+=,.@_-]{1,128}$/,
  ).optional(),
  logRetentionDays: z
    .number()
    .refine((days) => RETENTION_DAYS.includes(days), {
      error: `must be a period that CloudWatch Logs knows (${RETENTION_DAYS.join(', ')} days)`,
    })
    .optional(),
  protected: z.boolean().optional(),
  // Dots are legal in bucket names, but break TLS host names; and the bucket's policy refuses all but TLS.
  stateBucket: text(
    'a bucket name: 3 to 63 lower-case letters, digits and hyphens, beginning and ending with a letter or digit',
    /^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$/,
  ).optional(),
  lockTable: text(
    'a DynamoDB table name: 3 to 255 letters, digits, "_", "." and "-"',
    /^[A-Za-z0-9_.-]{3,255}$/,
  ).optional(),
  service: serviceSchema.optional(),
});

export const projectSchema = object({
  project: text(nameWords, namePattern),
  application: text(nameWords, namePattern).optional(),
  owner: text(
    'a tag value: 1 to 256 letters, digits, spaces and _ . : / = + - @',
    /^[\p{L}\p{N}_.:/=+\-@ ]{1,256}$/u,
  ),
  region: text('an AWS region, like "us-east-1"', /^[a-z]{2}(-[a-z]+)+-\d{1,2}$/).optional(),
  availabilityZones: z.array(text('an availability zone, like "us-east-1a"', /^[a-z0-9-]+$/)).optional(),
  // Alarms add the section behind "#"; the description of an alarm takes 1024 characters with it.
  runbookUrl: text(
    'an http or https address of at most 200 characters without "#", like "https://github.com/acme/shop/blob/main/docs/runbook.md"',
    /^https?:\/\/[^\s"#<>]{1,192}$/,
  ).optional(),
  service: serviceSchema.optional(),
  environments: z.array(environmentSchema).min(1).max(MAX_ENVIRONMENTS),
});
