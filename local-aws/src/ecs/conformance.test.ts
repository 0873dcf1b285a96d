/**
 * AWS's rules that no other test names, one test each; the id in brackets is how the conformance table finds it.
 */
import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CLUSTER } from './test/fake-control.ts';
import { createWorld, isSettled, type ServiceShape, serviceInput, type World } from './test/world.ts';

let world: World;
let first: string;
const bad = `sha256:${'b'.repeat(64)}`;

beforeEach(() => {
  world = createWorld();
  first = world.control.define('shop', 'registry/shop:one');
});
afterEach(async () => {
  const stopping = world.ecs.stop();
  // A drain that is still waited for needs time to go on.
  await world.clock.advance(60_000);
  await stopping;
});

const create = (changes = {}): Promise<{ service: ServiceShape }> =>
  world.call('CreateService', serviceInput(first, changes));
const update = (changes: object): Promise<{ service: ServiceShape }> =>
  world.call('UpdateService', { cluster: CLUSTER, service: 'shop', ...changes });
const messages = async (): Promise<string[]> =>
  (await world.service()).events.map((event) => event.message.replace(/task [0-9a-f]{32}/g, 'task ID'));

async function settledService(changes = {}): Promise<void> {
  await create(changes);
  await world.until(isSettled);
}

const healthyTargets = (): number =>
  [...world.balancer.targetGroups.keys()]
    .flatMap((arn) => world.balancer.health(arn))
    .filter(({ state }) => state === 'healthy').length;

describe('rolling deployments', () => {
  it('[rolling.percent-defaults] are 200 and 100', async () => {
    expect(
      (await create({ deploymentConfiguration: undefined })).service.deploymentConfiguration,
    ).toMatchObject({
      maximumPercent: 200,
      minimumHealthyPercent: 100,
    });
  });

  it('[rolling.maximum-counts-running-and-pending] at any moment of a rollout', async () => {
    await settledService({ desiredCount: 3, deploymentConfiguration: { maximumPercent: 150 } });
    await update({ taskDefinition: world.control.define('shop', 'registry/shop:two') });
    let most = 0;
    await world.until((service) => {
      most = Math.max(most, service.runningCount + service.pendingCount);
      return isSettled(service);
    });
    expect(most).toBe(4);
  });

  it('[rolling.minimum-counts-healthy-running] tasks that only run do not count', async () => {
    await settledService({
      desiredCount: 4,
      deploymentConfiguration: { maximumPercent: 100, minimumHealthyPercent: 50 },
    });
    await update({ taskDefinition: world.control.define('shop', 'registry/shop:two') });
    let least = 4;
    await world.until((service) => {
      least = Math.min(least, healthyTargets());
      return isSettled(service);
    });
    expect(least).toBe(2);
  });

  it('[rolling.grace-period-default] is 0, and a longer one keeps failing tasks that long', async () => {
    expect((await create({ healthCheckGracePeriodSeconds: undefined })).service).toMatchObject({
      healthCheckGracePeriodSeconds: 0,
    });
    await world.until(isSettled);
    await update({ healthCheckGracePeriodSeconds: 60 });
    world.driver.behave = (image) => (image.endsWith(bad) ? { kind: 'sick' } : { kind: 'serve' });
    await update({ taskDefinition: world.control.define('shop', `registry/shop@${bad}`) });
    await world.clock.advance(59_000);
    expect((await world.service()).deployments[0]).toMatchObject({ runningCount: 3, failedTasks: 0 });
    await world.until(isSettled);
    expect((await world.service()).taskDefinition).toBe(first);
  });

  it('[rolling.deployments-list] PRIMARY and ACTIVE while tasks are left, and gone as INACTIVE after', async () => {
    await settledService();
    const second = world.control.define('shop', 'registry/shop:two');
    const { service } = await update({ taskDefinition: second });
    expect(service.deployments.map((d) => [d.status, d.taskDefinition])).toEqual([
      ['PRIMARY', second],
      ['ACTIVE', first],
    ]);
    const after = await world.until(isSettled);
    expect(after.deployments.map((d) => [d.status, d.taskDefinition])).toEqual([['PRIMARY', second]]);
    const known = JSON.stringify(world.ecs.snapshot());
    expect(known).toContain('"status":"INACTIVE"');
  });

  it('[rolling.rollout-states] IN_PROGRESS, COMPLETED and FAILED, each with its reason', async () => {
    const { service } = await create({
      deploymentConfiguration: { deploymentCircuitBreaker: { enable: true } },
    });
    const id = service.deployments[0]?.id;
    expect(service.deployments[0]).toMatchObject({
      rolloutState: 'IN_PROGRESS',
      rolloutStateReason: `ECS deployment ${id} in progress.`,
    });
    const settled = await world.until(isSettled);
    expect(settled.deployments[0]?.rolloutStateReason).toBe(`ECS deployment ${id} completed.`);
    world.driver.behave = () => ({ kind: 'no-image' });
    await update({ forceNewDeployment: true });
    const failed = await world.until((seen) => seen.deployments[0]?.rolloutState === 'FAILED');
    expect(failed.deployments[0]?.rolloutStateReason).toBe(
      'ECS deployment circuit breaker: tasks failed to start.',
    );
  });

  it('[rolling.events-newest-first] and never more than 100', async () => {
    await settledService({ desiredCount: 1 });
    for (let round = 0; round < 40; round++) {
      world.ecs.setDesiredCount(`service/${CLUSTER}/shop`, 1 + ((round + 1) % 2), 'test');
      await world.until(isSettled);
      await world.clock.advance(1_000);
    }
    const events = (await world.service()).events as readonly { createdAt: number; message: string }[];
    expect(events).toHaveLength(100);
    const times = events.map(({ createdAt }) => createdAt);
    expect(times).toEqual([...times].sort((a, b) => b - a));
  });

  it('says what replaced unhealthy tasks, and what never ran', async () => {
    await settledService();
    const victim = world.driver.alive()[0];
    const { answers } = world.balancer;
    world.balancer.answers = (target) => target.id !== victim?.spec.privateIp && answers(target);
    await world.clock.advance(1_000);
    expect(await messages()).toContain(
      '(service shop) has started 1 tasks: (task ID). Amazon ECS replaced 1 tasks due to an unhealthy status.',
    );
    await world.until(() => victim?.alive === false);
    world.driver.startsWithinMs = () => 5_000;
    world.ecs.setDesiredCount(`service/${CLUSTER}/shop`, 6, 'test');
    await world.clock.advance(1_000);
    world.ecs.setDesiredCount(`service/${CLUSTER}/shop`, 3, 'test');
    await world.clock.advance(1_000);
    expect(await messages()).toContain('(service shop) stopped 3 pending tasks.');
    await world.clock.advance(60_000);
  });
});

describe('the circuit breaker', () => {
  const release = (digest: string): string => world.control.define('shop', `registry/shop@${digest}`);

  it('[breaker.stage-1-never-running] counts tasks that never reach RUNNING', async () => {
    await settledService();
    world.driver.behave = (image) => (image.endsWith(bad) ? { kind: 'no-image' } : { kind: 'serve' });
    await update({ taskDefinition: release(bad) });
    await world.until((service) => isSettled(service) && service.taskDefinition === first);
    const failed = (await world.tasks()).filter((task) => task.stopCode === 'TaskFailedToStart');
    expect(failed.length).toBeGreaterThanOrEqual(3);
  });

  it('[breaker.stage-2-container-health] counts tasks that fail the health check of their definition', async () => {
    const healthCheck = {
      command: ['CMD-SHELL', "curl -f 'http://localhost' || exit 1"],
      interval: 10,
      retries: 2,
    };
    const checked = world.control.define('shop', 'registry/shop:one', { healthCheck });
    const commands: string[] = [];
    let exitCode = 0;
    world.driver.execute = (command) => {
      commands.push(command);
      return {
        stdin: new PassThrough(),
        stdout: new PassThrough(),
        stderr: undefined,
        exited: Promise.resolve({ exitCode, signal: undefined, reason: undefined }),
        kill: () => undefined,
      };
    };
    await world.call('CreateService', serviceInput(checked, { loadBalancers: [] }));
    await world.clock.advance(9_000);
    expect((await world.service()).deployments[0]?.rolloutState).toBe('IN_PROGRESS');
    await world.clock.advance(2_000);
    expect((await world.service()).deployments[0]?.rolloutState).toBe('COMPLETED');
    expect(commands[0]).toBe(`/bin/sh -c 'curl -f '\\''http://localhost'\\'' || exit 1'`);
    expect((await world.tasks())[0]).toMatchObject({ healthStatus: 'HEALTHY' });
    exitCode = 1;
    const second = world.control.define('shop', 'registry/shop:two', { healthCheck });
    await update({ taskDefinition: second });
    await world.until((service) => service.events.some(({ message }) => message.includes('rolling back')));
    const failed = (await world.tasks()).filter((task) => task.taskDefinitionArn === second);
    expect(failed.map((task) => task.stoppedReason)).toContain('Task failed container health checks');
    expect(await messages()).toContain('(service shop) (task ID) failed container health checks.');
    exitCode = 0;
    await world.until(isSettled);
  });

  it('[breaker.latest-desired-count] sets the threshold, also while the deployment runs', async () => {
    await settledService({ desiredCount: 1 });
    world.driver.behave = (image) =>
      image.endsWith(bad) ? { kind: 'crash', exitCode: 1 } : { kind: 'serve' };
    await update({ taskDefinition: release(bad), desiredCount: 10 });
    const failed = await world.until((service) =>
      service.events.some(({ message }) => message.includes('deployment failed')),
    );
    expect(failed.taskDefinition).toBe(first);
    const { serviceDeployments } = await world.call<{
      serviceDeployments: { serviceDeploymentArn: string }[];
    }>('ListServiceDeployments', { cluster: CLUSTER, service: 'shop' });
    const described = await world.call<{ serviceDeployments: object[] }>('DescribeServiceDeployments', {
      serviceDeploymentArns: [serviceDeployments[0]?.serviceDeploymentArn],
    });
    expect(described.serviceDeployments[0]).toMatchObject({ deploymentCircuitBreaker: { threshold: 5 } });
    await world.until(isSettled);
  });

  it('[breaker.consecutive] [breaker.healthy-resets] one healthy task starts the count anew', async () => {
    await settledService({ desiredCount: 1 });
    let attempt = 0;
    world.driver.behave = () => {
      attempt += 1;
      return { kind: 'serve' };
    };
    const second = release(bad);
    await update({ taskDefinition: second, desiredCount: 2 });
    let failures = 0;
    let highest = 0;
    // Each newcomer of two fails in turn, and between two failures one becomes healthy.
    await world.until((service) => {
      const [primary] = service.deployments;
      highest = Math.max(highest, primary?.failedTasks ?? 0);
      const newcomers = world.driver.alive().filter((process) => process.spec.image.endsWith(bad));
      const healthy = healthyTargets();
      if (failures < 6 && newcomers.length === 2 && healthy > 1) {
        newcomers[1]?.exit({ exitCode: 1 });
        failures += 1;
      }
      return failures >= 6 && isSettled(service);
    });
    expect(attempt).toBeGreaterThan(6);
    expect((await world.service()).taskDefinition).toBe(second);
    expect(highest).toBeLessThan(3);
  });

  it('[breaker.green-after-rollback] the service looks well, with another revision than the one asked for', async () => {
    await settledService();
    world.driver.behave = (image) =>
      image.endsWith(bad) ? { kind: 'crash', exitCode: 1 } : { kind: 'serve' };
    const wanted = release(bad);
    await update({ taskDefinition: wanted });
    const service = await world.until(isSettled);
    expect(service.deployments).toMatchObject([
      { status: 'PRIMARY', rolloutState: 'COMPLETED', taskDefinition: first },
    ]);
    expect(service).toMatchObject({ taskDefinition: first, runningCount: 3, desiredCount: 3 });
    expect(service.taskDefinition).not.toBe(wanted);
  });
});

describe('zones', () => {
  it('[spread.update-keeps-rebalancing] unless it says otherwise', async () => {
    await create({ availabilityZoneRebalancing: 'DISABLED' });
    expect((await update({ desiredCount: 2 })).service.availabilityZoneRebalancing).toBe('DISABLED');
    expect(
      (await update({ availabilityZoneRebalancing: 'ENABLED' })).service.availabilityZoneRebalancing,
    ).toBe('ENABLED');
    await world.until(isSettled);
  });

  it("[spread.rebalancing-events] begin, tasks and end, in AWS's words and order", async () => {
    await settledService();
    for (const zone of ['b', 'c']) world.ecs.zones.down(`us-east-1${zone}`);
    await world.until(() => world.driver.alive().every(({ spec }) => spec.zone === 'us-east-1a'));
    await world.until(isSettled);
    await world.clock.advance(120_000);
    const before = (await messages()).length;
    for (const zone of ['b', 'c']) world.ecs.zones.up(`us-east-1${zone}`);
    await world.clock.advance(180_000);
    const all = await messages();
    const said = all
      .slice(0, all.length - before)
      .reverse()
      .filter((message) => /AZ/.test(message));
    expect(said).toEqual([
      '(service shop) is not AZ balanced with 3 tasks in us-east-1a, 0 tasks in us-east-1b, 0 tasks in us-east-1c. AZ Rebalancing in progress.',
      '(service shop) has started 1 tasks in us-east-1b to AZ Rebalance: (task ID).',
      '(service shop) has stopped 1 running tasks in us-east-1a due to AZ rebalancing: (task ID).',
      '(service shop) has started 1 tasks in us-east-1c to AZ Rebalance: (task ID).',
      '(service shop) has stopped 1 running tasks in us-east-1a due to AZ rebalancing: (task ID).',
      '(service shop) is AZ balanced with 1 tasks in us-east-1a, 1 tasks in us-east-1b, 1 tasks in us-east-1c.',
    ]);
  });
});

describe('tasks', () => {
  it.each([
    [undefined, 30],
    [45, 45],
    [600, 120],
  ])(
    '[alb.stop-timeout] SIGKILL follows SIGTERM: stopTimeout %s means %i s',
    async (stopTimeout, expected) => {
      const definition = world.control.define('shop', 'registry/shop:one', { stopTimeout });
      await world.call('CreateService', serviceInput(definition));
      await world.until(isSettled);
      expect(world.driver.alive()[0]?.spec.stopTimeoutSeconds).toBe(expected);
    },
  );

  it('[ssm.values-at-start-only] a new secret value needs a new deployment', async () => {
    await settledService({ desiredCount: 1 });
    world.control.parameters.set('/shop/test/app-secret', 'changed');
    await world.clock.advance(60_000);
    const secrets = (): (string | undefined)[] =>
      world.driver.alive().map((process) => process.spec.environment.APP_SECRET);
    expect(secrets()).toEqual(['hush']);
    await update({ forceNewDeployment: true });
    await world.until(isSettled);
    expect(secrets()).toEqual(['changed']);
  });

  it('[metadata.uri-in-container] every container has ECS_CONTAINER_METADATA_URI_V4', async () => {
    await settledService();
    for (const { spec } of world.driver.alive())
      expect(spec.environment.ECS_CONTAINER_METADATA_URI_V4).toBe(`http://127.0.0.1:4700/v4/${spec.taskId}`);
  });
});
