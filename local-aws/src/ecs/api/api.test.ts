import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CLUSTER, SUBNETS, TARGET_GROUP } from '../test/fake-control.ts';
import { createWorld, isSettled, type ServiceShape, serviceInput, type World } from '../test/world.ts';

let world: World;
let definition: string;

beforeEach(() => {
  world = createWorld();
  definition = world.control.define('shop', 'registry/shop:one');
});
afterEach(() => world.ecs.stop());

const create = (changes = {}): Promise<{ service: ServiceShape }> =>
  world.call('CreateService', serviceInput(definition, changes));
const network = { awsvpcConfiguration: { subnets: [...SUBNETS] } };

describe('CreateService', () => {
  it('gives back every field that Terraform reads', async () => {
    const { service } = await create({ availabilityZoneRebalancing: 'DISABLED' });
    expect(service).toMatchObject({
      serviceArn: `arn:aws:ecs:us-east-1:123456789012:service/${CLUSTER}/shop`,
      clusterArn: `arn:aws:ecs:us-east-1:123456789012:cluster/${CLUSTER}`,
      status: 'ACTIVE',
      desiredCount: 3,
      taskDefinition: definition,
      capacityProviderStrategy: [{ capacityProvider: 'FARGATE', weight: 1, base: 1 }],
      platformVersion: 'LATEST',
      deploymentConfiguration: {
        maximumPercent: 200,
        minimumHealthyPercent: 100,
        deploymentCircuitBreaker: { enable: true, rollback: true },
        alarms: { alarmNames: [], enable: false, rollback: false },
      },
      loadBalancers: [{ targetGroupArn: TARGET_GROUP, containerName: 'app', containerPort: 5000 }],
      networkConfiguration: {
        awsvpcConfiguration: { subnets: [...SUBNETS], securityGroups: ['sg-1'], assignPublicIp: 'DISABLED' },
      },
      healthCheckGracePeriodSeconds: 0,
      schedulingStrategy: 'REPLICA',
      deploymentController: { type: 'ECS' },
      enableECSManagedTags: true,
      enableExecuteCommand: true,
      propagateTags: 'SERVICE',
      availabilityZoneRebalancing: 'DISABLED',
      tags: [{ key: 'Environment', value: 'test' }],
    });
    expect(service).not.toHaveProperty('launchType');
    const described = await world.service();
    expect(described.deployments).toHaveLength(1);
    const {
      deployments: _a,
      events: _b,
      pendingCount: _c,
      currentServiceRevisions: _d,
      ...asDescribed
    } = described;
    expect(service).toMatchObject(asDescribed);
  });

  it('hides tags unless they are asked for', async () => {
    await create();
    const answer = await world.call<{ services: object[] }>('DescribeServices', {
      cluster: CLUSTER,
      services: ['shop'],
    });
    expect(answer.services[0]).not.toHaveProperty('tags');
  });

  it('[spread.rebalancing-default-enabled] rebalances zones unless told otherwise', async () => {
    expect((await create()).service.availabilityZoneRebalancing).toBe('ENABLED');
  });

  it.each([
    ['an unknown cluster', { cluster: 'nowhere' }, 'ClusterNotFoundException', 'Cluster not found.'],
    ['a bad name', { serviceName: 'a b' }, 'InvalidParameterException', '"a b"'],
    ['an unknown task definition', { taskDefinition: 'shop:99' }, 'ClientException', 'shop:99'],
    ['no network', { networkConfiguration: undefined }, 'InvalidParameterException', "networkMode 'awsvpc'"],
    [
      'no subnets',
      { networkConfiguration: { awsvpcConfiguration: { subnets: [] } } },
      'InvalidParameterException',
      'subnets can not be empty',
    ],
    [
      'an unknown subnet',
      { networkConfiguration: { awsvpcConfiguration: { subnets: ['subnet-x'] } } },
      'InvalidParameterException',
      "'subnet-x' does not exist",
    ],
    ['launch type and strategy', { launchType: 'FARGATE' }, 'InvalidParameterException', 'Specifying both'],
    [
      'an unknown container',
      { loadBalancers: [{ targetGroupArn: TARGET_GROUP, containerName: 'web', containerPort: 5000 }] },
      'InvalidParameterException',
      'The container web does not exist',
    ],
    [
      'an unknown port',
      { loadBalancers: [{ targetGroupArn: TARGET_GROUP, containerName: 'app', containerPort: 81 }] },
      'InvalidParameterException',
      'container port 81',
    ],
    [
      'an unknown target group',
      { loadBalancers: [{ targetGroupArn: `${TARGET_GROUP}0`, containerName: 'app', containerPort: 5000 }] },
      'InvalidParameterException',
      'target group does not exist',
    ],
    [
      'a grace period without load balancer',
      { loadBalancers: [], healthCheckGracePeriodSeconds: 5 },
      'InvalidParameterException',
      'Health check grace period',
    ],
    [
      'percentages that block',
      { deploymentConfiguration: { maximumPercent: 100 } },
      'InvalidParameterException',
      'cannot be 100',
    ],
    ['a negative count', { desiredCount: -1 }, 'InvalidParameterException', 'desiredCount'],
    ['a wrong type', { desiredCount: 'three' }, 'InvalidParameterException', 'desiredCount'],
  ])('refuses %s', async (_name, changes, code, text) => {
    const error = await create(changes).then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    expect(error).toMatchObject({ code, message: expect.stringContaining(text) });
    expect(world.ecs.status()).toEqual([]);
  });

  it('is idempotent by client token only', async () => {
    await create({ clientToken: 't' });
    await expect(create({ clientToken: 't' })).resolves.toMatchObject({ service: { serviceName: 'shop' } });
    await expect(create()).rejects.toMatchObject({ message: 'Creation of service was not idempotent.' });
  });

  it('can take the name of a deleted service', async () => {
    await create();
    await world.until(isSettled);
    await world.call('DeleteService', { cluster: CLUSTER, service: 'shop', force: true });
    await expect(create()).rejects.toMatchObject({ message: expect.stringContaining('still Draining') });
    await world.until((service) => service.status === 'INACTIVE');
    await create();
    await world.until(isSettled);
  });
});

describe('UpdateService', () => {
  it('starts a deployment only for what a revision fixes', async () => {
    await create();
    await world.until(isSettled);
    const update = (changes: object): Promise<{ service: ServiceShape }> =>
      world.call('UpdateService', { cluster: CLUSTER, service: 'shop', ...changes });
    const same = await update({
      desiredCount: 4,
      taskDefinition: definition,
      enableExecuteCommand: false,
      healthCheckGracePeriodSeconds: 9,
      deploymentConfiguration: { maximumPercent: 150 },
    });
    expect(same.service.deployments).toHaveLength(1);
    expect(same.service).toMatchObject({
      desiredCount: 4,
      enableExecuteCommand: false,
      healthCheckGracePeriodSeconds: 9,
      deploymentConfiguration: {
        maximumPercent: 150,
        minimumHealthyPercent: 100,
        deploymentCircuitBreaker: { enable: true },
      },
    });
    const moved = await update({ networkConfiguration: { awsvpcConfiguration: { subnets: ['subnet-a'] } } });
    expect(moved.service.deployments).toHaveLength(2);
  });

  it('knows what is not there or not active', async () => {
    await expect(world.call('UpdateService', { cluster: CLUSTER, service: 'x' })).rejects.toMatchObject({
      code: 'ServiceNotFoundException',
    });
    await create({ desiredCount: 0 });
    await world.call('DeleteService', { cluster: CLUSTER, service: 'shop' });
    await expect(world.call('UpdateService', { cluster: CLUSTER, service: 'shop' })).rejects.toMatchObject({
      code: 'ServiceNotActiveException',
    });
  });
});

describe('reading services', () => {
  it('finds names and ARNs, and reports MISSING', async () => {
    const { service } = await create();
    const answer = await world.call<{ services: unknown[]; failures: unknown[] }>('DescribeServices', {
      cluster: CLUSTER,
      services: ['shop', service.serviceArn, 'gone'],
    });
    expect(answer.services).toHaveLength(2);
    expect(answer.failures).toEqual([
      { arn: `arn:aws:ecs:us-east-1:123456789012:service/${CLUSTER}/gone`, reason: 'MISSING' },
    ]);
    await expect(world.call('DescribeServices', { cluster: 'x', services: ['shop'] })).rejects.toMatchObject({
      code: 'ClusterNotFoundException',
    });
    await expect(world.call('DescribeServices', { cluster: CLUSTER, services: [] })).rejects.toMatchObject({
      message: 'Services cannot be empty.',
    });
  });

  it('lists in pages', async () => {
    for (const serviceName of ['a', 'b', 'c']) await create({ serviceName, desiredCount: 0 });
    const first = await world.call<{ serviceArns: string[]; nextToken?: string }>('ListServices', {
      cluster: CLUSTER,
      maxResults: 2,
    });
    expect(first.serviceArns).toHaveLength(2);
    const second = await world.call<{ serviceArns: string[]; nextToken?: string }>('ListServices', {
      cluster: CLUSTER,
      maxResults: 2,
      nextToken: first.nextToken,
    });
    expect(second.serviceArns.map((arn) => arn.split('/').at(-1))).toEqual(['c']);
    expect(second.nextToken).toBeUndefined();
  });

  it('refuses to delete a service that is scaled above 0', async () => {
    await create();
    await expect(world.call('DeleteService', { cluster: CLUSTER, service: 'shop' })).rejects.toMatchObject({
      message: 'The service cannot be stopped while it is scaled above 0.',
    });
  });
});

describe('service deployments', () => {
  it('are listed by time and status, and revisions tell the images', async () => {
    await create();
    await world.until(isSettled);
    const cut = world.clock.now() / 1_000;
    await world.call('UpdateService', { cluster: CLUSTER, service: 'shop', forceNewDeployment: true });
    const list = (changes = {}): Promise<{ serviceDeployments: { targetServiceRevisionArn: string }[] }> =>
      world.call('ListServiceDeployments', { cluster: CLUSTER, service: 'shop', ...changes });
    expect((await list()).serviceDeployments).toHaveLength(2);
    const recent = (await list({ createdAt: { after: cut } })).serviceDeployments;
    expect(recent).toHaveLength(1);
    expect((await list({ status: ['SUCCESSFUL'] })).serviceDeployments).toHaveLength(1);
    const digits = (await world.service()).deployments[0]?.id.split('/')[1];
    expect(recent[0]?.targetServiceRevisionArn.endsWith(`/${digits}`)).toBe(true);
    await world.until(isSettled);
    const revisions = await world.call<{ serviceRevisions: object[]; failures: object[] }>(
      'DescribeServiceRevisions',
      { serviceRevisionArns: [recent[0]?.targetServiceRevisionArn, 'arn:x'] },
    );
    expect(revisions.serviceRevisions[0]).toMatchObject({
      taskDefinition: definition,
      containerImages: [{ containerName: 'app', imageDigest: expect.stringMatching(/^sha256:/) }],
    });
    expect(revisions.failures).toEqual([{ arn: 'arn:x', reason: 'MISSING' }]);
  });

  it('can be stopped and rolled back', async () => {
    await create();
    await world.until(isSettled);
    const second = world.control.define('shop', 'registry/shop:two');
    await world.call('UpdateService', { cluster: CLUSTER, service: 'shop', taskDefinition: second });
    const [entry] = (
      await world.call<{ serviceDeployments: { serviceDeploymentArn: string }[] }>('ListServiceDeployments', {
        cluster: CLUSTER,
        service: 'shop',
      })
    ).serviceDeployments;
    await world.call('StopServiceDeployment', { serviceDeploymentArn: entry?.serviceDeploymentArn });
    expect((await world.until(isSettled)).taskDefinition).toBe(definition);
  });
});

describe('tasks', () => {
  it('go where the cluster says when the request says nothing, and nowhere when nobody does', async () => {
    const run = async (changes: object) => {
      const asked = { cluster: CLUSTER, taskDefinition: 'shop:1', networkConfiguration: network, count: 3 };
      const { tasks } = await world.call<{ tasks: { capacityProviderName?: string }[] }>('RunTask', {
        ...asked,
        ...changes,
      });
      return tasks.map(({ capacityProviderName }) => capacityProviderName ?? 'none');
    };
    await expect(run({})).rejects.toThrow('No Container Instances were found in your cluster.');
    world.control.defaultStrategy.push(
      { capacityProvider: 'FARGATE', base: 1 },
      { capacityProvider: 'FARGATE_SPOT', weight: 1 },
    );
    expect(await run({})).toEqual(['FARGATE', 'FARGATE_SPOT', 'FARGATE_SPOT']);
    expect(await run({ launchType: 'FARGATE' })).toEqual(['none', 'none', 'none']);
    const strategy = [{ capacityProvider: 'FARGATE', weight: 1 }];
    expect(await run({ capacityProviderStrategy: strategy })).toEqual(['FARGATE', 'FARGATE', 'FARGATE']);
    await expect(run({ capacityProviderStrategy: strategy, launchType: 'FARGATE' })).rejects.toThrow(
      'Specifying both a launch type and capacity provider strategy is not supported.',
    );
  });

  it('run on their own, with overrides, and end with their exit code', async () => {
    const { tasks } = await world.call<{ tasks: { taskArn: string; lastStatus: string }[] }>('RunTask', {
      cluster: CLUSTER,
      taskDefinition: 'shop:1',
      launchType: 'FARGATE',
      networkConfiguration: network,
      startedBy: 'me',
      count: 2,
      overrides: {
        containerOverrides: [{ name: 'app', command: ['migrate'], environment: [{ name: 'X', value: '1' }] }],
      },
    });
    expect(tasks.map((task) => task.lastStatus)).toEqual(['PROVISIONING', 'PROVISIONING']);
    await world.clock.advance(100);
    const process = world.driver.alive()[0];
    expect(process?.spec).toMatchObject({
      command: ['migrate'],
      environment: { X: '1', APP_SECRET: 'hush' },
    });
    process?.exit({ exitCode: 4 });
    await world.clock.advance(100);
    const all = await world.tasks();
    expect(all.find((task) => task.taskArn === process?.spec.taskArn)).toMatchObject({
      lastStatus: 'STOPPED',
      stopCode: 'EssentialContainerExited',
      group: 'family:shop',
      containers: [{ exitCode: 4 }],
    });
    const mine = await world.call<{ taskArns: string[] }>('ListTasks', { cluster: CLUSTER, startedBy: 'me' });
    expect(mine.taskArns).toHaveLength(1);
  });

  it.each([
    [{ family: 'shop' }, 3],
    [{ family: 'other' }, 0],
    [{ serviceName: 'shop' }, 3],
    [{ desiredStatus: 'STOPPED' }, 0],
    [{ launchType: 'FARGATE' }, 3],
    [{ launchType: 'EC2' }, 0],
    [{ containerInstance: 'i' }, 0],
    [{ maxResults: 2 }, 2],
  ])('are listed by %o', async (filter, expected) => {
    await create();
    await world.until(isSettled);
    const answer = await world.call<{ taskArns: string[] }>('ListTasks', { cluster: CLUSTER, ...filter });
    expect(answer.taskArns).toHaveLength(expected);
  });

  it('stop on request, drained, and are replaced', async () => {
    await create();
    await world.until(isSettled);
    const [task] = await world.tasks();
    const answer = await world.call<{ task: object }>('StopTask', {
      cluster: CLUSTER,
      task: task?.taskArn,
      reason: 'maintenance',
    });
    expect(answer.task).toMatchObject({ lastStatus: 'DEACTIVATING', desiredStatus: 'STOPPED' });
    await world.clock.advance(60_000);
    const stopped = (await world.tasks()).find((other) => other.taskArn === task?.taskArn);
    expect(stopped).toMatchObject({ stopCode: 'UserInitiated', stoppedReason: 'maintenance' });
    expect(world.driver.alive()).toHaveLength(3);
    await expect(world.call('StopTask', { cluster: CLUSTER, task: 'x' })).rejects.toMatchObject({
      message: 'The referenced task was not found.',
    });
  });

  it('are forgotten an hour after their end', async () => {
    await create();
    await world.until(isSettled);
    world.driver.alive()[0]?.exit({ exitCode: 1 });
    await world.clock.advance(30_000);
    expect((await world.tasks()).some((task) => task.lastStatus === 'STOPPED')).toBe(true);
    await world.clock.advance(3_600_000);
    expect((await world.tasks()).some((task) => task.lastStatus === 'STOPPED')).toBe(false);
  });

  it('get the tags of their service', async () => {
    await create();
    await world.until(isSettled);
    expect((await world.tasks())[0]?.tags).toEqual([
      { key: 'Environment', value: 'test' },
      { key: 'aws:ecs:clusterName', value: CLUSTER },
      { key: 'aws:ecs:serviceName', value: 'shop' },
    ]);
  });

  it('report those that are missing', async () => {
    const answer = await world.call<{ failures: { reason: string }[] }>('DescribeTasks', {
      cluster: CLUSTER,
      tasks: ['0123'],
    });
    expect(answer.failures).toEqual([
      { arn: `arn:aws:ecs:us-east-1:123456789012:task/${CLUSTER}/0123`, reason: 'MISSING' },
    ]);
  });
});

describe('tags, clusters and what is not ours', () => {
  it('adds, lists and removes tags of a service', async () => {
    const { service } = await create();
    const resourceArn = service.serviceArn;
    await world.call('TagResource', { resourceArn, tags: [{ key: 'Owner', value: 'me' }] });
    await world.call('UntagResource', { resourceArn, tagKeys: ['Environment'] });
    expect(await world.call('ListTagsForResource', { resourceArn })).toEqual({
      tags: [{ key: 'Owner', value: 'me' }],
    });
  });

  it.each(['TagResource', 'ListTagsForResource'])('leaves %s of a cluster to moto', async (action) => {
    const resourceArn = `arn:aws:ecs:us-east-1:123456789012:cluster/${CLUSTER}`;
    expect(await world.call(action, { resourceArn })).toMatchObject({ forwarded: true });
  });

  it.each(['RegisterTaskDefinition', 'CreateCluster', 'PutClusterCapacityProviders'])(
    'leaves %s to moto',
    async (action) => {
      expect(await world.call(action, {})).toMatchObject({ forwarded: true });
    },
  );

  it('counts what runs in a cluster', async () => {
    await create();
    await world.until(isSettled);
    const answer = await world.call<{ clusters: object[] }>('DescribeClusters', { clusters: [CLUSTER] });
    expect(answer.clusters[0]).toMatchObject({
      runningTasksCount: 3,
      pendingTasksCount: 0,
      activeServicesCount: 1,
    });
  });

  it('shows the environment for local status', async () => {
    await create();
    await world.until(isSettled);
    const [environment] = world.ecs.status();
    expect(environment).toMatchObject({
      name: 'test',
      cluster: CLUSTER,
      service: 'shop',
      url: 'http://127.0.0.1:8123',
      desired: 3,
      running: 3,
      pending: 0,
    });
    expect(environment?.tasks[0]).toMatchObject({ lastStatus: 'RUNNING', health: 'healthy' });
    expect(environment?.tasks[0]?.address).toMatch(/^127\.3\.10\d\.\d+:5000$/);
  });
});
