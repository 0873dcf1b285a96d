/**
 * The daemon as a process with a real control plane: what it held before a stop or a kill is there afterwards,
 * with the same identifiers, times and contents.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  GetObjectCommand,
  ListObjectVersionsCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { bundleProgram } from '../bundle-fixture.ts';
import type { ControlPlane } from '../contract.ts';
import type { DaemonInfo } from '../daemon.ts';
import { createControlPlane } from '../gateway/control-plane.ts';
import { createMotoClient } from '../gateway/moto-client.ts';
import { keptVersions } from '../journal/decide-superseded.ts';

const startTimeoutMs = 60_000;
const testTimeoutMs = 180_000;
const region = 'us-east-1';
const accountId = '123456789012';

const folder = mkdtempSync(join(tmpdir(), 'local-aws-kept-'));
let program = '';
const running: ChildProcess[] = [];
let stateDir = '';
let states = 0;

beforeAll(async () => {
  program = await bundleProgram(folder);
});
afterEach(async () => {
  for (const child of running.splice(0)) await end(child, 'SIGKILL');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function newState(): void {
  states += 1;
  stateDir = join(folder, `state-${states}`);
}

interface Line {
  readonly type: string;
  readonly message?: string;
  readonly hint?: string;
}

const run = (...args: string[]) => runIn(stateDir, ...args);

/** @returns the process and its only line */
async function runIn(
  at: string,
  ...args: string[]
): Promise<{ readonly child: ChildProcess; readonly line: Line & DaemonInfo }> {
  const child = spawn(process.execPath, [program, '--state-dir', at, '--speed', '50', ...args], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  running.push(child);
  const text = await new Promise<string>((resolve, reject) => {
    let output = '';
    const late = setTimeout(() => reject(new Error(`no line within ${startTimeoutMs} ms`)), startTimeoutMs);
    child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
      output += chunk;
      if (!output.includes('\n')) return;
      clearTimeout(late);
      resolve(output);
    });
  });
  return { child, line: JSON.parse(text.split('\n', 1)[0] ?? '') };
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill(signal);
  await ended;
}

interface Cloud {
  readonly child: ChildProcess;
  readonly info: DaemonInfo;
  readonly control: ControlPlane;
  readonly s3: S3Client;
}

async function start(at = stateDir): Promise<Cloud> {
  const { child, line } = await runIn(at);
  expect(line).toMatchObject({ type: 'ready' });
  const control = createControlPlane(createMotoClient(line.endpoint), { region, accountId });
  const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
  const s3 = new S3Client({
    endpoint: line.endpoint,
    region,
    credentials,
    forcePathStyle: true,
    maxAttempts: 1,
  });
  return { child, info: line, control, s3 };
}

const tagged = (xml: string, name: string) => new RegExp(`<${name}>([^<]+)</${name}>`).exec(xml)?.[1] ?? '';

/** @returns its address */
async function createLoadBalancer({ query }: ControlPlane, Name: string, VpcId: string): Promise<string> {
  const makeSubnet = async (CidrBlock: string) =>
    tagged(await query('ec2', 'CreateSubnet', { VpcId, CidrBlock }), 'subnetId');
  const created = await query('elasticloadbalancing', 'CreateLoadBalancer', {
    Name,
    'Subnets.member.1': await makeSubnet('10.9.1.0/24'),
    'Subnets.member.2': await makeSubnet('10.9.2.0/24'),
  });
  return tagged(created, 'DNSName');
}

/** Some of everything that the repository's Terraform and Towpath itself use. */
async function makeResources({ control, s3, info }: Cloud): Promise<void> {
  const { query, json } = control;
  const vpc = tagged(await query('ec2', 'CreateVpc', { CidrBlock: '10.9.0.0/16' }), 'vpcId');
  const group = tagged(
    await query('ec2', 'CreateSecurityGroup', { VpcId: vpc, GroupName: 'g', GroupDescription: 'g' }),
    'groupId',
  );
  await query('ec2', 'AuthorizeSecurityGroupIngress', {
    GroupId: group,
    'IpPermissions.1.IpProtocol': 'tcp',
    'IpPermissions.1.FromPort': '80',
    'IpPermissions.1.ToPort': '80',
    'IpPermissions.1.Groups.1.GroupId': group,
    'IpPermissions.1.Groups.1.Description': 'among themselves',
  });
  await query('ec2', 'AllocateAddress', { Domain: 'vpc' });
  await query('elasticloadbalancing', 'CreateTargetGroup', {
    Name: 'tg',
    Protocol: 'HTTP',
    Port: '80',
    VpcId: vpc,
    TargetType: 'ip',
  });
  await createLoadBalancer(control, 'lb', vpc);
  await query('iam', 'CreateUser', { UserName: 'someone' });
  await query('iam', 'CreateAccessKey', { UserName: 'someone' });
  const trust = JSON.stringify({ Version: '2012-10-17', Statement: [] });
  await query('iam', 'CreateRole', { RoleName: 'role', AssumeRolePolicyDocument: trust });
  const allowed = { Effect: 'Allow', Action: 's3:GetObject', Resource: '*' };
  const document = JSON.stringify({ Version: '2012-10-17', Statement: [allowed] });
  await query('iam', 'CreatePolicy', { PolicyName: 'policy', PolicyDocument: document });
  const topic = tagged(await query('sns', 'CreateTopic', { Name: 'topic' }), 'TopicArn');
  await query('sns', 'Subscribe', { TopicArn: topic, Protocol: 'email', Endpoint: 'a@example.com' });
  await query('cloudwatch', 'PutMetricAlarm', {
    AlarmName: 'alarm',
    MetricName: 'm',
    Namespace: 'n',
    Period: '60',
    EvaluationPeriods: '1',
    Threshold: '1',
    ComparisonOperator: 'GreaterThanThreshold',
    Statistic: 'Sum',
  });
  await json('kms', 'CreateKey', {});
  await json('ssm', 'PutParameter', { Name: '/p', Value: 'one', Type: 'SecureString' });
  await json('ssm', 'PutParameter', { Name: '/p', Value: 'two', Type: 'SecureString', Overwrite: true });
  await json('ecr', 'CreateRepository', { repositoryName: 'repo' });
  await json('ecs', 'CreateCluster', { clusterName: 'cluster' });
  await json('ecs', 'RegisterTaskDefinition', {
    family: 'f',
    containerDefinitions: [{ name: 'c', image: 'i', memory: 128 }],
  });
  await json('logs', 'CreateLogGroup', { logGroupName: 'g' });
  await json('logs', 'CreateLogStream', { logGroupName: 'g', logStreamName: 's' });
  for (const message of ['first', 'second'])
    await json('logs', 'PutLogEvents', {
      logGroupName: 'g',
      logStreamName: 's',
      logEvents: [{ timestamp: Date.now(), message }],
    });
  await makeTableAndBucket(control, s3, info);
  await json('dynamodb', 'PutItem', { TableName: 't', Item: { k: { S: 'kept' }, v: { N: '1' } } });
  await json('dynamodb', 'DeleteItem', { TableName: 't', Key: { k: { S: 'gone' } } });
  const outage = { action: 'zone-down', zone: 'us-east-1b', forSeconds: 3_600 };
  const begun = await fetch(`${info.endpoint}/_local/chaos`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(outage),
  });
  expect(begun.ok).toBe(true);
  for (const body of ['one', 'two', Buffer.alloc(3_000_000, 'large')])
    await s3.send(new PutObjectCommand({ Bucket: 'bucket', Key: 'a key/ü', Body: body }));
}

async function makeTableAndBucket(
  control: ControlPlane,
  s3: S3Client,
  { endpoint }: DaemonInfo,
): Promise<void> {
  await control.json('dynamodb', 'CreateTable', {
    TableName: 't',
    KeySchema: [{ AttributeName: 'k', KeyType: 'HASH' }],
    AttributeDefinitions: [{ AttributeName: 'k', AttributeType: 'S' }],
    BillingMode: 'PAY_PER_REQUEST',
  });
  const authorization = `AWS4-HMAC-SHA256 Credential=A/20260101/${region}/s3/aws4_request`;
  await fetch(`${endpoint}/bucket`, { method: 'PUT', headers: { authorization } });
  const VersioningConfiguration = { Status: 'Enabled' } as const;
  await s3.send(new PutBucketVersioningCommand({ Bucket: 'bucket', VersioningConfiguration }));
}

/** All that a client can see of it, but for what is made anew for each answer. */
async function lookAround({ control, s3, info }: Cloud): Promise<Record<string, unknown>> {
  const { query, json } = control;
  const xml = async (service: string, action: string, params = {}) =>
    (await query(service, action, params)).replace(/<RequestId>[^<]*<\/RequestId>/g, '');
  return {
    chaos: ((await (await fetch(`${info.endpoint}/_local/chaos`)).json()) as { active: object[] }).active,
    vpcs: await xml('ec2', 'DescribeVpcs'),
    subnets: await xml('ec2', 'DescribeSubnets'),
    groups: await xml('ec2', 'DescribeSecurityGroups'),
    rules: await xml('ec2', 'DescribeSecurityGroupRules'),
    addresses: await xml('ec2', 'DescribeAddresses'),
    targetGroups: await xml('elasticloadbalancing', 'DescribeTargetGroups'),
    loadBalancers: await xml('elasticloadbalancing', 'DescribeLoadBalancers'),
    users: await xml('iam', 'ListUsers'),
    keys: await xml('iam', 'ListAccessKeys', { UserName: 'someone' }),
    roles: await xml('iam', 'ListRoles'),
    policies: await xml('iam', 'ListPolicies', { Scope: 'Local' }),
    subscriptions: await xml('sns', 'ListSubscriptions'),
    alarms: await xml('cloudwatch', 'DescribeAlarms'),
    kms: await json('kms', 'ListKeys', {}),
    parameter: await json('ssm', 'GetParameterHistory', { Name: '/p', WithDecryption: true }),
    repositories: await json('ecr', 'DescribeRepositories', {}),
    clusters: await json('ecs', 'DescribeClusters', { clusters: ['cluster'] }),
    definition: await json('ecs', 'DescribeTaskDefinition', { taskDefinition: 'f:1' }),
    log: (
      await json<{ events: object[] }>('logs', 'GetLogEvents', { logGroupName: 'g', logStreamName: 's' })
    ).events.map((event) => ({ ...event, ingestionTime: undefined })),
    items: await json('dynamodb', 'Scan', { TableName: 't' }),
    table: await json('dynamodb', 'DescribeTable', { TableName: 't' }),
    versions: (await s3.send(new ListObjectVersionsCommand({ Bucket: 'bucket' }))).Versions,
    object: await readObject(s3, 'a key/ü'),
  };
}

async function readObject(s3: S3Client, key: string): Promise<object> {
  const { Body, VersionId } = await s3.send(new GetObjectCommand({ Bucket: 'bucket', Key: key }));
  const text = (await Body?.transformToString()) ?? '';
  return { VersionId, length: text.length, start: text.slice(0, 10) };
}

test(
  'everything comes back after a stop, and again after a kill',
  async () => {
    newState();
    const first = await start();
    expect(first.info.restored.calls).toBe(0);
    await makeResources(first);
    const before = await lookAround(first);
    expect(before.chaos).toMatchObject([{ id: 'c1', action: 'zone-down' }]);
    const identities = readFileSync(join(stateDir, 'identities.json'), 'utf8');
    await end(first.child, 'SIGTERM');
    const second = await start();
    expect(second.info.restored).toMatchObject({ failedCalls: 0, calls: expect.any(Number) });
    expect(await lookAround(second)).toEqual(before);
    expect(readFileSync(join(stateDir, 'identities.json'), 'utf8')).toBe(identities);
    await second.control.query('iam', 'CreateUser', { UserName: 'later' });
    const later = await lookAround(second);
    await end(second.child, 'SIGKILL');
    const third = await start();
    expect(third.info.restored.failedCalls).toBe(0);
    expect(await lookAround(third)).toEqual(later);
  },
  testTimeoutMs,
);

const addressOf = async ({ control }: Cloud) =>
  tagged(await control.query('elasticloadbalancing', 'DescribeLoadBalancers', {}), 'DNSName');

test(
  'of two projects each has its load balancer where it was, whoever starts first; a port that is lost is told',
  async () => {
    newState();
    const [one, other] = [stateDir, `${stateDir}-other`];
    const [inOne, inOther] = await Promise.all([start(one), start(other)]);
    const create = async ({ control }: Cloud) => {
      const vpc = tagged(await control.query('ec2', 'CreateVpc', { CidrBlock: '10.9.0.0/16' }), 'vpcId');
      return createLoadBalancer(control, 'same-name', vpc);
    };
    const [first, second] = [await create(inOne), await create(inOther)];
    expect(second).not.toBe(first);
    await end(inOne.child, 'SIGTERM');
    await end(inOther.child, 'SIGKILL');

    const otherAgain = await start(other);
    expect(await addressOf(otherAgain)).toBe(second);
    const oneAgain = await start(one);
    expect(await addressOf(oneAgain)).toBe(first);
    expect(oneAgain.info.movedPorts).toEqual([]);
    await end(otherAgain.child, 'SIGKILL');

    const from = Number(second.split(':')[1]);
    const stranger = createServer();
    await new Promise<void>((resolve) => stranger.listen(from, '127.0.0.1', resolve));
    const moved = await start(other);
    const third = await addressOf(moved);
    expect([first, second]).not.toContain(third);
    expect(moved.info.movedPorts).toEqual([{ name: 'same-name', from, to: Number(third.split(':')[1]) }]);
    stranger.close();
  },
  testTimeoutMs,
);

test(
  'of an object that is written again and again the newest versions come back, as they were',
  async () => {
    newState();
    const first = await start();
    await makeTableAndBucket(first.control, first.s3, first.info);
    const put = (cloud: Cloud, Key: string, Body: string) =>
      cloud.s3.send(new PutObjectCommand({ Bucket: 'bucket', Key, Body }));
    await put(first, 'ledger/1', 'once');
    for (let i = 1; i <= 30; i += 1) await put(first, 'state', `state ${i}`);
    const versionsOf = async ({ s3 }: Cloud) => {
      const { Versions = [] } = await s3.send(new ListObjectVersionsCommand({ Bucket: 'bucket' }));
      return Versions.map(({ Key, VersionId, ETag, IsLatest }) => ({ Key, VersionId, ETag, IsLatest }));
    };
    const before = await versionsOf(first);
    expect(before).toHaveLength(31);
    await end(first.child, 'SIGTERM');
    const second = await start();
    expect(second.info.restored.failedCalls).toBe(0);
    const after = await versionsOf(second);
    const states = before.filter(({ Key }) => Key === 'state').slice(0, keptVersions);
    expect(after).toEqual([...before.filter(({ Key }) => Key !== 'state'), ...states]);
    expect(await readObject(second.s3, 'state')).toMatchObject({ start: 'state 30' });
  },
  testTimeoutMs,
);

const killRounds = 3;
const writers = 6;
const maxWritesPerWriter = 2_000;
const killAfterMs = { least: 150, most: 900 };

test(
  'every write that was answered before a kill is there afterwards',
  async () => {
    newState();
    const answered = new Map<string, string>();
    let cloud = await start();
    await makeTableAndBucket(cloud.control, cloud.s3, cloud.info);
    for (let round = 1; round <= killRounds; round += 1) {
      const { s3, control, child } = cloud;
      const write = async (writer: number): Promise<void> => {
        for (let turn = 0; turn < maxWritesPerWriter; turn += 1) {
          const key = `${round}-${writer}-${turn}`;
          const put = await s3.send(new PutObjectCommand({ Bucket: 'bucket', Key: key, Body: key }));
          answered.set(key, put.VersionId ?? '');
          await control.json('dynamodb', 'PutItem', { TableName: 't', Item: { k: { S: key } } });
          answered.set(`item ${key}`, '');
        }
      };
      const writing = Array.from({ length: writers }, (_, writer) => write(writer).catch(() => undefined));
      const pause = killAfterMs.least + Math.random() * (killAfterMs.most - killAfterMs.least);
      await new Promise((resolve) => setTimeout(resolve, pause));
      await end(child, 'SIGKILL');
      await Promise.all(writing);
      cloud = await start();
      expect(cloud.info.restored.failedCalls).toBe(0);
    }
    const versions = await allVersions(cloud.s3);
    const scan = await cloud.control.json<{ Items: { k: { S: string } }[] }>('dynamodb', 'Scan', {
      TableName: 't',
    });
    const items = new Set(scan.Items.map(({ k }) => k.S));
    expect(answered.size).toBeGreaterThan(killRounds * writers);
    for (const [key, version] of answered) {
      if (key.startsWith('item ')) expect(items.has(key.slice('item '.length)), key).toBe(true);
      else expect(versions.get(key), key).toBe(version);
    }
  },
  testTimeoutMs,
);

async function allVersions(s3: S3Client): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>();
  for (let round = 1; round <= killRounds; round += 1) {
    const listed = await s3.send(
      new ListObjectVersionsCommand({ Bucket: 'bucket', Prefix: `${round}-`, MaxKeys: 1_000 }),
    );
    for (const { Key = '', VersionId = '' } of listed.Versions ?? []) found.set(Key, VersionId);
  }
  return found;
}

test('a damaged or foreign state is refused with a way out, and can be forgotten', async () => {
  newState();
  const cloud = await start();
  await cloud.control.query('iam', 'CreateUser', { UserName: 'someone' });
  await end(cloud.child, 'SIGTERM');
  expect((await run('--region', 'eu-west-1')).line).toMatchObject({
    type: 'error',
    code: 'LOCAL_STATE_UNUSABLE',
    message: expect.stringContaining('belongs to region us-east-1'),
    hint: expect.stringContaining('--purge'),
  });
  const file = join(
    stateDir,
    'journal',
    readdirSync(join(stateDir, 'journal')).find((name) => name.endsWith('.journal')) ?? '',
  );
  const content = readFileSync(file);
  content[100] = (content[100] ?? 0) ^ 1;
  writeFileSync(file, content);
  expect((await run()).line).toMatchObject({
    type: 'error',
    message: expect.stringContaining('is damaged at byte'),
  });
  expect((await run('--purge')).line).toEqual({ type: 'purged', found: true });
  expect(existsSync(join(stateDir, 'journal'))).toBe(false);
  expect((await start()).info.restored.calls).toBe(0);
});
