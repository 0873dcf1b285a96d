import { describe, expect, it } from 'vitest';
import { AwsError, type ControlPlane } from '../../contract.ts';
import { assertMayReadParameters, decidePermission, parsePolicyDocument } from './execution-role.ts';

const PARAMETER = 'arn:aws:ssm:us-east-1:123456789012:parameter/shop/test/app-secret';
const document = (...statements: object[]) =>
  parsePolicyDocument(JSON.stringify({ Version: '2012-10-17', Statement: statements }));
const allow = (Action: string | string[], Resource: string) => ({ Effect: 'Allow', Action, Resource });

describe('decidePermission', () => {
  it.each([
    ['the parameter itself', [allow('ssm:GetParameters', PARAMETER)], 'allowed'],
    ['its path', [allow(['ssm:Get*'], `${PARAMETER.replace('app-secret', '*')}`)], 'allowed'],
    ['another spelling of the action', [allow('SSM:getparameters', '*')], 'allowed'],
    ['another path', [allow('ssm:GetParameters', PARAMETER.replace('test', 'prod'))], 'not allowed'],
    ['another action', [allow('ssm:GetParameter', '*')], 'not allowed'],
    ['nothing', [], 'not allowed'],
    [
      'a deny beside an allow',
      [allow('*', '*'), { Effect: 'Deny', Action: 'ssm:*', Resource: '*' }],
      'denied',
    ],
    [
      'all but this action',
      [{ Effect: 'Allow', NotAction: 'ssm:GetParameters', Resource: '*' }],
      'not allowed',
    ],
    ['all but another', [{ Effect: 'Allow', NotAction: 'iam:*', Resource: '*' }], 'allowed'],
  ])('%s', (_, statements, expected) => {
    expect(decidePermission([document(...statements)], 'ssm:GetParameters', PARAMETER)).toBe(expected);
  });
});

function controlWith(policy: string | undefined): ControlPlane {
  return {
    region: 'us-east-1',
    accountId: '123456789012',
    json: () => Promise.reject(new Error('not asked')),
    async query(_service, action) {
      if (policy === undefined) throw new AwsError('NoSuchEntity', 'Role reader not found', 404);
      if (action === 'ListRolePolicies')
        return '<ListRolePoliciesResponse><ListRolePoliciesResult><PolicyNames><member>p</member></PolicyNames></ListRolePoliciesResult></ListRolePoliciesResponse>';
      if (action === 'GetRolePolicy')
        return `<GetRolePolicyResponse><GetRolePolicyResult><PolicyDocument>${policy}</PolicyDocument></GetRolePolicyResult></GetRolePolicyResponse>`;
      return '<ListAttachedRolePoliciesResponse><ListAttachedRolePoliciesResult/></ListAttachedRolePoliciesResponse>';
    },
  };
}

const reader = { roleArn: 'arn:aws:iam::123456789012:role/reader', taskId: 'abc' };
const read = (policy: string | undefined) =>
  assertMayReadParameters(controlWith(policy), reader, ['/shop/test/app-secret']);
const encoded = (...statements: object[]) => encodeURIComponent(JSON.stringify({ Statement: statements }));

it('lets a role read that is allowed to', async () => {
  await expect(read(encoded(allow('ssm:GetParameters', PARAMETER)))).resolves.toBeUndefined();
});

it("refuses in IAM's words, with the session of the task", async () => {
  await expect(read(encoded(allow('logs:*', '*')))).rejects.toMatchObject({
    code: 'ResourceInitializationError',
    message: expect.stringContaining(
      `AccessDeniedException: User: arn:aws:sts::123456789012:assumed-role/reader/abc is not authorized to perform: ssm:GetParameters on resource: ${PARAMETER} because no identity-based policy allows`,
    ),
  });
});

it('fails a task whose role does not exist, and none whose policy can not be read', async () => {
  await expect(read(undefined)).rejects.toMatchObject({
    message: expect.stringContaining('unable to assume the role'),
  });
  await expect(read('no document at all')).resolves.toBeUndefined();
});
