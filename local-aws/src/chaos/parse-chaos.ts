/**
 * What may be asked of `/_local/chaos`: each action with its parameters, limits and defaults. Pure.
 * Whether zone, environment or task exist is found out when the action begins.
 */
import * as z from 'zod';
import { ChaosError } from './chaos-error.ts';
import { suggestFrom } from './closest.ts';
import { MAX_SEED } from './seeded-random.ts';

/** Real seconds. Whatever is forgotten is over by then. */
const MAX_FOR_SECONDS = 3_600;
const MIN_FOR_SECONDS = 0.1;
const DEFAULT_FOR_SECONDS = 60;
/** The driver's own filler gives up after a minute. */
const MAX_FILL_SECONDS = 60;
const DEFAULT_FILL_SECONDS = 30;
/** Longer than SDKs wait for an answer by default. */
const MAX_DELAY_MS = 60_000;
const MAX_CALLS_PER_SECOND = 1_000;
const MIN_CALLS_PER_SECOND = 0.01;
const DEFAULT_CALLS_PER_SECOND = 1;
const MAX_NAME_CHARS = 256;

/** Names that people use for a service whose signing name differs. */
const SERVICE_ALIASES: Readonly<Record<string, string>> = {
  alb: 'elasticloadbalancing',
  cloudwatch: 'monitoring',
  'cloudwatch-logs': 'logs',
  elb: 'elasticloadbalancing',
  elbv2: 'elasticloadbalancing',
};

/** Signing names of what Towpath and its Terraform call. */
const SERVICES: readonly string[] = [
  ...[
    'acm',
    'application-autoscaling',
    'cloudfront',
    'dynamodb',
    'ec2',
    'ecr',
    'ecs',
    'elasticloadbalancing',
  ],
  ...['events', 'iam', 'kms', 'logs', 'monitoring', 'route53', 's3', 'secretsmanager', 'sns', 'ssm', 'sts'],
];

const name = z.string().min(1).max(MAX_NAME_CHARS);
const seed = z.number().int().min(0).max(MAX_SEED).optional();
const share = z.number().gt(0).max(1);
const lasting = (seconds = DEFAULT_FOR_SECONDS, max = MAX_FOR_SECONDS) =>
  z.number().min(MIN_FOR_SECONDS).max(max).default(seconds);

const service = name.transform((given, context) => {
  const lower = given.toLowerCase();
  const signing = SERVICE_ALIASES[lower] ?? lower;
  if (SERVICES.includes(signing)) return signing;
  const known = [...SERVICES, ...Object.keys(SERVICE_ALIASES)].sort();
  const message = `there is no service ${JSON.stringify(given)}${suggestFrom(given, known)}`;
  context.addIssue({ code: 'custom', message });
  return z.NEVER;
});

/** Tasks: one by the beginning of its id, or those of an environment or service. */
const target = { task: name.optional(), environment: name.optional(), service: name.optional() };
/** Calls of AWS's API. `action` is taken: it says what is done to them. */
const calls = { service, apiAction: name.optional(), seed, forSeconds: lasting() };

const ACTIONS = {
  'zone-down': z.strictObject({ action: z.literal('zone-down'), zone: name, forSeconds: lasting() }),
  'kill-task': z.strictObject({ action: z.literal('kill-task'), ...target, seed }),
  'freeze-task': z.strictObject({ action: z.literal('freeze-task'), ...target, seed, forSeconds: lasting() }),
  'fill-memory': z.strictObject({
    action: z.literal('fill-memory'),
    ...target,
    seed,
    forSeconds: lasting(DEFAULT_FILL_SECONDS, MAX_FILL_SECONDS),
  }),
  'slow-api': z.strictObject({
    action: z.literal('slow-api'),
    ...calls,
    share: share.default(1),
    delayMs: z.number().int().min(1).max(MAX_DELAY_MS),
  }),
  'fail-api': z.strictObject({
    action: z.literal('fail-api'),
    ...calls,
    share: share.default(1),
    status: z.number().int().min(400).max(599).default(500),
    code: z
      .string()
      .regex(/^[A-Za-z][A-Za-z0-9.]{0,99}$/, 'must be the name of an error, such as ThrottlingException')
      .optional(),
  }),
  'throttle-api': z.strictObject({
    action: z.literal('throttle-api'),
    ...calls,
    share: share.optional(),
    perSecond: z.number().min(MIN_CALLS_PER_SECOND).max(MAX_CALLS_PER_SECOND).optional(),
  }),
  'expire-credentials': z.strictObject({
    action: z.literal('expire-credentials'),
    identity: z.enum(['developer', 'reviewer', 'all']),
    forSeconds: lasting(),
  }),
  'interrupt-spot': z.strictObject({ action: z.literal('interrupt-spot'), ...target }),
} as const;

export type ChaosActionName = keyof typeof ACTIONS;
export type ChaosRequest = { [Name in ChaosActionName]: z.infer<(typeof ACTIONS)[Name]> }[ChaosActionName];
export type ChaosRequestOf<Name extends ChaosActionName> = Extract<ChaosRequest, { action: Name }>;

export const chaosActionNames = Object.keys(ACTIONS) as readonly ChaosActionName[];

const isActionName = (value: unknown): value is ChaosActionName =>
  typeof value === 'string' && Object.hasOwn(ACTIONS, value);

/** @throws ChaosError `invalid` with every problem: which parameter, and what is allowed */
export function parseChaos(input: unknown): ChaosRequest {
  if (typeof input !== 'object' || input === null || Array.isArray(input))
    throw new ChaosError('invalid', 'A chaos action is a JSON object, such as {"action": "kill-task", ...}.');
  const { action } = input as { action?: unknown };
  if (!isActionName(action)) {
    const word = typeof action === 'string' ? action : (JSON.stringify(action) ?? '');
    const quoted = JSON.stringify(word.slice(0, MAX_NAME_CHARS));
    throw new ChaosError(
      'invalid',
      `There is no chaos action ${quoted}${suggestFrom(word, chaosActionNames)}`,
    );
  }
  const parsed = ACTIONS[action].safeParse(input);
  if (!parsed.success) {
    const problems = parsed.error.issues.map(({ path, message }) =>
      path.length === 0 ? message : `${path.join('.')}: ${message}`,
    );
    throw new ChaosError('invalid', `${action}: ${problems.join('; ')}`);
  }
  const problem = decideContradiction(parsed.data);
  if (problem !== undefined) throw new ChaosError('invalid', `${action}: ${problem}`);
  return withDefaultRate(parsed.data);
}

/** What no single parameter shows. */
function decideContradiction(request: ChaosRequest): string | undefined {
  switch (request.action) {
    case 'kill-task':
    case 'freeze-task':
    case 'fill-memory':
    case 'interrupt-spot':
      return (request.task ?? request.environment ?? request.service)
        ? undefined
        : 'whose task? Give environment, service or task';
    case 'fail-api':
      return request.code !== undefined || request.status >= 500 || request.status === 403
        ? undefined
        : `status ${request.status} stands for many errors; give the code of one`;
    case 'throttle-api':
      return request.share === undefined || request.perSecond === undefined
        ? undefined
        : 'share or perSecond, not both';
    default:
      return undefined;
  }
}

function withDefaultRate(request: ChaosRequest): ChaosRequest {
  if (request.action !== 'throttle-api' || request.share !== undefined) return request;
  return { ...request, perSecond: request.perSecond ?? DEFAULT_CALLS_PER_SECOND };
}
