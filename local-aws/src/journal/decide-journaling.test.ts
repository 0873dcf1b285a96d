import { expect, test } from 'vitest';
import { decideJournaled, decideJournaledBody, decideJournaledHeaders } from './decide-journaling.ts';

const call = (service: string, action: string, method = 'POST', url = '/', body = '{}') => ({
  service,
  action,
  method,
  url,
  body: Buffer.from(body),
});

test.each([
  ['ec2', 'CreateVpc'],
  ['ec2', 'AuthorizeSecurityGroupIngress'],
  ['iam', 'AttachRolePolicy'],
  ['iam', 'PutRolePolicy'],
  ['ssm', 'PutParameter'],
  ['dynamodb', 'PutItem'],
  ['dynamodb', 'TransactWriteItems'],
  ['logs', 'PutLogEvents'],
  ['sns', 'Subscribe'],
  ['sts', 'AssumeRole'],
  ['monitoring', 'SetAlarmState'],
  ['ecs', 'RegisterTaskDefinition'],
  ['sqs', 'ReceiveMessage'],
  ['new-service', 'Frobnicate'],
  // Words that merely begin like a look.
  ['x', 'Listen'],
  ['x', 'Getaway'],
])('%s %s is journaled', (service, action) => {
  expect(decideJournaled(call(service, action))).toBe(true);
});

test.each([
  ['ec2', 'DescribeVpcs'],
  ['iam', 'ListRoles'],
  ['iam', 'SimulatePrincipalPolicy'],
  ['sts', 'GetCallerIdentity'],
  ['sts', 'DecodeAuthorizationMessage'],
  ['dynamodb', 'Query'],
  ['dynamodb', 'Scan'],
  ['dynamodb', 'BatchGetItem'],
  ['dynamodb', 'TransactGetItems'],
  ['logs', 'FilterLogEvents'],
  ['logs', 'StartQuery'],
  ['monitoring', 'PutMetricData'],
  ['sns', 'Publish'],
  ['kms', 'Decrypt'],
])('%s %s is not', (service, action) => {
  expect(decideJournaled(call(service, action))).toBe(false);
});

test.each([
  ['GET', '/bucket/key', false],
  ['HEAD', '/bucket/key', false],
  ['PUT', '/bucket/key?x-id=PutObject', true],
  ['DELETE', '/bucket/key', true],
  ['POST', '/bucket?delete', true],
  ['POST', '/bucket/key?uploads', true],
  ['POST', '/bucket/key?select&select-type=2', false],
])('S3 %s %s: %s', (method, url, journaled) => {
  expect(decideJournaled(call('s3', '', method, url))).toBe(journaled);
});

test("a look at one of AWS's own keys makes it", () => {
  const look = (id: string) => call('kms', 'DescribeKey', 'POST', '/', JSON.stringify({ KeyId: id }));
  expect(decideJournaled(look('alias/aws/ssm'))).toBe(true);
  expect(decideJournaled(look('alias/mine'))).toBe(false);
});

test('conditions and what belongs to one connection are left out', () => {
  const headers = [
    'Host',
    'h',
    'If-None-Match',
    '*',
    'User-Agent',
    'x',
    'x-towpath-seed',
    '1',
    'X-Amz-Target',
    't',
  ];
  expect(decideJournaledHeaders('s3', headers)).toEqual(['Host', 'h', 'X-Amz-Target', 't']);
  expect(decideJournaledHeaders('route53', headers)).toContain('If-None-Match');
  const item = { TableName: 't', Item: { k: { S: 'a' } } };
  const conditional = {
    ...item,
    ConditionExpression: 'attribute_not_exists(#k)',
    ExpressionAttributeNames: { '#k': 'k' },
  };
  const body = JSON.stringify(conditional);
  const kept = (action: string) =>
    JSON.parse(decideJournaledBody(call('dynamodb', action, 'POST', '/', body)).toString());
  expect(kept('PutItem')).toEqual(item);
  expect(kept('UpdateItem')).toEqual(conditional);
});
