/** Chaos over HTTP, and AWS's SDKs that meet it: errors in each protocol, from a gateway with nothing much behind it. */
import { createServer, type Server } from 'node:http';
import { DescribeVpcsCommand, EC2Client } from '@aws-sdk/client-ec2';
import { DescribeServicesCommand, ECSClient } from '@aws-sdk/client-ecs';
import {
  DescribeLoadBalancersCommand,
  ElasticLoadBalancingV2Client,
} from '@aws-sdk/client-elastic-load-balancing-v2';
import { GetObjectCommand, HeadObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { GetParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { type Gateway, startGateway } from '../gateway/gateway-server.ts';
import { listenOnPort } from '../gateway/listen-on-port.ts';
import { createMotoClient, type MotoClient } from '../gateway/moto-client.ts';
import { createSystemClock } from '../system-clock.ts';
import { ApiFaults } from './api-faults.ts';
import { createChaosActions } from './carry-out-chaos.ts';
import { ChaosDesk } from './chaos-desk.ts';
import type { ChaosEntry, ChaosList } from './chaos-entry.ts';
import { createChaosRoute } from './chaos-route.ts';

let upstream: Server;
let moto: MotoClient;
let gateway: Gateway;
let desk: ChaosDesk;
let passed = 0;

beforeAll(async () => {
  // Whatever is let through gets an empty answer, good enough for JSON services and S3.
  upstream = createServer((request, response) => {
    passed += 1;
    request
      .resume()
      .on('end', () => response.writeHead(200, { 'content-type': 'application/json' }).end('{}'));
  });
  moto = createMotoClient(`http://127.0.0.1:${await listenOnPort(upstream, 0)}`);
  const clock = createSystemClock(1);
  const faults = new ApiFaults(clock);
  const platform = {
    zones: { down: () => ['abc'], up: () => [], list: () => [] },
    zoneNames: async () => ['us-east-1a'],
    environments: () => [],
    findTask: () => undefined,
    interruptSpot: () => [],
    accessKeyOf: (identity: string) => `AKIA${identity.toUpperCase()}`,
  };
  const begin = createChaosActions(platform, faults, () => 1);
  desk = new ChaosDesk({ clock, begin, log: () => undefined });
  gateway = await startGateway({ port: 0, region: 'us-east-1', accountId: '1', log: () => undefined });
  gateway.open({
    moto,
    overlays: [],
    routes: [createChaosRoute(desk)],
    regionalServices: new Set(),
    motoFailure: () => undefined,
    admit: (describe) => faults.admit(describe()),
  });
});
afterEach(() => {
  desk.undoAll();
  passed = 0;
});
afterAll(async () => {
  desk.close();
  await gateway.close();
  await moto.close();
  upstream.close();
});

async function http(method: string, path = '', body?: unknown): Promise<{ status: number; json: unknown }> {
  const init = body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) };
  const response = await fetch(`${gateway.endpoint}/_local/chaos${path}`, { method, ...init });
  return { status: response.status, json: await response.json() };
}
const begin = async (action: object): Promise<ChaosEntry> => {
  const { status, json } = await http('POST', '', action);
  expect([status, json]).toEqual([201, expect.objectContaining({ id: expect.any(String) })]);
  return json as ChaosEntry;
};
const client = (attempts = 1, accessKeyId = 'AKIADEVELOPER') => ({
  endpoint: gateway.endpoint,
  region: 'us-east-1',
  credentials: { accessKeyId, secretAccessKey: 'x' },
  maxAttempts: attempts,
  forcePathStyle: true,
});
const object = { Bucket: 'b', Key: 'k/l.json' };

const CALLS: readonly [string, () => Promise<unknown>][] = [
  ['ecs', () => new ECSClient(client()).send(new DescribeServicesCommand({ services: ['s'] }))],
  ['ssm', () => new SSMClient(client()).send(new GetParameterCommand({ Name: 'n' }))],
  ['sts', () => new STSClient(client()).send(new GetCallerIdentityCommand({}))],
  ['elbv2', () => new ElasticLoadBalancingV2Client(client()).send(new DescribeLoadBalancersCommand({}))],
  ['ec2', () => new EC2Client(client()).send(new DescribeVpcsCommand({}))],
  ['s3', () => new S3Client(client()).send(new GetObjectCommand(object))],
];
const call = (service: string): Promise<unknown> => {
  const send = CALLS.find(([name]) => name === service)?.[1];
  if (send === undefined) throw new Error(`no call of ${service}`);
  return send();
};

test.each([
  ['ecs', 'ThrottlingException', 'ServerException', 'ExpiredTokenException'],
  ['ssm', 'ThrottlingException', 'InternalServerError', 'ExpiredTokenException'],
  ['sts', 'Throttling', 'InternalFailure', 'ExpiredToken'],
  ['elbv2', 'Throttling', 'InternalFailure', 'ExpiredToken'],
  ['ec2', 'RequestLimitExceeded', 'InternalError', 'RequestExpired'],
  ['s3', 'SlowDown', 'InternalError', 'ExpiredToken'],
])(
  '%s answers %s, %s and %s, before anything else sees the call',
  async (service, throttled, broken, expired) => {
    const { id } = await begin({ action: 'throttle-api', service, share: 1 });
    await expect(call(service)).rejects.toMatchObject({
      name: throttled,
      message: expect.stringContaining(`(chaos ${id})`),
    });
    desk.undoAll();
    await begin({ action: 'fail-api', service });
    await expect(call(service)).rejects.toMatchObject({ name: broken, $metadata: { httpStatusCode: 500 } });
    desk.undoAll();
    await begin({ action: 'expire-credentials', identity: 'developer' });
    await expect(call(service)).rejects.toMatchObject({ name: expired });
    expect(passed).toBe(0);
  },
);

test('other services, actions and keys are let through', async () => {
  await begin({ action: 'fail-api', service: 's3', apiAction: 'PutObject' });
  await begin({ action: 'fail-api', service: 'ecs', apiAction: 'ListTasks' });
  await begin({ action: 'expire-credentials', identity: 'reviewer' });
  await call('ssm');
  await call('ecs');
  await call('s3');
  expect(passed).toBe(3);
  const put = new S3Client(client()).send(
    new PutObjectCommand({ ...object, Body: Buffer.alloc(3 * 1024 * 1024) }),
  );
  await expect(put).rejects.toMatchObject({ name: 'InternalError' });
  expect(passed).toBe(3);
  const head = new S3Client(client(1, 'AKIAREVIEWER')).send(new HeadObjectCommand(object));
  await expect(head).rejects.toMatchObject({ $metadata: { httpStatusCode: 400 } });
});

test('an SDK that retries gets through a share of failures', async () => {
  const { id } = await begin({ action: 'fail-api', service: 'ssm', share: 0.5, seed: 3 });
  const ssm = new SSMClient(client(10));
  for (let i = 0; i < 5; i += 1) await ssm.send(new GetParameterCommand({ Name: 'n' }));
  expect(passed).toBe(5);
  const { hit = 0, matched = 0 } = desk.undo(id).did.calls ?? {};
  expect(hit).toBeGreaterThan(0);
  expect(matched).toBe(hit + 5);
});

test('slow calls take their time, and no longer than the chaos', async () => {
  await begin({ action: 'slow-api', service: 's3', delayMs: 300 });
  const begun = Date.now();
  await call('s3');
  expect(Date.now() - begun).toBeGreaterThanOrEqual(290);
  desk.undoAll();
  const { id } = await begin({ action: 'slow-api', service: 'ssm', delayMs: 30_000, forSeconds: 0.3 });
  await call('ssm');
  expect(Date.now() - begun).toBeLessThan(20_000);
  expect((await http('DELETE', `/${id}`)).status).toBe(409);
});

test('GET, POST and DELETE', async () => {
  const entry = await begin({ action: 'zone-down', zone: 'us-east-1a', forSeconds: 9 });
  const list = (await http('GET')).json as ChaosList;
  expect(list.active).toEqual([entry]);
  expect(await http('DELETE', `/${entry.id}`)).toMatchObject({ status: 200, json: { ended: 'undone' } });
  const second = await begin({ action: 'throttle-api', service: 'ecs' });
  expect(await http('DELETE')).toMatchObject({ status: 200, json: { undone: [{ id: second.id }] } });
  expect(await http('DELETE')).toEqual({ status: 200, json: { undone: [] } });
  const after = (await http('GET', '/')).json as ChaosList;
  expect(after.active).toEqual([]);
  expect(after.ended.slice(0, 2).map(({ id }) => id)).toEqual([second.id, entry.id]);
});

test.each([
  ['POST', '', '{', 400, 'invalid', 'not JSON'],
  ['POST', '', { action: 'zone-down', zone: 'us-east-1z' }, 404, 'not-found', 'us-east-1a'],
  ['POST', '', { action: 'kill-task', environment: 'test' }, 404, 'not-found', 'No environment "test"'],
  ['DELETE', '/c999', undefined, 404, 'not-found', '"c999"'],
  ['DELETE', '/%zz', undefined, 404, 'not-found', '%zz'],
  ['PUT', '', {}, 404, 'not-found', 'PUT'],
  ['GET', '/c1/x', undefined, 404, 'not-found', '/_local/chaos/c1/x'],
  ['GET', 's', undefined, 404, 'not-found', '/_local/chaoss'],
  ['POST', '', `"${'x'.repeat(70_000)}"`, 413, 'invalid', 'exceeds'],
] as const)('%s %s is refused', async (method, path, body, status, kind, message) => {
  const answered = await http(method, path, body);
  expect(answered).toMatchObject({ status, json: { kind, message: expect.stringContaining(message) } });
});
