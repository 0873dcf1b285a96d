import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterEach, expect, it } from 'vitest';
import type { MetricSample } from '../contract.ts';
import { renderAccessLogKey, renderAccessLogLine } from './access-log-line.ts';
import { BALANCER, BalancerFixture, GROUP, until } from './balancer-fixture.ts';
import type { RequestRecord } from './request-record.ts';
import { TrafficMeter } from './traffic-meter.ts';

const balancerArn =
  'arn:aws:elasticloadbalancing:us-east-1:123456789012:loadbalancer/app/web/50dc6c495c0c9188';
const balancerId = 'app/web/50dc6c495c0c9188';
const groupArn = 'arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/web/6d0ecf831eec9f09';
const record: RequestRecord = {
  type: 'http',
  createdAt: Date.parse('2026-05-01T12:00:00.123Z'),
  endedAt: Date.parse('2026-05-01T12:00:01.5Z'),
  clientAddress: '127.0.0.1',
  clientPort: 4711,
  method: 'GET',
  url: '/a?b="',
  minorVersion: 1,
  host: 'shop.test:8123',
  userAgent: 'curl/8 "quoted"',
  trace: 'Root=1-58337262-36d228ad5d99923122bbe354',
  listenerPort: 80,
  priority: 0,
  actions: 'forward',
  redirectUrl: undefined,
  targetGroupArn: groupArn,
  target: { id: '10.2.101.7', port: 5000, zone: 'a', dial: { address: '127.2.101.7', port: 5000 } },
  requestMs: 0.4,
  targetMs: 12,
  responseMs: 0.05,
  elbStatus: 200,
  targetStatus: 200,
  connectionFailed: false,
  receivedBytes: 34,
  sentBytes: 366,
};
const unserved: RequestRecord = {
  ...record,
  ...{
    elbStatus: 503,
    targetStatus: undefined,
    target: undefined,
    requestMs: -1,
    targetMs: -1,
    responseMs: -1,
  },
};

it('access log lines have the fields of AWS', () => {
  expect(renderAccessLogLine(record, balancerId)).toBe(
    'http 2026-05-01T12:00:01.500000Z app/web/50dc6c495c0c9188 127.0.0.1:4711 10.2.101.7:5000 0.000400 0.012000 ' +
      '0.000050 200 200 34 366 "GET http://shop.test:80/a?b=\\x22 HTTP/1.1" "curl/8 \\x22quoted\\x22" - - ' +
      `${groupArn} "Root=1-58337262-36d228ad5d99923122bbe354" "-" "-" 0 2026-05-01T12:00:00.123000Z "forward" "-" "-" ` +
      '"10.2.101.7:5000" "200" "-" "-" TID_00000000000000000000000000000000',
  );
  expect(renderAccessLogLine(unserved, balancerId)).toContain(' 127.0.0.1:4711 - -1 -1 -1 503 - 34 366 ');
});

it('access log objects have the keys of AWS', () => {
  const place = {
    accountId: '123456789012',
    region: 'us-east-1',
    loadBalancerArn: balancerArn,
    address: '127.0.0.1',
  };
  const key = renderAccessLogKey({ ...place, prefix: 'logs', endedAt: record.endedAt, random: '1a2b' });
  expect(key).toBe(
    'logs/AWSLogs/123456789012/elasticloadbalancing/us-east-1/2026/05/01/' +
      '123456789012_elasticloadbalancing_us-east-1_app.web.50dc6c495c0c9188_20260501T1200Z_127.0.0.1_1a2b.log.gz',
  );
});

it('metrics have the names and dimensions of AWS, and a minute begins empty', () => {
  const meter = new TrafficMeter();
  meter.add(record);
  meter.add({ ...record, targetMs: 20, targetStatus: 500, elbStatus: 500 });
  meter.add(unserved);
  meter.add({ ...record, elbStatus: 502, targetStatus: undefined, connectionFailed: true, targetMs: -1 });
  meter.refused(400);
  meter.connected();
  const standing = { connections: 3, groups: [{ targetGroupArn: groupArn, healthy: 2, unhealthy: 1 }] };
  const samples = meter.take(balancerArn, 99, standing);
  const named = Object.fromEntries(
    samples.map(({ name, dimensions, sum }) => [`${name} ${Object.values(dimensions).join(' ')}`, sum]),
  );
  const balancer = 'app/web/50dc6c495c0c9188';
  const group = 'targetgroup/web/6d0ecf831eec9f09';
  expect(named).toEqual({
    [`ProcessedBytes ${balancer}`]: 1600,
    [`RequestCount ${balancer}`]: 3,
    [`HTTPCode_Target_2XX_Count ${balancer}`]: 1,
    [`HTTPCode_Target_5XX_Count ${balancer}`]: 1,
    [`HTTPCode_ELB_5XX_Count ${balancer}`]: 2,
    [`HTTPCode_ELB_503_Count ${balancer}`]: 1,
    [`HTTPCode_ELB_502_Count ${balancer}`]: 1,
    [`HTTPCode_ELB_4XX_Count ${balancer}`]: 1,
    [`TargetConnectionErrorCount ${balancer}`]: 1,
    [`NewConnectionCount ${balancer}`]: 1,
    [`TargetResponseTime ${balancer}`]: 0.032,
    [`ActiveConnectionCount ${balancer}`]: 3,
    [`RequestCount ${balancer} ${group}`]: 3,
    [`HTTPCode_Target_2XX_Count ${balancer} ${group}`]: 1,
    [`HTTPCode_Target_5XX_Count ${balancer} ${group}`]: 1,
    [`TargetConnectionErrorCount ${balancer} ${group}`]: 1,
    [`TargetResponseTime ${balancer} ${group}`]: 0.032,
    [`HealthyHostCount ${balancer} ${group}`]: 2,
    [`UnHealthyHostCount ${balancer} ${group}`]: 1,
    [`RequestCountPerTarget ${group}`]: 1.5,
    [`RequestCountPerTarget ${balancer} ${group}`]: 1.5,
  });
  expect(samples.find(({ name }) => name === 'TargetResponseTime')).toMatchObject({
    ...{ namespace: 'AWS/ApplicationELB', unit: 'Seconds', at: 99 },
    ...{ count: 2, minimum: 0.012, maximum: 0.02, values: [0.012, 0.02] },
  });
  expect(meter.take(balancerArn, 100, { connections: 0, groups: [] })).toEqual([]);
});

let fixture: BalancerFixture | undefined;
let folder: string | undefined;
afterEach(async () => {
  await fixture?.close();
  if (folder !== undefined) await rm(folder, { recursive: true, force: true });
  fixture = undefined;
  folder = undefined;
});

it('a load balancer reports each minute, and delivers its access log every five', async () => {
  folder = await mkdtemp(join(tmpdir(), 'access-logs-'));
  const samples: MetricSample[] = [];
  const objects: { bucket: string; key: string; text: string }[] = [];
  fixture = new BalancerFixture({
    speed: 300, // a minute takes 200 ms
    metrics: { record: (some) => samples.push(...some) },
    accessLogs: {
      folder,
      accountId: '123456789012',
      region: 'us-east-1',
      putObject: async (bucket, key, body) => {
        objects.push({ bucket, key, text: gunzipSync(body).toString() });
      },
    },
  });
  const url = await fixture.apply({ accessLogs: { bucket: 'logs', prefix: 'web' } });
  const target = await fixture.target((request, response) =>
    response.writeHead(request.url === '/missing' ? 404 : 200).end('body'),
  );
  fixture.plane.register(GROUP, [target]);
  await fixture.reaches(target.id, 'healthy');
  for (const path of ['/', '/?q=1', '/missing']) await (await fetch(`${url}${path}`)).text();
  const sumOf = (name: string) =>
    samples
      .filter((sample) => sample.name === name && sample.dimensions.TargetGroup === undefined)
      .reduce((sum, sample) => sum + sample.sum, 0);
  await until('a minute is over', () => sumOf('RequestCount') === 3);
  expect([sumOf('HTTPCode_Target_2XX_Count'), sumOf('HTTPCode_Target_4XX_Count')]).toEqual([2, 1]);
  expect(samples.some(({ name, sum }) => name === 'HealthyHostCount' && sum === 1)).toBe(true);
  await until('the access log is delivered', () => objects.length > 0);
  const text = objects.map((object) => object.text).join('');
  expect(text.match(/^http /gm)).toHaveLength(3);
  expect(text).toMatch(/" 404 |404 404 /);
  expect(objects[0]).toMatchObject({
    bucket: 'logs',
    key: expect.stringMatching(
      /^web\/AWSLogs\/123456789012\/elasticloadbalancing\/us-east-1\/\d{4}\/\d\d\/\d\d\//,
    ),
  });
  expect(await readFile(join(folder, 'web.log'), 'utf8')).toBe(text);
  await fixture.apply({}); // turned off
  await (await fetch(`${url}/unwritten`)).text();
  await fixture.close(); // all that waits for the disk is written
  expect(await readFile(join(folder, 'web.log'), 'utf8')).toBe(text);
  expect(BALANCER).toContain('/app/web/');
});
