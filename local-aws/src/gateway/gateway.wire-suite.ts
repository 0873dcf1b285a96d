/** What holds for every service behind the gateway, and its own pages. */
import { createHash, randomBytes } from 'node:crypto';
import { request as httpRequest } from 'node:http';
import {
  AuthorizeSecurityGroupIngressCommand,
  CreateSecurityGroupCommand,
  DescribeSecurityGroupRulesCommand,
  EC2Client,
} from '@aws-sdk/client-ec2';
import { ECSClient, ExecuteCommandCommand } from '@aws-sdk/client-ecs';
import {
  CreateBucketCommand,
  GetObjectCommand,
  HeadObjectCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { GetParameterCommand, PutParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { expect, test } from 'vitest';
import { createIdentities } from '../identities/create-identities.ts';
import type { Wire } from '../wire-fixture.ts';

function get(
  url: string,
  headers: Record<string, string>,
  method = 'GET',
): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const sent = httpRequest(url, { headers, method }, (response) => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        body += chunk;
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
    });
    sent.on('error', reject);
    sent.end();
  });
}

function signedFor(service: string): Record<string, string> {
  const credential = `Credential=test/20260101/us-east-1/${service}/aws4_request`;
  return { authorization: `AWS4-HMAC-SHA256 ${credential}, SignedHeaders=host, Signature=0` };
}

export function gatewayWireSuite(wire: () => Wire): void {
  test('S3 objects pass through whole, with conditional writes', async () => {
    const s3 = new S3Client({ ...wire().clientOptions, forcePathStyle: true });
    const content = randomBytes(3 * 1024 * 1024);
    await s3.send(new CreateBucketCommand({ Bucket: 'state' }));
    const put = { Bucket: 'state', Key: 'a b/ü?&.json', Body: content, IfNoneMatch: '*' };
    await s3.send(new PutObjectCommand(put));
    await expect(s3.send(new PutObjectCommand(put))).rejects.toMatchObject({ name: 'PreconditionFailed' });
    const head = await s3.send(new HeadObjectCommand({ Bucket: 'state', Key: put.Key }));
    expect(head.ContentLength).toBe(content.length);
    const got = await s3.send(new GetObjectCommand({ Bucket: 'state', Key: put.Key }));
    const bytes = await got.Body?.transformToByteArray();
    expect(
      createHash('sha256')
        .update(bytes ?? '')
        .digest('hex'),
    ).toBe(createHash('sha256').update(content).digest('hex'));
  });

  test('[s3.if-match] whoever read an older version does not overwrite a newer one', async () => {
    const s3 = new S3Client({ ...wire().clientOptions, forcePathStyle: true });
    await s3.send(new CreateBucketCommand({ Bucket: 'matched' }));
    const put = (Body: string, IfMatch?: string) =>
      s3.send(new PutObjectCommand({ Bucket: 'matched', Key: 'k', Body, ...(IfMatch && { IfMatch }) }));
    const { ETag: first = '' } = await put('one');
    const { ETag: second = '' } = await put('two', first);
    await expect(put('three', first)).rejects.toMatchObject({
      name: 'PreconditionFailed',
      $metadata: { httpStatusCode: 412 },
    });
    const got = await s3.send(new GetObjectCommand({ Bucket: 'matched', Key: 'k' }));
    expect([got.ETag, await got.Body?.transformToString()]).toEqual([second, 'two']);
  });

  test('JSON services are forwarded, errors keep their code', async () => {
    const ssm = new SSMClient(wire().clientOptions);
    await ssm.send(new PutParameterCommand({ Name: '/p/e/s', Value: 'v', Type: 'SecureString' }));
    const got = await ssm.send(new GetParameterCommand({ Name: '/p/e/s', WithDecryption: true }));
    expect(got.Parameter?.Value).toBe('v');
    await expect(ssm.send(new GetParameterCommand({ Name: '/p/e/none' }))).rejects.toMatchObject({
      name: 'ParameterNotFound',
    });
  });

  test('an action that moto lacks is refused at once with its name', async () => {
    const ecs = new ECSClient(wire().clientOptions);
    const call = ecs.send(
      new ExecuteCommandCommand({ cluster: 'c', command: 'sh', interactive: true, task: 't' }),
    );
    await expect(call).rejects.toMatchObject({
      name: 'UnknownOperationException',
      message: expect.stringContaining('ecs ExecuteCommand'),
      $metadata: { httpStatusCode: 400 },
    });
    const ec2 = await fetch(wire().endpoint, {
      method: 'POST',
      headers: { ...signedFor('ec2'), 'content-type': 'application/x-www-form-urlencoded' },
      body: 'Action=Nope&Version=2016-11-15',
    });
    expect(ec2.status).toBe(400);
    expect(await ec2.text()).toContain('<Response><Errors><Error><Code>InvalidAction</Code>');
    const lambda = await fetch(`${wire().endpoint}/2015-03-31/nope`, { headers: signedFor('lambda') });
    expect([lambda.status, lambda.headers.get('x-amzn-errortype')]).toEqual([400, 'NotImplemented']);
  });

  test('each identity is itself', async () => {
    const identities = await createIdentities(wire().control);
    for (const name of ['developer', 'reviewer'] as const) {
      const { accessKeyId, secretAccessKey, arn } = identities[name];
      const sts = new STSClient({ ...wire().clientOptions, credentials: { accessKeyId, secretAccessKey } });
      const caller = await sts.send(new GetCallerIdentityCommand({}));
      expect([caller.Arn, caller.Account]).toEqual([arn, '123456789012']);
      expect(arn).toBe(`arn:aws:iam::123456789012:user/${name}`);
    }
  });

  test('security-group rules between groups keep their description', async () => {
    const ec2 = new EC2Client(wire().clientOptions);
    const group = await ec2.send(
      new CreateSecurityGroupCommand({ GroupName: 'tasks', Description: 'tasks' }),
    );
    const groupId = group.GroupId ?? '';
    const permission = {
      IpProtocol: 'tcp',
      FromPort: 5000,
      ToPort: 5000,
      UserIdGroupPairs: [{ GroupId: groupId, Description: 'from <alb>' }],
    };
    await ec2.send(
      new AuthorizeSecurityGroupIngressCommand({ GroupId: groupId, IpPermissions: [permission] }),
    );
    const rules = await ec2.send(
      new DescribeSecurityGroupRulesCommand({ Filters: [{ Name: 'group-id', Values: [groupId] }] }),
    );
    const ingress = rules.SecurityGroupRules?.filter(({ IsEgress }) => IsEgress === false);
    expect(ingress?.map(({ Description }) => Description)).toEqual(['from <alb>']);
  });

  test('status, metadata and stop', async () => {
    const { endpoint, stopRequests } = wire();
    expect(await (await fetch(`${endpoint}/_local/status`)).json()).toMatchObject({
      endpoint,
      environments: [],
    });
    expect(await (await fetch(`${endpoint}/v4/abc`)).json()).toEqual({ taskId: 'abc', suffix: '' });
    expect(await (await fetch(`${endpoint}/v4/abc/task/stats`)).json()).toEqual({
      taskId: 'abc',
      suffix: 'task/stats',
    });
    expect((await fetch(`${endpoint}/v4/none/task`)).status).toBe(404);
    expect((await fetch(`${endpoint}/v4/abc/secrets`)).status).toBe(404);
    expect((await fetch(`${endpoint}/_local/stop`)).status).toBe(404);
    expect(stopRequests()).toBe(0);
    expect((await fetch(`${endpoint}/_local/stop`, { method: 'POST' })).status).toBe(202);
    await expect.poll(stopRequests).toBe(1);
  });

  test('web pages and foreign names are refused', async () => {
    const { endpoint, stopRequests } = wire();
    const before = stopRequests();
    expect((await get(`${endpoint}/_local/status`, { host: 'evil.example' })).status).toBe(403);
    expect((await get(`${endpoint}/_local/stop`, { origin: 'https://evil.example' }, 'POST')).status).toBe(
      403,
    );
    expect(
      (await get(`${endpoint}/_local/status`, { host: 'localhost:4700', origin: 'http://127.0.0.1:9' }))
        .status,
    ).toBe(200);
    expect(stopRequests()).toBe(before);
  });

  test('a body over the limit is refused', async () => {
    const body = Buffer.alloc(64 * 1024 * 1024 + 1);
    const headers = {
      ...signedFor('ssm'),
      'x-amz-target': 'AmazonSSM.GetParameter',
      'content-type': 'application/x-amz-json-1.1',
    };
    const answer = await fetch(wire().endpoint, { method: 'POST', headers, body });
    expect([answer.status, (await answer.json()) as unknown]).toEqual([
      413,
      expect.objectContaining({ __type: 'RequestEntityTooLargeException' }),
    ]);
  });
}
