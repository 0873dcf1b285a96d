/**
 * Monitoring on the composed embedded AWS: lines that real tasks write become a metric and an alarm, a deployment that
 * fails becomes an event and an alarm, and whoever subscribed to the topic hears of both.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  CloudWatchLogsClient,
  CreateLogGroupCommand,
  DescribeMetricFiltersCommand,
  PutMetricFilterCommand,
} from '@aws-sdk/client-cloudwatch-logs';
import { EC2Client } from '@aws-sdk/client-ec2';
import {
  CreateClusterCommand,
  CreateServiceCommand,
  DescribeServicesCommand,
  ECSClient,
  RegisterTaskDefinitionCommand,
  UpdateServiceCommand,
} from '@aws-sdk/client-ecs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createNetwork, pushProgram } from '../bench/program-service.ts';
import type { ControlPlane } from './contract.ts';
import { accountId, type Daemon, startDaemon } from './daemon.ts';
import { createControlPlane } from './gateway/control-plane.ts';
import { createMotoClient, type MotoClient } from './gateway/moto-client.ts';
import { listAt, readXml, textAt } from './gateway/xml.ts';

/** A minute takes one real second. */
const speed = 60;
const region = 'us-east-1';
const startLimitMs = 60_000;
const testLimitMs = 120_000;
const poll = { timeout: 60_000, interval: 200 };
const group = '/ecs/shop';
const serviceArn = `arn:aws:ecs:${region}:${accountId}:service/shop/web`;

/** Logs what it is told to, and a metric. */
const program = `
setInterval(async () => {
  const level = await (await fetch(process.env.LEVEL_URL)).text();
  console.log(JSON.stringify({ level, msg: 'a line' }));
}, 50);
const directive = { Namespace: 'Shop', Dimensions: [['Service']], Metrics: [{ Name: 'Depth', Unit: 'Count' }] };
const _aws = { Timestamp: Date.now(), CloudWatchMetrics: [directive] };
setInterval(() => console.log(JSON.stringify({ _aws, Service: 'web', Depth: 7 })), 200);
process.on('SIGTERM', () => process.exit(0));
`;

const stateDir = mkdtempSync(join(tmpdir(), 'local-aws-monitoring-'));
let daemon: Daemon | undefined;
let moto: MotoClient | undefined;
let aws: ControlPlane;
let ecs: ECSClient;
let logs: CloudWatchLogsClient;
let topicArn = '';
let level = 'info';
const messages: string[] = [];

/** Tells tasks which level to log, and takes what the topic sends. */
const server: Server = createServer((request, response) => {
  if (request.method === 'GET') return void response.end(level);
  let body = '';
  request.on('data', (chunk: Buffer) => {
    body += chunk.toString();
  });
  request.on('end', () => {
    messages.push((JSON.parse(body) as { Message: string }).Message);
    response.end();
  });
});

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  daemon = await startDaemon({
    ...{ stateDir, port: undefined, speed, region, environment: process.env },
    requirements: fileURLToPath(new URL('../requirements.txt', import.meta.url)),
  });
  const { endpoint } = daemon.info;
  const client = { endpoint, region, credentials: { accessKeyId: 'test', secretAccessKey: 'test' } };
  moto = createMotoClient(endpoint);
  aws = createControlPlane(moto, { region, accountId }, 'test');
  ecs = new ECSClient(client);
  logs = new CloudWatchLogsClient(client);
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  topicArn =
    textAt(
      readXml(await aws.query('sns', 'CreateTopic', { Name: 'alarms' })),
      'CreateTopicResult',
      'TopicArn',
    ) ?? '';
  await aws.query('sns', 'Subscribe', { TopicArn: topicArn, Protocol: 'http', Endpoint: url });
  await logs.send(new CreateLogGroupCommand({ logGroupName: group }));
  const image = await pushProgram(client, 'shop', program);
  await ecs.send(new CreateClusterCommand({ clusterName: 'shop' }));
  await ecs.send(
    new CreateServiceCommand({
      ...{ cluster: 'shop', serviceName: 'web', desiredCount: 1, launchType: 'FARGATE' },
      taskDefinition: await register(image, [{ name: 'LEVEL_URL', value: url }]),
      deploymentConfiguration: { deploymentCircuitBreaker: { enable: true, rollback: true } },
      networkConfiguration: {
        awsvpcConfiguration: {
          subnets: await createNetwork(new EC2Client(client)),
          assignPublicIp: 'ENABLED',
        },
      },
    }),
  );
}, startLimitMs);

afterAll(async () => {
  await daemon?.stop();
  await moto?.close();
  server.closeAllConnections();
  server.close();
  rmSync(stateDir, { recursive: true, force: true });
});

async function register(image: string, environment: { name: string; value: string }[]): Promise<string> {
  const options = { 'awslogs-group': group, 'awslogs-region': region, 'awslogs-stream-prefix': 'web' };
  const { taskDefinition } = await ecs.send(
    new RegisterTaskDefinitionCommand({
      ...{
        family: 'web',
        networkMode: 'awsvpc',
        requiresCompatibilities: ['FARGATE'],
        cpu: '256',
        memory: '512',
      },
      containerDefinitions: [
        {
          ...{ name: 'web', image, essential: true, environment },
          logConfiguration: { logDriver: 'awslogs', options },
        },
      ],
    }),
  );
  return taskDefinition?.taskDefinitionArn ?? '';
}

async function rollout(): Promise<string | undefined> {
  const { services } = await ecs.send(new DescribeServicesCommand({ cluster: 'shop', services: ['web'] }));
  return services?.[0]?.deployments?.[0]?.rolloutState;
}

async function stateOf(alarm: string): Promise<string | undefined> {
  const answer = readXml(await aws.query('monitoring', 'DescribeAlarms', { 'AlarmNames.member.1': alarm }));
  return textAt(listAt(answer, 'DescribeAlarmsResult', 'MetricAlarms')[0], 'StateValue');
}

async function putAlarm(name: string, settings: Readonly<Record<string, string>>): Promise<void> {
  await aws.query('monitoring', 'PutMetricAlarm', {
    ...{ AlarmName: name, Statistic: 'Sum', Period: '60', ComparisonOperator: 'GreaterThanThreshold' },
    ...{ TreatMissingData: 'notBreaching', ...settings },
  });
}

test(
  'errors in the log of tasks raise an alarm, which ends with them',
  async () => {
    const filter = (filterPattern: string) =>
      logs.send(
        new PutMetricFilterCommand({
          ...{ logGroupName: group, filterName: 'errors', filterPattern },
          metricTransformations: [
            {
              metricNamespace: 'Shop',
              metricName: 'LogErrors',
              metricValue: '1',
              defaultValue: 0,
              unit: 'Count',
            },
          ],
        }),
      );
    await expect(filter('{ $.level = }')).rejects.toThrow('Invalid filter pattern');
    await filter('nothing of the kind');
    await filter('{ ($.level = "error") || ($.level = "fatal") }');
    const { metricFilters } = await logs.send(new DescribeMetricFiltersCommand({ logGroupName: group }));
    // Put again, it is the same one.
    expect(metricFilters?.map(({ filterPattern }) => filterPattern)).toEqual([
      '{ ($.level = "error") || ($.level = "fatal") }',
    ]);
    await putAlarm('errors', {
      ...{ Namespace: 'Shop', MetricName: 'LogErrors', Threshold: '2' },
      ...{
        EvaluationPeriods: '5',
        DatapointsToAlarm: '3',
        'AlarmActions.member.1': topicArn,
        'OKActions.member.1': topicArn,
      },
    });
    await expect.poll(rollout, poll).toBe('COMPLETED');
    await expect.poll(() => stateOf('errors'), poll).toBe('OK');
    level = 'error';
    await expect.poll(() => stateOf('errors'), poll).toBe('ALARM');
    level = 'info';
    await expect.poll(() => stateOf('errors'), poll).toBe('OK');
    const told = () =>
      messages
        .filter((text) => text.includes('"AlarmName":"errors"'))
        .map((text) => JSON.parse(text))
        .slice(-2);
    // A new alarm tells of its first OK, too.
    await expect.poll(() => told().map(({ NewStateValue }) => NewStateValue), poll).toEqual(['ALARM', 'OK']);
    // Other lines were counted as the default value: 0 is a datapoint, and nothing is none.
    expect(told()[1].NewStateReason).toMatch(/(?<!\d)0\.0 \(/);
  },
  testLimitMs,
);

test(
  'metrics that tasks write into their log count for alarms',
  async () => {
    await putAlarm('depth', {
      ...{
        Namespace: 'Shop',
        MetricName: 'Depth',
        Statistic: 'Average',
        Threshold: '6.9',
        EvaluationPeriods: '1',
      },
      ...{ 'Dimensions.member.1.Name': 'Service', 'Dimensions.member.1.Value': 'web' },
    });
    await expect.poll(() => stateOf('depth'), poll).toBe('ALARM');
  },
  testLimitMs,
);

test(
  'a deployment that fails is told by its event, with the reason, and shown by an alarm',
  async () => {
    await aws.json('events', 'PutRule', {
      Name: 'deployment-failed',
      EventPattern: JSON.stringify({
        source: ['aws.ecs'],
        'detail-type': ['ECS Deployment State Change'],
        resources: [serviceArn],
        detail: { eventName: ['SERVICE_DEPLOYMENT_FAILED'] },
      }),
    });
    await aws.json('events', 'PutTargets', {
      Rule: 'deployment-failed',
      Targets: [
        {
          ...{ Id: 'alarms', Arn: topicArn },
          InputTransformer: {
            InputPathsMap: { reason: '$.detail.reason', service: '$.resources[0]' },
            InputTemplate: '"<service> failed: <reason>"',
          },
        },
      ],
    });
    await putAlarm('deployment-failed', {
      ...{ Namespace: 'AWS/Events', MetricName: 'TriggeredRules', Threshold: '0' },
      ...{ 'Dimensions.member.1.Name': 'RuleName', 'Dimensions.member.1.Value': 'deployment-failed' },
      ...{ EvaluationPeriods: '15', DatapointsToAlarm: '1' },
    });
    await expect.poll(rollout, poll).toBe('COMPLETED');
    await ecs.send(
      new UpdateServiceCommand({
        ...{ cluster: 'shop', service: 'web' },
        // An image that can't be pulled: a program that exits may, on a busy computer, count as healthy before it does.
        taskDefinition: await register(`${accountId}.dkr.ecr.${region}.amazonaws.com/shop:missing`, []),
      }),
    );
    await expect.poll(() => stateOf('deployment-failed'), poll).toBe('ALARM');
    await expect
      .poll(() => messages, poll)
      .toContain(`${serviceArn} failed: ECS deployment circuit breaker: tasks failed to start.`);
    await expect.poll(rollout, poll).toBe('COMPLETED');
    await expect.poll(() => stateOf('deployment-failed'), poll).toBe('OK');
    // The rollback is a deployment as well, and it is none that failed.
    expect(messages.filter((text) => text.includes(' failed: '))).toHaveLength(1);
  },
  testLimitMs,
);
