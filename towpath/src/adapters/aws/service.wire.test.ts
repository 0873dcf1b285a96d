/** A service seen through the ECS, ELB and Logs clients, answered by a small server that speaks their protocols. */
import { createServer, type Server } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sampleEnvironment, sampleProject } from '../../../test/fakes/sample-project.ts';
import { createService } from './service.ts';
import { createSession, type Session } from './session.ts';

const ARN = 'arn:aws:ecs:us-east-1:123456789012';
const DIGEST = `sha256:${'a'.repeat(64)}`;

/** What each action answers; an object is JSON, a string is XML, an Error is refused with its name. */
const answers = new Map<string, unknown>();
const asked: { action: string; body: Record<string, unknown> }[] = [];

let server: Server;
let session: Session;
let status = 200;

beforeAll(async () => {
  server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const text = Buffer.concat(chunks).toString('utf8');
    if (request.method === 'GET') {
      response.writeHead(status, { location: '/elsewhere' }).end('hello');
      return;
    }
    const target = request.headers['x-amz-target']?.toString().split('.').at(-1);
    const form = new URLSearchParams(text);
    const action = target ?? form.get('Action') ?? '';
    asked.push({ action, body: target === undefined ? Object.fromEntries(form) : JSON.parse(text) });
    const key = answers.has(`${action} ${asked.at(-1)?.body.desiredStatus}`)
      ? `${action} ${asked.at(-1)?.body.desiredStatus}`
      : action;
    const answer = answers.get(key);
    if (typeof answer === 'string') response.writeHead(200, { 'content-type': 'text/xml' }).end(answer);
    else if (answer instanceof Error && target === undefined) {
      response
        .writeHead(400, { 'content-type': 'text/xml' })
        .end(
          `<ErrorResponse><Error><Type>Sender</Type><Code>${answer.name}</Code><Message>no</Message></Error></ErrorResponse>`,
        );
    } else if (answer instanceof Error || answer === undefined) {
      const __type = answer instanceof Error ? answer.name : `NothingPreparedFor${action}`;
      response
        .writeHead(400, { 'content-type': 'application/x-amz-json-1.1' })
        .end(JSON.stringify({ __type, message: 'no' }));
    } else
      response.writeHead(200, { 'content-type': 'application/x-amz-json-1.1' }).end(JSON.stringify(answer));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  session = createSession({
    region: 'us-east-1',
    endpoint: origin(),
    credentials: { accessKeyId: 'a', secretAccessKey: 'b' },
  });
});

afterAll(async () => {
  session?.close();
  server?.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

function origin(): string {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('not listening');
  return `http://127.0.0.1:${address.port}`;
}

function refusal(name: string): Error {
  return Object.assign(new Error(name), { name });
}

function service() {
  asked.length = 0;
  const environment = sampleEnvironment('test', 0);
  return createService({ session, environment, project: sampleProject([environment]) });
}

const xml = (action: string, result: string): string =>
  `<${action}Response xmlns="http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/"><${action}Result>${result}</${action}Result></${action}Response>`;

function prepareService(listener: string): void {
  answers.clear();
  answers.set('DescribeServices', {
    services: [
      {
        status: 'ACTIVE',
        desiredCount: 2,
        runningCount: 2,
        pendingCount: 0,
        taskDefinition: `${ARN}:task-definition/shop-test-ecs-task:3`,
        loadBalancers: [{ targetGroupArn: 'arn:tg', containerName: 'web', containerPort: 5000 }],
        deployments: [
          {
            id: 'ecs-svc/1',
            status: 'PRIMARY',
            rolloutState: 'COMPLETED',
            desiredCount: 2,
            runningCount: 2,
            pendingCount: 0,
            failedTasks: 1,
          },
        ],
        events: [
          { id: 'e-1', createdAt: 1_767_225_600, message: '(service shop) has reached a steady state.' },
        ],
      },
    ],
  });
  answers.set('ListTasks RUNNING', { taskArns: [`${ARN}:task/shop/t1`] });
  answers.set('ListTasks STOPPED', {
    taskArns: Array.from({ length: 14 }, (_, index) => `${ARN}:task/shop/s${index}`),
  });
  answers.set('DescribeTasks', { tasks: [] });
  answers.set(
    'DescribeLoadBalancers',
    xml(
      'DescribeLoadBalancers',
      '<LoadBalancers><member><LoadBalancerArn>arn:alb</LoadBalancerArn><DNSName>127.0.0.1:7001</DNSName></member></LoadBalancers>',
    ),
  );
  answers.set(
    'DescribeListeners',
    xml('DescribeListeners', `<Listeners><member>${listener}</member></Listeners>`),
  );
  answers.set(
    'DescribeTargetHealth',
    xml(
      'DescribeTargetHealth',
      '<TargetHealthDescriptions><member><Target><Id>10.0.1.7</Id><Port>5000</Port></Target><TargetHealth><State>unhealthy</State><Reason>Target.Timeout</Reason><Description>Request timed out</Description></TargetHealth></member></TargetHealthDescriptions>',
    ),
  );
}

const HTTP = '<Port>80</Port><Protocol>HTTP</Protocol>';
const task = (id: string, stoppedAt: number, container: object) => ({
  taskArn: `${ARN}:task/shop-test-ecs-cluster/${id}`,
  availabilityZone: 'us-east-1b',
  lastStatus: 'STOPPED',
  taskDefinitionArn: `${ARN}:task-definition/shop-test-ecs-task:3`,
  createdAt: 1_767_225_600,
  stoppedAt,
  stoppedReason: 'Essential container in task exited',
  containers: [
    { name: 'proxy', imageDigest: 'sha256:proxy' },
    { name: 'web', ...container },
  ],
  attachments: [
    {
      details: [
        { name: 'subnetId', value: 'subnet-1' },
        { name: 'privateIPv4Address', value: '10.0.1.7' },
      ],
    },
  ],
});

describe('a snapshot', () => {
  it('shows deployments, events, targets and the address', async () => {
    prepareService(HTTP);
    const snapshot = await service().snapshot();
    expect(snapshot).toMatchObject({
      status: 'ACTIVE',
      desired: 2,
      running: 2,
      url: 'http://127.0.0.1:7001',
      deployments: [{ id: 'ecs-svc/1', rolloutState: 'COMPLETED', failed: 1 }],
      events: [{ id: 'e-1', time: '2026-01-01T00:00:00.000Z' }],
      targets: [
        {
          id: '10.0.1.7',
          port: 5000,
          state: 'unhealthy',
          reason: 'Target.Timeout',
          description: 'Request timed out',
        },
      ],
    });
    expect(asked.find(({ action }) => action === 'DescribeServices')?.body).toMatchObject({
      cluster: 'shop-test-ecs-cluster',
      services: ['shop-test-ecs-service'],
    });
  });

  it('takes the digest of the application container, from its image where ECS gives no digest', async () => {
    prepareService(HTTP);
    const image = `123456789012.dkr.ecr.us-east-1.amazonaws.com/shop@${DIGEST}`;
    answers.set('DescribeTasks', {
      tasks: [task('t1', 1, { image, exitCode: 3, reason: 'OutOfMemoryError: killed' })],
    });
    const snapshot = await service().snapshot();
    expect(snapshot?.tasks).toMatchObject([
      {
        id: 't1',
        zone: 'us-east-1b',
        imageDigest: DIGEST,
        createdAt: '2026-01-01T00:00:00.000Z',
        exitCode: 3,
        containerReason: 'OutOfMemoryError: killed',
        stoppedReason: 'Essential container in task exited',
        privateIp: '10.0.1.7',
      },
    ]);
  });

  it('keeps the ten tasks that stopped last, newest first', async () => {
    prepareService(HTTP);
    answers.set('DescribeTasks', {
      tasks: Array.from({ length: 14 }, (_, index) => task(`s${index}`, 1_767_225_600 + index, {})),
    });
    const stopped = (await service().snapshot())?.stopped.map(({ id }) => id);
    expect(stopped).toEqual(['s13', 's12', 's11', 's10', 's9', 's8', 's7', 's6', 's5', 's4']);
  });

  it('says https where there is a listener for it', async () => {
    prepareService('<Port>443</Port><Protocol>HTTPS</Protocol>');
    expect((await service().snapshot())?.url).toBe('https://127.0.0.1:7001');
  });

  it.each([
    [
      'no cluster',
      () => {
        for (const action of ['DescribeServices', 'ListTasks RUNNING', 'ListTasks STOPPED'])
          answers.set(action, refusal('ClusterNotFoundException'));
      },
    ],
    [
      'no service',
      () => {
        answers.set('DescribeServices', { services: [], failures: [{ reason: 'MISSING' }] });
        for (const action of ['ListTasks RUNNING', 'ListTasks STOPPED'])
          answers.set(action, refusal('ServiceNotFoundException'));
      },
    ],
    ['a deleted service', () => answers.set('DescribeServices', { services: [{ status: 'INACTIVE' }] })],
  ])('is undefined where there is %s', async (_what, change) => {
    prepareService(HTTP);
    answers.set('DescribeLoadBalancers', refusal('LoadBalancerNotFound'));
    change();
    expect(await service().snapshot()).toBeUndefined();
  });

  it('does not take a refusal for an absence', async () => {
    prepareService(HTTP);
    answers.set('DescribeServices', refusal('AccessDeniedException'));
    const failure = { code: 'ACCESS_DENIED', message: expect.stringContaining('ecs:DescribeServices') };
    await expect(service().snapshot()).rejects.toMatchObject(failure);
  });
});

describe('the log of a task', () => {
  const events = [{ message: 'one\n' }, { message: 'two' }, { message: 'three' }];

  it('is read from the stream that the task definition names', async () => {
    answers.clear();
    answers.set('DescribeTasks', { tasks: [{ taskDefinitionArn: `${ARN}:task-definition/x:7` }] });
    const options = { 'awslogs-group': '/ecs/elsewhere', 'awslogs-stream-prefix': 'ecs' };
    answers.set('DescribeTaskDefinition', {
      taskDefinition: { containerDefinitions: [{ name: 'web', logConfiguration: { options } }] },
    });
    answers.set('GetLogEvents', { events });
    expect(await service().taskLog('t1', 2)).toEqual(['two', 'three']);
    expect(asked.at(-1)?.body).toMatchObject({
      logGroupName: '/ecs/elsewhere',
      logStreamName: 'ecs/web/t1',
      limit: 2,
      startFromHead: false,
    });
    expect(asked.find(({ action }) => action === 'DescribeTaskDefinition')?.body).toMatchObject({
      taskDefinition: `${ARN}:task-definition/x:7`,
    });
  });

  it('is empty where there is none', async () => {
    answers.clear();
    answers.set('DescribeTasks', refusal('ClusterNotFoundException'));
    answers.set('DescribeTaskDefinition', refusal('ClientException'));
    answers.set('GetLogEvents', refusal('ResourceNotFoundException'));
    expect(await service().taskLog('t1', 10)).toEqual([]);
    expect(asked.at(-1)?.body).toMatchObject({ logGroupName: '/ecs/shop-test', logStreamName: 'web/web/t1' });
  });
});

describe('settings', () => {
  const DEFINITION = {
    executionRoleArn: 'arn:aws:iam::123456789012:role/reader',
    memory: '1024',
    runtimePlatform: { cpuArchitecture: 'ARM64' },
    containerDefinitions: [
      { name: 'proxy', image: 'proxy', portMappings: [{ containerPort: 80 }] },
      {
        name: 'web',
        image: 'shop@sha256:aa',
        portMappings: [{ containerPort: 5000 }],
        logConfiguration: { logDriver: 'awslogs', options: { 'awslogs-group': '/ecs/own' } },
      },
    ],
  };
  const CONFIGURED = {
    healthCheckGracePeriodSeconds: 30,
    deploymentConfiguration: { minimumHealthyPercent: 50, maximumPercent: 150 },
    capacityProviderStrategy: [{ capacityProvider: 'FARGATE' }, { capacityProvider: 'FARGATE_SPOT' }],
    networkConfiguration: { awsvpcConfiguration: { subnets: ['subnet-a'], securityGroups: ['sg-tasks'] } },
  };

  function prepareSettings(): void {
    prepareService(HTTP);
    const before = answers.get('DescribeServices') as { readonly services: readonly object[] };
    answers.set('DescribeServices', { services: [{ ...before.services[0], ...CONFIGURED }] });
    answers.set('DescribeTaskDefinition', { taskDefinition: DEFINITION });
    answers.set(
      'DescribeTargetGroups',
      xml(
        'DescribeTargetGroups',
        '<TargetGroups><member><HealthCheckPath>/readyz</HealthCheckPath><HealthCheckTimeoutSeconds>2</HealthCheckTimeoutSeconds><HealthCheckIntervalSeconds>5</HealthCheckIntervalSeconds><UnhealthyThresholdCount>3</UnhealthyThresholdCount><Matcher><HttpCode>200-299</HttpCode></Matcher><LoadBalancerArns><member>arn:alb</member></LoadBalancerArns></member></TargetGroups>',
      ),
    );
    answers.set(
      'DescribeLoadBalancers',
      xml(
        'DescribeLoadBalancers',
        '<LoadBalancers><member><SecurityGroups><member>sg-alb</member></SecurityGroups></member></LoadBalancers>',
      ),
    );
    answers.set(
      'DescribeSecurityGroups',
      '<DescribeSecurityGroupsResponse><securityGroupInfo><item><ipPermissions><item><ipProtocol>tcp</ipProtocol><fromPort>5000</fromPort><toPort>5000</toPort><groups><item><groupId>sg-alb</groupId></item></groups></item></ipPermissions></item></securityGroupInfo></DescribeSecurityGroupsResponse>',
    );
  }

  it('are those of the container that counts, its target group and its security groups', async () => {
    prepareSettings();
    expect(await service().settings('shop:3')).toEqual({
      environment: 'test',
      container: {
        image: 'shop@sha256:aa',
        port: 5000,
        architecture: 'ARM64',
        memoryMb: 1024,
        logGroup: '/ecs/own',
      },
      executionRole: 'reader',
      graceSeconds: 30,
      minimumHealthyPercent: 50,
      maximumPercent: 150,
      capacityProviders: ['FARGATE', 'FARGATE_SPOT'],
      healthCheck: {
        path: '/readyz',
        timeoutSeconds: 2,
        intervalSeconds: 5,
        unhealthyThreshold: 3,
        matcher: '200-299',
      },
      network: {
        taskGroups: ['sg-tasks'],
        balancerGroups: ['sg-alb'],
        ingress: [{ protocol: 'tcp', fromPort: 5000, toPort: 5000, groups: ['sg-alb'], ranges: [] }],
      },
    });
    const groups = asked.find(({ action }) => action === 'DescribeSecurityGroups');
    expect(groups?.body).toMatchObject({ 'GroupId.1': 'sg-tasks' });
  });

  it('leave out what may not be read, and never fail for it', async () => {
    prepareSettings();
    answers.set('DescribeSecurityGroups', refusal('UnauthorizedOperation'));
    expect(await service().settings('shop:3')).toMatchObject({ network: undefined, graceSeconds: 30 });
    answers.set('DescribeTargetGroups', refusal('TargetGroupNotFound'));
    answers.set('DescribeTaskDefinition', refusal('ClientException'));
    expect(await service().settings('shop:3')).toMatchObject({
      network: undefined,
      healthCheck: undefined,
      container: undefined,
    });
  });
});

describe('deletion protection', () => {
  it('is taken from the load balancer', async () => {
    prepareService(HTTP);
    answers.set('ModifyLoadBalancerAttributes', xml('ModifyLoadBalancerAttributes', ''));
    await service().disableDeletionProtection();
    expect(asked.at(-1)?.body).toMatchObject({
      LoadBalancerArn: 'arn:alb',
      'Attributes.member.1.Key': 'deletion_protection.enabled',
      'Attributes.member.1.Value': 'false',
    });
  });

  it('is nothing where there is no load balancer', async () => {
    answers.clear();
    answers.set('DescribeLoadBalancers', refusal('LoadBalancerNotFound'));
    await service().disableDeletionProtection();
    expect(asked.map(({ action }) => action)).toEqual(['DescribeLoadBalancers']);
  });
});

it('starts the tasks anew, with all else as it is', async () => {
  answers.clear();
  answers.set('UpdateService', { service: {} });
  await service().startAnew();
  expect(asked).toEqual([
    {
      action: 'UpdateService',
      body: {
        cluster: 'shop-test-ecs-cluster',
        service: 'shop-test-ecs-service',
        forceNewDeployment: true,
      },
    },
  ]);
});

describe('a probe', () => {
  it.each([200, 301, 503])('gives the status %i as it is', async (code) => {
    status = code;
    expect(await service().probe(`${origin()}/readyz`, 5_000)).toMatchObject({ status: code });
  });

  it('never throws', async () => {
    expect(await service().probe('http://127.0.0.1:1/', 5_000)).toEqual({
      status: undefined,
      detail: 'ECONNREFUSED',
    });
    expect((await service().probe('no address', 5_000)).status).toBeUndefined();
  });

  it('gives up after its time', async () => {
    const silent = createServer(() => undefined);
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const address = silent.address();
    const port = address !== null && typeof address === 'object' ? address.port : 0;
    const result = await service().probe(`http://127.0.0.1:${port}/`, 50);
    silent.closeAllConnections();
    await new Promise((resolve) => silent.close(resolve));
    expect(result).toEqual({ status: undefined, detail: 'no answer within 50 ms' });
  });
});
