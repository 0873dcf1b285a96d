/** Every bad configuration that the architecture names, with the path and the words a user sees. */
import { describe, expect, it } from 'vitest';
import type { EnvironmentInput, ProjectInput, ServiceInput } from './project-input.ts';
import { parse } from './validate.ts';

const test = { name: 'test', cidr: '10.3.0.0/16' };
const prod = { name: 'prod', cidr: '10.0.0.0/16' };
const good = { project: 'devops-app', owner: 'devops-team', environments: [test, prod] };

/** `path: message` of each problem. */
function problems(input: unknown): readonly string[] {
  const result = parse(input);
  return result.ok ? [] : result.problems.map(({ path, message }) => `${path}: ${message}`);
}

const withProject = (changes: Partial<ProjectInput>) => problems({ ...good, ...changes });
const withService = (service: ServiceInput) => withProject({ service });
const withProd = (changes: Partial<EnvironmentInput>) =>
  withProject({ environments: [test, { ...prod, ...changes }] });
const withTest = (changes: Partial<EnvironmentInput>) =>
  withProject({ environments: [{ ...test, ...changes }, prod] });
const ladder = (count: number) =>
  Array.from({ length: count }, (_, index) => ({ name: `e${index}`, cidr: `10.${index}.0.0/16` }));

describe('accepts', () => {
  it.each([
    ['the smallest project', good],
    ['one environment', { ...good, environments: [prod] }],
    ['ten environments', { ...good, environments: ladder(10) }],
    [
      'another region with two zones',
      { ...good, region: 'eu-west-1', availabilityZones: ['eu-west-1a', 'eu-west-1c'] },
    ],
    ['another name', { ...good, project: 'shop' }],
    [
      'the same lock table in two accounts',
      {
        ...good,
        environments: [
          { ...test, lockTable: 'locks', account: '111111111111' },
          { ...prod, lockTable: 'locks', account: '222222222222' },
        ],
      },
    ],
    [
      'base values that only the overrides make fit',
      {
        ...good,
        service: { cpu: 1024 },
        environments: [
          { ...test, service: { memory: 2048 } },
          { ...prod, service: { memory: 4096 } },
        ],
      },
    ],
  ])('%s', (_, input) => {
    expect(problems(input)).toEqual([]);
  });
});

describe('addresses', () => {
  it.each([
    ['10.0.0.0/33', 'must be a network like "10.3.0.0/16", got "10.0.0.0/33"'],
    ['10.0/16', 'must be a network like "10.3.0.0/16", got "10.0/16"'],
    ['10.0.0.0/20', 'must be a /16, which the subnets x.1 to x.3 and x.101 to x.103 need, got "10.0.0.0/20"'],
    ['10.0.0.1/16', 'must be the first address of its network, 10.0.0.0/16, got "10.0.0.1/16"'],
    [
      '8.8.0.0/16',
      'must lie in a private range (10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16), got "8.8.0.0/16"',
    ],
    [
      '10.3.0.0/16',
      '10.3.0.0/16 overlaps 10.3.0.0/16 of environment "test" (environments[0]): each needs addresses of its own',
    ],
  ])('%s', (cidr, message) => {
    expect(withProd({ cidr })).toEqual([`environments[1].cidr: ${message}`]);
  });

  it('finds an overlap of different sizes', () => {
    expect(withProd({ cidr: '10.2.0.0/15' })).toContain(
      'environments[1].cidr: 10.2.0.0/15 overlaps 10.3.0.0/16 of environment "test" (environments[0]): each needs addresses of its own',
    );
  });
});

describe('sizes and scaling', () => {
  it.each<[string, ServiceInput, string]>([
    [
      'a CPU size',
      { cpu: 300 },
      "service.cpu: must be one of Fargate's sizes (256, 512, 1024, 2048, 4096, 8192, 16384 CPU units), got 300",
    ],
    [
      'a memory of another CPU size',
      { cpu: 256, memory: 4096 },
      'service.memory: Fargate has no task of 256 CPU units and 4096 MiB: with cpu 256, memory must be 512, 1024 or 2048',
    ],
    [
      'a memory between the steps',
      { cpu: 8192, memory: 17_408 },
      'service.memory: Fargate has no task of 8192 CPU units and 17408 MiB: with cpu 8192, memory must be 16384 to 61440 in steps of 4096',
    ],
    [
      'a default memory that does not go with the CPU',
      { cpu: 512 },
      'service.memory: Fargate has no task of 512 CPU units and 512 MiB: with cpu 512, memory must be 1024, 2048, 3072 or 4096',
    ],
    [
      'min > max',
      { scaling: { min: 4, max: 3 } },
      'service.scaling.min: must be at most scaling.max (3), got 4',
    ],
    [
      'min > the default max',
      { scaling: { min: 11 } },
      'service.scaling.min: must be at most scaling.max (10), got 11',
    ],
    ['no task', { scaling: { min: 0 } }, 'service.scaling.min: must be at least 1, got 0'],
    [
      'a percentage',
      { scaling: { cpuPercent: 96 } },
      'service.scaling.cpuPercent: must be at most 95, got 96',
    ],
    ['a port', { port: 70_000 }, 'service.port: must be at most 65535, got 70000'],
    ['half a port', { port: 5000.5 }, 'service.port: must be a whole number, got 5000.5'],
    [
      'a time-out of the interval',
      { healthCheck: { timeoutSeconds: 5 } },
      'service.healthCheck.timeoutSeconds: must be less than intervalSeconds (5), got 5',
    ],
    [
      'a health check without a slash',
      { healthCheck: { path: 'readyz' } },
      'service.healthCheck.path: must be a path that begins with "/", without spaces, of at most 1024 characters, got "readyz"',
    ],
    [
      'a rollout that cannot move',
      { deployment: { maximumPercent: 110 } },
      'service.deployment.maximumPercent: with 1 task, a rollout could neither start nor stop one: at least 100 % (rounded up) and at most 110 % (rounded down) are both 1; raise maximumPercent (200 always works) or lower minimumHealthyPercent',
    ],
    [
      'a rollout without room to start a task',
      { deployment: { maximumPercent: 100, minimumHealthyPercent: 50 } },
      'service.deployment.maximumPercent: must be at least 101, got 100',
    ],
    ['a port that only root can bind', { port: 80 }, 'service.port: must be at least 1024, got 80'],
    [
      'one that cannot move because of rounding',
      { deployment: { maximumPercent: 150, minimumHealthyPercent: 50 } },
      'service.deployment.maximumPercent: with 1 task, a rollout could neither start nor stop one: at least 50 % (rounded up) and at most 150 % (rounded down) are both 1; raise maximumPercent (200 always works) or lower minimumHealthyPercent',
    ],
  ])('%s', (_, service, problem) => {
    expect(withService(service)).toEqual([problem]);
  });

  it('names an environment that makes a good service bad', () => {
    expect(withProd({ service: { memory: 513 } })).toEqual([
      'environments[1].service.memory: Fargate has no task of 256 CPU units and 513 MiB: with cpu 256, memory must be 512, 1024 or 2048',
    ]);
    expect(withProd({ service: { scaling: { max: 2 } } })).toEqual([]);
    expect(
      problems({
        ...good,
        service: { scaling: { min: 3 } },
        environments: [test, { ...prod, service: { scaling: { max: 2 } } }],
      }),
    ).toEqual(['environments[1].service.scaling.max: must be at most scaling.max (2), got 3']);
  });
});

describe('names', () => {
  it.each<[string, Partial<ProjectInput>, string]>([
    [
      'capitals',
      { project: 'Devops' },
      'project: must be lower-case letters, digits and single hyphens, beginning with a letter, got "Devops"',
    ],
    [
      'an underscore',
      { project: 'devops_app' },
      'project: must be lower-case letters, digits and single hyphens, beginning with a letter, got "devops_app"',
    ],
    [
      'a reserved beginning',
      { project: 'aws-app' },
      'project: AWS reserves names that begin with "aws", got "aws-app"',
    ],
    [
      'an owner no tag can hold',
      { owner: 'a<b' },
      'owner: must be a tag value: 1 to 256 letters, digits, spaces and _ . : / = + - @, got "a<b"',
    ],
    [
      'an empty owner',
      { owner: '' },
      'owner: must be a tag value: 1 to 256 letters, digits, spaces and _ . : / = + - @, got ""',
    ],
    [
      'the path of a runbook instead of its address',
      { runbookUrl: 'docs/runbook.md' },
      'runbookUrl: must be an http or https address of at most 200 characters without "#", like "https://github.com/acme/shop/blob/main/docs/runbook.md", got "docs/runbook.md"',
    ],
    ['a region', { region: 'Virginia' }, 'region: must be an AWS region, like "us-east-1", got "Virginia"'],
    [
      'a zone of another region',
      { availabilityZones: ['us-east-1a', 'us-west-2b'] },
      'availabilityZones[1]: must be a zone of us-east-1, like "us-east-1a", got "us-west-2b"',
    ],
    [
      'a zone twice',
      { availabilityZones: ['us-east-1a', 'us-east-1a'] },
      'availabilityZones[1]: "us-east-1a" is listed twice',
    ],
    [
      'one zone',
      { availabilityZones: ['us-east-1a'] },
      'availabilityZones: must name two or three zones, got 1: us-east-1a',
    ],
    [
      'four zones',
      { availabilityZones: ['a', 'b', 'c', 'd'].map((letter) => `us-east-1${letter}`) },
      'availabilityZones: must name two or three zones, got 4: us-east-1a, us-east-1b, us-east-1c, us-east-1d',
    ],
    ['no environment', { environments: [] }, 'environments: must have at least 1 entries, has 0'],
    [
      'eleven environments',
      { environments: ladder(11) },
      'environments: must have at most 10 entries, has 11',
    ],
  ])('%s', (_, changes, problem) => {
    expect(withProject(changes)).toEqual([problem]);
  });

  it('a name twice is one problem, although its bucket and table are double too', () => {
    expect(withProd({ name: 'test' })).toEqual([
      'environments[1].name: "test" is already the name of environments[0]: each environment needs its own',
    ]);
  });

  it('composed names within the limits of AWS', () => {
    const name = 'a-very-long-environment';
    expect(withProd({ name })).toEqual([
      `environments[1].name: the load balancer would be named "devops-app-${name}-alb", 38 characters; AWS allows 32: shorten project and environment names by 6`,
      `environments[1].name: the target group would be named "devops-app-${name}-tg", 37 characters; AWS allows 32: shorten project and environment names by 5`,
    ]);
  });

  it.each<[string, Partial<EnvironmentInput>, string]>([
    [
      'a bucket of two environments',
      { stateBucket: 'devops-app-terraform-state-test' },
      'environments[1].stateBucket: "devops-app-terraform-state-test" is already the stateBucket of environments[0]: each environment needs its own',
    ],
    [
      'a table of two environments',
      { lockTable: 'terraform-lock-test' },
      'environments[1].lockTable: "terraform-lock-test" is already the lockTable of environments[0]: each environment needs its own',
    ],
    [
      'a bucket with dots',
      { stateBucket: 'a.b.c' },
      'environments[1].stateBucket: must be a bucket name: 3 to 63 lower-case letters, digits and hyphens, beginning and ending with a letter or digit, got "a.b.c"',
    ],
    [
      'a reserved bucket name',
      { stateBucket: 'state-s3alias' },
      'environments[1].stateBucket: S3 reserves bucket names with "-s3alias" there, got "state-s3alias"',
    ],
    [
      'a short account',
      { account: '123' },
      'environments[1].account: must be an AWS account id of twelve digits, in quotes, got "123"',
    ],
    [
      'a certificate elsewhere',
      { certificateArn: 'arn:aws:acm:eu-west-1:123456789012:certificate/ab' },
      'environments[1].certificateArn: must be a certificate in us-east-1, where the load balancer is, got one in eu-west-1',
    ],
    [
      'a retention',
      { logRetentionDays: 31 },
      'environments[1].logRetentionDays: must be a period that CloudWatch Logs knows (1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653 days), got 31',
    ],
    [
      'an e-mail address',
      { alarmEmail: 'me' },
      'environments[1].alarmEmail: must be an e-mail address, got "me"',
    ],
    [
      'the name of a boundary instead of its ARN',
      { permissionsBoundary: 'devops-app-prod-boundary' },
      'environments[1].permissionsBoundary: must be the ARN of an IAM policy, like "arn:aws:iam::123456789012:policy/ci/shop-prod-boundary", got "devops-app-prod-boundary"',
    ],
    [
      'a boundary that is a role',
      { permissionsBoundary: 'arn:aws:iam::123456789012:role/ci/devops-app-prod-deploy' },
      'environments[1].permissionsBoundary: must be the ARN of an IAM policy, like "arn:aws:iam::123456789012:policy/ci/shop-prod-boundary", got "arn:aws:iam::123456789012:role/ci/devops-app-prod-deploy"',
    ],
    [
      'a boundary of another account',
      {
        account: '123456789012',
        permissionsBoundary: 'arn:aws:iam::210987654321:policy/ci/devops-app-prod-boundary',
      },
      'environments[1].permissionsBoundary: must be a policy of account 123456789012, got one of 210987654321: arn:aws:iam::210987654321:policy/ci/devops-app-prod-boundary',
    ],
    [
      'a soak',
      { promotion: { soak: '10 minutes' } },
      'environments[1].promotion.soak: must be a duration of at most 30 days, like "0s", "10m", "1h30m" or "2d", got "10 minutes"',
    ],
    [
      'too long a soak',
      { promotion: { soak: '31d' } },
      'environments[1].promotion.soak: must be a duration of at most 30 days, like "0s", "10m", "1h30m" or "2d", got "31d"',
    ],
  ])('%s', (_, changes, problem) => {
    expect(withProd(changes)).toEqual([problem]);
  });
});

it.each([
  'arn:aws:iam::123456789012:policy/devops-app-prod-boundary',
  'arn:aws:iam::123456789012:policy/ci/devops-app-prod-boundary',
  'arn:aws:iam::aws:policy/PowerUserAccess',
])('takes %s as a permissions boundary', (permissionsBoundary) => {
  expect(withProd({ account: '123456789012', permissionsBoundary })).toEqual([]);
});

describe('secrets and variables', () => {
  it.each<[string, ServiceInput, string]>([
    [
      '[ssm.names] a character that the Parameter Store refuses',
      { secrets: ['app secret'] },
      'service.secrets[0]: must be a name of 1 to 63 lower-case letters, digits and hyphens, beginning with a letter, got "app secret"',
    ],
    ['a secret twice', { secrets: ['key', 'key'] }, 'service.secrets[1]: "key" is listed twice'],
    [
      'a secret and a variable',
      { secrets: ['app-secret'], environment: { APP_SECRET: 'x' } },
      'service.secrets[0]: "app-secret" is read from APP_SECRET, which is also a plain variable in environment: remove one',
    ],
    [
      'a secret of a reserved variable',
      { secrets: ['port'] },
      'service.secrets[0]: "port" would be read from PORT, which is set by Towpath or ECS: choose another name',
    ],
    [
      'a reserved variable',
      { environment: { HOST: 'x' } },
      'service.environment.HOST: HOST is set by Towpath or ECS: choose another name',
    ],
    [
      'a variable of ECS',
      { environment: { ECS_X: 'x' } },
      'service.environment.ECS_X: ECS_X is set by Towpath or ECS: choose another name',
    ],
    [
      'no variable name',
      { environment: { '1-A': 'x' } },
      'service.environment["1-A"]: must be a variable name: letters, digits and "_", not beginning with a digit, got "1-A"',
    ],
    [
      'a source outside',
      { source: '../app' },
      'service.source: must be a path inside the folder of the configuration, like "app", got "../app"',
    ],
    [
      'an absolute context',
      { context: '/' },
      'service.context: must be a path inside the folder of the configuration, like "app", got "/"',
    ],
  ])('%s', (_, service, problem) => {
    expect(withService(service)).toEqual([problem]);
  });
});

describe('the first environment takes no promotion', () => {
  it.each<[EnvironmentInput['promotion'], string]>([
    [
      { trigger: 'auto' },
      'environments[0].promotion.trigger: "auto" is meaningless in the first environment, "test": nothing is promoted to it',
    ],
    [
      { approvals: 1 },
      'environments[0].promotion.approvals: 1 is meaningless in the first environment, "test": nothing is promoted to it',
    ],
    [
      { soak: '1m' },
      'environments[0].promotion.soak: 60 s is meaningless in the first environment, "test": nothing is promoted to it',
    ],
  ])('%j', (promotion, problem) => {
    expect(withTest({ promotion })).toEqual([problem]);
  });
});
