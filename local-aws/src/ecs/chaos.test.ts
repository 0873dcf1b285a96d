import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { placementText } from './placement.ts';
import { CLUSTER, TARGET_GROUP } from './test/fake-control.ts';
import { createWorld, isSettled, serviceInput, type World } from './test/world.ts';

const ZONE = 'us-east-1b';

let world: World;
let first: string;

beforeEach(() => {
  world = createWorld();
  first = world.control.define('shop', 'registry/shop:one');
});
afterEach(() => world.ecs.stop());

async function settledService(changes = {}): Promise<void> {
  await world.call('CreateService', serviceInput(first, changes));
  await world.until(isSettled);
}

const runningByZone = async (): Promise<Record<string, number>> => {
  const counts: Record<string, number> = {};
  for (const task of await world.tasks())
    if (task.lastStatus === 'RUNNING')
      counts[task.availabilityZone] = (counts[task.availabilityZone] ?? 0) + 1;
  return counts;
};

describe('a zone that is down', () => {
  it('freezes its tasks, loses them to the health checks, and gets none until it is up again', async () => {
    await settledService();
    const hit = world.ecs.zones.down(ZONE);
    expect(hit).toHaveLength(1);
    expect(world.ecs.zones.list()).toEqual([ZONE]);
    expect(world.driver.alive().filter((process) => process.frozen)).toHaveLength(1);
    await world.until((service) => service.runningCount === 4);
    await world.until(isSettled);
    await world.until(() => world.driver.alive().length === 3);
    expect(await runningByZone()).toEqual({ 'us-east-1a': 2, 'us-east-1c': 1 });
    const lost = (await world.tasks()).find((task) => hit.includes(task.taskArn.split('/').at(-1) ?? ''));
    expect(lost).toMatchObject({
      stopCode: 'ServiceSchedulerInitiated',
      stoppedReason: `Task failed ELB health checks in (target-group ${TARGET_GROUP})`,
      containers: [{ exitCode: 137 }],
    });
    world.ecs.zones.up(ZONE);
    await world.clock.advance(120_000);
    expect(await runningByZone()).toEqual({ 'us-east-1a': 1, 'us-east-1b': 1, 'us-east-1c': 1 });
  });

  it('ends tasks that no load balancer looks at, in the words of lost infrastructure', async () => {
    await settledService({ loadBalancers: [] });
    world.ecs.zones.down(ZONE);
    await world.clock.advance(110_000);
    expect((await runningByZone())[ZONE]).toBe(1);
    await world.clock.advance(100_000);
    expect(await runningByZone()).toEqual({ 'us-east-1a': 2, 'us-east-1c': 1 });
    expect((await world.tasks()).find((task) => task.lastStatus === 'STOPPED')?.stoppedReason).toBe(
      'Service shop: ECS is performing maintenance on the underlying infrastructure hosting the task.',
    );
  });

  it('lets tasks go on that were not replaced yet', async () => {
    await settledService({ loadBalancers: [] });
    world.ecs.zones.down(ZONE);
    await world.clock.advance(250);
    world.ecs.zones.up(ZONE);
    expect(world.driver.alive().some((process) => process.frozen)).toBe(false);
    await world.until(isSettled);
    expect(world.ecs.zones.up(ZONE)).toEqual([]);
  });

  it('leaves nothing to place in when every zone is down', async () => {
    for (const zone of ['a', 'b', 'c']) world.ecs.zones.down(`us-east-1${zone}`);
    await world.call('CreateService', serviceInput(first, { deploymentConfiguration: {} }));
    await world.clock.advance(1_000);
    expect(await world.tasks()).toEqual([]);
    expect((await world.service()).events[0]?.message).toContain(placementText.capacity);
    const started = await world.call<{ tasks: unknown[]; failures: unknown[] }>('RunTask', {
      cluster: CLUSTER,
      ...{ taskDefinition: first, launchType: 'FARGATE' },
      networkConfiguration: { awsvpcConfiguration: { subnets: ['subnet-a'] } },
    });
    expect(started).toEqual({ tasks: [], failures: [{ reason: placementText.capacity }] });
    for (const zone of ['a', 'b', 'c']) world.ecs.zones.up(`us-east-1${zone}`);
    await world.until(isSettled);
  });

  it.each(['', 'b', 'eu-west-1a', 'us-east-1', 'us-east-1aa', 7 as never, undefined as never])(
    'is refused when it is no zone: %j',
    (zone) => {
      expect(() => world.ecs.zones.down(zone)).toThrow(/Invalid availability zone/);
      expect(() => world.ecs.zones.up(zone)).toThrow(/us-east-1a/);
    },
  );
});

describe('a Spot interruption', () => {
  const spot = { capacityProviderStrategy: [{ capacityProvider: 'FARGATE_SPOT', weight: 1 }] };

  it('sends SIGTERM at once, takes the target out and starts a replacement', async () => {
    await settledService(spot);
    const [process] = world.driver.alive();
    const id = process?.spec.taskId ?? '';
    expect(world.ecs.interruptSpot({ task: id.slice(0, 8) })).toEqual([id]);
    expect(
      world.balancer.health(TARGET_GROUP).find((entry) => entry.target.id === process?.spec.privateIp)?.state,
    ).toBe('draining');
    await world.clock.advance(1_000);
    expect(process?.alive).toBe(false);
    expect((await world.tasks()).find((task) => task.taskArn === process?.spec.taskArn)).toMatchObject({
      stopCode: 'SpotInterruption',
      stoppedReason: 'Your Spot Task was interrupted.',
      lastStatus: 'STOPPED',
    });
    await world.until(isSettled);
    expect((await world.service()).deployments[0]).toMatchObject({
      rolloutState: 'COMPLETED',
      failedTasks: 0,
    });
  });

  it('takes all Spot tasks of a service, and no others', async () => {
    await settledService({
      desiredCount: 4,
      capacityProviderStrategy: [
        { capacityProvider: 'FARGATE', base: 1, weight: 0 },
        { capacityProvider: 'FARGATE_SPOT', weight: 1 },
      ],
    });
    expect(world.ecs.interruptSpot({ cluster: CLUSTER, service: 'shop' })).toHaveLength(3);
    expect(world.ecs.interruptSpot({ cluster: CLUSTER, service: 'shop' })).toEqual([]);
    await world.until(isSettled);
  });

  it('names what it can not interrupt', async () => {
    await settledService();
    const id = world.driver.alive()[0]?.spec.taskId ?? '';
    expect(() => world.ecs.interruptSpot({ task: id })).toThrow(/runs on FARGATE; only FARGATE_SPOT/);
    expect(() => world.ecs.interruptSpot({ task: 'f'.repeat(32) })).toThrow('not found');
    expect(() => world.ecs.interruptSpot({ cluster: CLUSTER, service: 'none' })).toThrow('Service not found');
  });
});

describe('findTask', () => {
  it('takes id, ARN and beginnings, and says when several match', async () => {
    await settledService({ desiredCount: 40, deploymentConfiguration: { maximumPercent: 200 } });
    const { taskId = '', taskArn = '' } = world.driver.alive()[0]?.spec ?? {};
    expect(world.ecs.findTask(taskId)?.record.id).toBe(taskId);
    expect(world.ecs.findTask(taskArn)?.running?.port).toBe(5_000);
    expect(world.ecs.findTask('')).toBeUndefined();
    expect(world.ecs.findTask('nothing')).toBeUndefined();
    const ids = world.driver.alive().map((process) => process.spec.taskId);
    const digit = [...'0123456789abcdef'].find((d) => ids.filter((id) => id.startsWith(d)).length > 1) ?? '';
    expect(() => world.ecs.findTask(digit)).toThrow(/tasks begin with/);
  });
});
