/** Names and tags, against the examples of the architecture. */
import { describe, expect, it } from 'vitest';
import {
  commonTags,
  defaultLockTable,
  defaultStateBucket,
  environmentNames,
  secretVariable,
  tooLongNames,
} from './names.ts';

it("composes the architecture's names", () => {
  const names = environmentNames('devops-app', 'prod');
  expect(names).toMatchObject({
    prefix: 'devops-app-prod',
    vpc: 'devops-app-prod-vpc',
    cluster: 'devops-app-prod-ecs-cluster',
    service: 'devops-app-prod-ecs-service',
    loadBalancer: 'devops-app-prod-alb',
    targetGroup: 'devops-app-prod-tg',
    tasksSecurityGroup: 'devops-app-prod-ecs-tasks-sg',
    executionRole: 'devops-app-prod-ecs-execution-role',
    taskRole: 'devops-app-prod-ecs-task-role',
    taskFamily: 'devops-app-prod-ecs-task',
    logGroup: '/ecs/devops-app-prod',
    parameterPath: '/devops-app/prod',
  });
  expect(names.parameter('app-secret')).toBe('/devops-app/prod/app-secret');
});

it.each([
  ['test', 'devops-app-terraform-state-test', 'terraform-lock-test'],
  ['qa', 'devops-app-terraform-state-qa', 'terraform-lock-qa'],
  ['staging', 'devops-app-terraform-state-staging', 'terraform-lock-staging'],
  ['prod', 'devops-app-terraform-state-prod', 'terraform-lock-prod'],
])('keeps the state of %s in %s, locked by %s', (environment, bucket, table) => {
  expect(defaultStateBucket('devops-app', environment)).toBe(bucket);
  expect(defaultLockTable(environment)).toBe(table);
});

it('puts six tags on everything', () => {
  const project = { name: 'devops-app', owner: 'devops-team', application: 'app' };
  expect(commonTags(project, 'qa')).toEqual({
    Environment: 'qa',
    Project: 'devops-app',
    Owner: 'devops-team',
    CreatedBy: 'terraform',
    ManagedBy: 'terraform',
    Application: 'app',
  });
});

it.each([
  ['app-secret', 'APP_SECRET'],
  ['db2', 'DB2'],
])('gives secret %s the variable %s', (secret, variable) => {
  expect(secretVariable(secret)).toBe(variable);
});

describe('tooLongNames', () => {
  const check = (project: string, environment: string, changes = {}) =>
    tooLongNames(project, {
      name: environment,
      stateBucket: defaultStateBucket(project, environment),
      lockTable: defaultLockTable(environment),
      ...changes,
    }).map(({ kind, limit }) => `${kind} ${limit}`);

  it.each<[string, string, object, readonly string[]]>([
    ['devops-app', 'staging', {}, []],
    // 32 characters with `-alb`, and one more.
    ['a'.repeat(20), 'staging', {}, []],
    ['a'.repeat(21), 'staging', {}, ['load balancer 32']],
    ['a'.repeat(22), 'staging', {}, ['load balancer 32', 'target group 32']],
    ['app', 'prod', { stateBucket: 'b'.repeat(63) }, []],
    ['app', 'prod', { stateBucket: 'b'.repeat(64) }, ['S3 bucket 63']],
    ['app', 'prod', { lockTable: 't'.repeat(256) }, ['DynamoDB table 255']],
    [
      'a'.repeat(60),
      'p',
      {},
      ['load balancer 32', 'target group 32', 'IAM role 64', 'IAM role 64', 'S3 bucket 63'],
    ],
  ])('%s-%s %j', (project, environment, changes, expected) => {
    expect(check(project, environment, changes)).toEqual(expected);
  });
});
