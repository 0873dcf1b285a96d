import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DEREGISTRATION_DELAY_MS } from './test/fake-balancer.ts';
import { CLUSTER, TARGET_GROUP } from './test/fake-control.ts';
import { createWorld, isSettled, serviceInput, type World } from './test/world.ts';

let world: World;
let first: string;

beforeEach(() => {
  world = createWorld();
  first = world.control.define('shop', 'registry/shop:one');
});
afterEach(() => world.ecs.stop());

const messages = async (): Promise<string[]> =>
  (await world.service()).events.map((event) => event.message.replace(/task [0-9a-f]{32}/g, 'task ID'));

async function settledService(changes = {}): Promise<void> {
  await world.call('CreateService', serviceInput(first, changes));
  await world.until(isSettled);
}

describe('a new service', () => {
  it('starts one task in each zone, waits for the load balancer and reports as AWS does', async () => {
    await settledService();
    const tasks = await world.tasks();
    expect(tasks.map((task) => task.lastStatus)).toEqual(['RUNNING', 'RUNNING', 'RUNNING']);
    expect(new Set(tasks.map((task) => task.availabilityZone)).size).toBe(3);
    const service = await world.service();
    const id = service.deployments[0]?.id ?? '';
    expect(service.deployments[0]?.rolloutStateReason).toBe(`ECS deployment ${id} completed.`);
    expect((await messages()).reverse()).toEqual([
      '(service shop) has started 3 tasks: (task ID) (task ID) (task ID).',
      `(service shop) registered 3 targets in (target-group ${TARGET_GROUP})`,
      `(service shop) (deployment ${id}) deployment completed.`,
      '(service shop) has reached a steady state.',
    ]);
  });

  it('[metadata.documents] gives each task what Fargate gives it', async () => {
    await settledService();
    const spec = world.driver.alive()[0]?.spec;
    expect(spec?.environment).toMatchObject({
      PORT: '5000',
      APP_SECRET: 'hush',
      AWS_REGION: 'us-east-1',
      AWS_EXECUTION_ENV: 'AWS_ECS_FARGATE',
      AWS_ENDPOINT_URL: 'http://127.0.0.1:4700',
      ECS_CONTAINER_METADATA_URI_V4: `http://127.0.0.1:4700/v4/${spec?.taskId}`,
      SHUTDOWN_DELAY_MS: '5000',
      HOST: spec?.privateIp.replace(/^10\./, '127.'),
    });
    expect(spec?.secretNames).toEqual(['APP_SECRET']);
    expect(spec?.log).toEqual({ group: '/ecs/shop-test', stream: `ecs/app/${spec?.taskId}` });
    expect(world.control.logStreams).toContain(`ecs/app/${spec?.taskId}`);
    const metadata = world.ecs.metadata(spec?.taskId ?? '', 'task');
    expect(metadata).toMatchObject({
      TaskARN: spec?.taskArn,
      AvailabilityZone: spec?.zone,
      Family: 'shop',
      Revision: '1',
      LaunchType: 'FARGATE',
      Containers: [{ Name: 'app', ImageID: spec?.image.split('@')[1] }],
    });
  });

  it('[rolling.healthy-after-40s] counts as healthy 40 s after RUNNING when it has no load balancer', async () => {
    await world.call('CreateService', serviceInput(first, { loadBalancers: [] }));
    await world.clock.advance(39_000);
    expect((await world.service()).deployments[0]?.rolloutState).toBe('IN_PROGRESS');
    await world.clock.advance(2_000);
    expect(isSettled(await world.service())).toBe(true);
  });
});

describe('a rolling replacement', () => {
  it('[alb.ecs-waits-for-drain] drains each old task before SIGTERM, and ends with the new revision alone', async () => {
    await settledService();
    const second = world.control.define('shop', 'registry/shop:two');
    const drained = new Map<string, number>();
    world.balancer.onDeregister = (id) => drained.set(id, world.clock.now());
    await world.call('UpdateService', { cluster: CLUSTER, service: 'shop', taskDefinition: second });
    const during = await world.service();
    expect(during.deployments.map((d) => [d.status, d.taskDefinition])).toEqual([
      ['PRIMARY', second],
      ['ACTIVE', first],
    ]);
    const ended = new Map<string, number>();
    await world.until((service) => {
      for (const process of world.driver.processes)
        if (!process.alive && !ended.has(process.spec.privateIp))
          ended.set(process.spec.privateIp, world.clock.now());
      return isSettled(service);
    });
    expect(drained.size).toBe(3);
    for (const [ip, at] of drained)
      expect((ended.get(ip) ?? 0) - at).toBeGreaterThanOrEqual(DEREGISTRATION_DELAY_MS);
    expect(
      world.driver.alive().every((process) => process.spec.image.startsWith('registry/shop@sha256:')),
    ).toBe(true);
    const stopped = (await world.tasks()).filter((task) => task.lastStatus === 'STOPPED');
    expect(stopped).toHaveLength(3);
    const primary = (await world.service()).deployments[0]?.id;
    expect(stopped[0]).toMatchObject({
      stopCode: 'ServiceSchedulerInitiated',
      stoppedReason: `Scaling activity initiated by (deployment ${primary})`,
      containers: [{ exitCode: 0 }],
    });
    expect(await messages()).toEqual(
      expect.arrayContaining([
        '(service shop) has begun draining connections on 3 tasks.',
        `(service shop) deregistered 3 targets in (target-group ${TARGET_GROUP})`,
        '(service shop) has stopped 3 running tasks: (task ID) (task ID) (task ID).',
      ]),
    );
  });

  it('[breaker.tags-resolved-to-digests] pins a tag to the digest of the first pull', async () => {
    await settledService();
    world.driver.alive()[0]?.exit({ exitCode: 1 });
    await world.clock.advance(1_000);
    expect(world.driver.pulled.at(-1)).toMatch(/^registry\/shop@sha256:/);
  });

  it('starts over with forceNewDeployment', async () => {
    await settledService();
    await world.call('UpdateService', { cluster: CLUSTER, service: 'shop', forceNewDeployment: true });
    expect((await world.service()).deployments).toHaveLength(2);
    await world.until(isSettled);
    expect(world.driver.processes).toHaveLength(6);
  });
});

describe('a release that does not start', () => {
  it('[breaker.rollback-to-last-completed] trips the breaker after 3 failures, rolls back and says so', async () => {
    await settledService();
    const digest = `sha256:${'b'.repeat(64)}`;
    world.driver.behave = (image) =>
      image.endsWith(digest) ? { kind: 'crash', exitCode: 1 } : { kind: 'serve' };
    const bad = world.control.define('shop', `registry/shop@${digest}`);
    await world.call('UpdateService', { cluster: CLUSTER, service: 'shop', taskDefinition: bad });
    const settled = await world.until(isSettled);
    expect(settled.taskDefinition).toBe(first);
    const [entry] = (
      await world.call<{ serviceDeployments: { status: string; serviceDeploymentArn: string }[] }>(
        'ListServiceDeployments',
        { cluster: CLUSTER, service: 'shop' },
      )
    ).serviceDeployments;
    expect(entry?.status).toBe('ROLLBACK_SUCCESSFUL');
    const described = await world.call<{ serviceDeployments: Record<string, unknown>[] }>(
      'DescribeServiceDeployments',
      { serviceDeploymentArns: [entry?.serviceDeploymentArn] },
    );
    expect(described.serviceDeployments[0]).toMatchObject({
      deploymentCircuitBreaker: { status: 'TRIGGERED', failureCount: 3, threshold: 3 },
      rollback: { reason: expect.stringContaining('circuit breaker') },
    });
    const failed = (await world.tasks()).filter((task) => task.taskDefinitionArn === bad);
    expect(failed.length).toBeGreaterThanOrEqual(3);
    expect(failed[0]).toMatchObject({
      stopCode: 'EssentialContainerExited',
      stoppedReason: 'Essential container in task exited',
      containers: [{ exitCode: 1 }],
    });
    const said = await messages();
    expect(said.some((m) => /deployment failed: tasks failed to start\.$/.test(m))).toBe(true);
    expect(said.some((m) => /rolling back to deployment ecs-svc\/\d+\.$/.test(m))).toBe(true);
  });

  it('[breaker.stage-2-load-balancer] trips the breaker when targets never become healthy', async () => {
    await settledService({ desiredCount: 1 });
    const digest = `sha256:${'c'.repeat(64)}`;
    world.driver.behave = (image) => (image.endsWith(digest) ? { kind: 'sick' } : { kind: 'serve' });
    const bad = world.control.define('shop', `registry/shop@${digest}`);
    await world.call('UpdateService', { cluster: CLUSTER, service: 'shop', taskDefinition: bad });
    const settled = await world.until(isSettled);
    expect(settled.taskDefinition).toBe(first);
    const failed = (await world.tasks()).filter((task) => task.taskDefinitionArn === bad);
    expect(failed.map((task) => task.stoppedReason)).toContain(
      `Task failed ELB health checks in (target-group ${TARGET_GROUP})`,
    );
    expect((await messages()).some((m) => m.includes('is unhealthy in (target-group'))).toBe(true);
  });

  it('[breaker.stalls-without-completed] stalls as FAILED when no deployment ever completed', async () => {
    world.driver.behave = () => ({ kind: 'no-image' });
    await world.call('CreateService', serviceInput(first));
    const failed = await world.until((service) => service.deployments[0]?.rolloutState === 'FAILED');
    expect(failed.deployments[0]?.rolloutStateReason).toBe(
      'ECS deployment circuit breaker: tasks failed to start.',
    );
    const attempts = world.driver.pulled.length;
    await world.clock.advance(60_000);
    expect(world.driver.pulled.length).toBe(attempts);
    expect((await world.tasks())[0]).toMatchObject({
      stopCode: 'TaskFailedToStart',
      stoppedReason: expect.stringMatching(/^CannotPullContainerError: /),
    });
  });

  it('names a missing secret and a missing log group', async () => {
    world.control.parameters.clear();
    await world.call('CreateService', serviceInput(first));
    await world.until((service) => service.deployments[0]?.rolloutState === 'FAILED');
    const [task] = await world.tasks();
    expect(task?.stoppedReason).toContain('ResourceInitializationError: unable to pull secrets');
    expect(task?.stoppedReason).toContain('/shop/test/app-secret');
    expect(task?.stoppedReason).not.toContain('hush');
    world.control.parameters.set('/shop/test/app-secret', 'hush');
    world.control.logGroups.clear();
    await world.call('UpdateService', { cluster: CLUSTER, service: 'shop', forceNewDeployment: true });
    await world.until((service) => service.deployments[0]?.rolloutState === 'FAILED');
    const reasons = (await world.tasks()).map((other) => other.stoppedReason);
    expect(reasons.some((reason) => reason?.includes('The specified log group does not exist'))).toBe(true);
  });

  it('keeps trying ever more slowly without the breaker', async () => {
    world.driver.behave = () => ({ kind: 'crash', exitCode: 7 });
    await world.call('CreateService', serviceInput(first, { desiredCount: 1, deploymentConfiguration: {} }));
    await world.clock.advance(60_000);
    const early = world.driver.processes.length;
    expect(early).toBeGreaterThan(3);
    expect(early).toBeLessThan(12);
    expect(await messages()).toContain('(service shop) is unable to consistently start tasks successfully.');
    world.driver.behave = () => ({ kind: 'serve' });
    await world.until(isSettled);
  });
});

describe('a settled service', () => {
  it('replaces a task that exits', async () => {
    await settledService();
    world.driver.alive()[0]?.exit({ exitCode: 137, reason: 'OutOfMemoryError: killed' });
    await world.clock.advance(500);
    const stopped = (await world.tasks()).find((task) => task.lastStatus === 'STOPPED');
    expect(stopped).toMatchObject({ containers: [{ exitCode: 137, reason: 'OutOfMemoryError: killed' }] });
    await world.until(isSettled);
    await world.until(() => world.driver.alive().length === 3);
  });

  it('replaces an unhealthy task before it stops it', async () => {
    await settledService();
    const victim = world.driver.alive()[0];
    const answers = world.balancer.answers;
    world.balancer.answers = (target) => target.id !== victim?.spec.privateIp && answers(target);
    await world.clock.advance(1_000);
    expect(world.driver.alive()).toHaveLength(4);
    await world.until(() => victim?.alive === false);
    const gone = (await world.tasks()).find((task) => task.taskArn === victim?.spec.taskArn);
    expect(gone?.stoppedReason).toMatch(/^Task failed ELB health checks/);
  });

  it('scales out and in, and keeps the zones even', async () => {
    await settledService();
    world.ecs.setDesiredCount(`service/${CLUSTER}/shop`, 7, 'test');
    await world.until((service) => isSettled(service) && service.runningCount === 7);
    world.ecs.setDesiredCount(`service/${CLUSTER}/shop`, 2, 'test');
    await world.until((service) => isSettled(service) && service.runningCount === 2);
    await world.until(() => world.driver.alive().length === 2);
    expect(new Set(world.driver.alive().map((process) => process.spec.zone)).size).toBe(2);
    await world.clock.advance(500);
    expect((await messages())[0]).toBe('(service shop) has reached a steady state.');
  });

  it('evens the zones out after a loss', async () => {
    await settledService({ desiredCount: 6 });
    for (const process of world.driver.alive())
      if (process.spec.zone === 'us-east-1a') process.exit({ exitCode: 1 });
    await world.until(isSettled);
    await world.clock.advance(120_000);
    const zones = (await world.tasks())
      .filter((task) => task.lastStatus === 'RUNNING')
      .map((task) => task.availabilityZone);
    expect(['a', 'b', 'c'].map((z) => zones.filter((zone) => zone === `us-east-1${z}`).length)).toEqual([
      2, 2, 2,
    ]);
  });

  it('is INACTIVE once its last task has stopped, and frees the cluster', async () => {
    await settledService();
    await expect(world.call('DeleteCluster', { cluster: CLUSTER })).rejects.toMatchObject({
      code: 'ClusterContainsServicesException',
    });
    await world.call('DeleteService', { cluster: CLUSTER, service: 'shop', force: true });
    expect((await world.service()).status).toBe('DRAINING');
    await world.until((service) => service.status === 'INACTIVE');
    expect(world.driver.alive()).toHaveLength(0);
    await expect(world.call('DeleteCluster', { cluster: CLUSTER })).resolves.toMatchObject({
      forwarded: true,
    });
  });

  it('stops everything on shutdown', async () => {
    await settledService();
    await world.ecs.stop();
    expect(world.driver.alive()).toHaveLength(0);
  });
});

describe('alarms', () => {
  it('[breaker.alarm-rollback] roll a deployment back when they ring during it', async () => {
    await settledService({
      deploymentConfiguration: { alarms: { alarmNames: ['errors'], enable: true, rollback: true } },
    });
    const second = world.control.define('shop', 'registry/shop:two');
    await world.call('UpdateService', { cluster: CLUSTER, service: 'shop', taskDefinition: second });
    await world.clock.advance(1_000);
    world.control.ringing.add('errors');
    const settled = await world.until((s) => isSettled(s) && s.taskDefinition === first);
    expect(settled.events.some((event) => event.message.includes('alarm(s) detected'))).toBe(true);
  });

  it('[breaker.alarm-ringing-at-start] are ignored when they rang before the deployment', async () => {
    world.control.ringing.add('errors');
    await settledService({
      deploymentConfiguration: { alarms: { alarmNames: ['errors'], enable: true, rollback: true } },
    });
    expect((await world.service()).deployments[0]?.rolloutState).toBe('COMPLETED');
  });
});
