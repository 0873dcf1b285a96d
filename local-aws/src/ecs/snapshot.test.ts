import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CLUSTER } from './test/fake-control.ts';
import { createWorld, isSettled, serviceInput, type World } from './test/world.ts';

let worlds: World[];
beforeEach(() => {
  worlds = [];
});
afterEach(async () => {
  for (const world of worlds) await world.ecs.stop();
});

function newWorld(): { readonly world: World; readonly first: string } {
  const world = createWorld();
  worlds.push(world);
  return { world, first: world.control.define('shop', 'registry/shop:one') };
}

describe('snapshot and restore', () => {
  it('starts the services again with what they ran, and keeps COMPLETED deployments', async () => {
    const { world, first } = newWorld();
    await world.call('CreateService', serviceInput(first));
    await world.until(isSettled);
    world.driver.alive()[0]?.exit({ exitCode: 3 });
    await world.clock.advance(1_000);
    await world.until(isSettled);
    await world.call('TagResource', {
      resourceArn: (await world.service()).serviceArn,
      tags: [{ key: 'Later', value: 'yes' }],
    });
    const before = await world.service();
    const snapshot = JSON.parse(JSON.stringify(world.ecs.snapshot()));

    const second = newWorld().world;
    second.ecs.restore(snapshot);
    const restored = await second.service();
    expect(restored).toMatchObject({
      serviceArn: before.serviceArn,
      tags: before.tags,
      events: before.events,
      taskDefinition: first,
      runningCount: 0,
      deployments: [{ id: before.deployments[0]?.id, rolloutState: 'COMPLETED', status: 'PRIMARY' }],
    });
    const reasons = (await second.tasks()).map((task) => task.stoppedReason).sort();
    expect(reasons).toEqual([
      'Essential container in task exited',
      ...Array(3).fill(
        'Service shop: ECS is performing maintenance on the underlying infrastructure hosting the task.',
      ),
    ]);
    const after = await second.until((service) => isSettled(service) && service.runningCount === 3);
    expect(after.deployments[0]?.id).toBe(before.deployments[0]?.id);
    expect(second.driver.alive().every((process) => process.spec.image.includes('@sha256:'))).toBe(true);
    const listed = await second.call<{ serviceDeployments: { status: string }[] }>('ListServiceDeployments', {
      cluster: CLUSTER,
      service: 'shop',
    });
    expect(listed.serviceDeployments).toMatchObject([{ status: 'SUCCESSFUL' }]);
    expect(JSON.stringify(second.ecs.snapshot())).toContain('loadbalancer/app/shop');
  });

  it('goes on with a deployment that was in progress, and can roll back to the completed one', async () => {
    const { world, first } = newWorld();
    await world.call('CreateService', serviceInput(first));
    await world.until(isSettled);
    const digest = `sha256:${'b'.repeat(64)}`;
    const bad = world.control.define('shop', `registry/shop@${digest}`);
    await world.call('UpdateService', { cluster: CLUSTER, service: 'shop', taskDefinition: bad });
    await world.clock.advance(300);
    const snapshot = JSON.parse(JSON.stringify(world.ecs.snapshot()));

    const { world: second } = newWorld();
    second.control.define('shop', `registry/shop@${digest}`);
    second.driver.behave = (image) => (image.endsWith(digest) ? { kind: 'no-image' } : { kind: 'serve' });
    second.ecs.restore(snapshot);
    const settled = await second.until((service) => isSettled(service) && service.runningCount === 3);
    expect(settled.taskDefinition).toBe(first);
  });

  it('tells listeners once for a tick in which something changed, and not otherwise', async () => {
    const { world, first } = newWorld();
    let told = 0;
    const end = world.ecs.onChange(() => {
      told += 1;
    });
    world.ecs.onChange(() => {
      throw new Error('a listener fails');
    });
    await world.call('CreateService', serviceInput(first));
    await world.until(isSettled);
    expect(told).toBeGreaterThan(1);
    await world.clock.advance(5_000);
    const calm = told;
    await world.clock.advance(60_000);
    expect(told).toBe(calm);
    await world.call('UpdateService', {
      cluster: CLUSTER,
      service: 'shop',
      healthCheckGracePeriodSeconds: 3,
    });
    await world.clock.advance(500);
    expect(told).toBe(calm + 1);
    end();
    expect(world.logs.some((line) => line.includes('a listener fails'))).toBe(true);
  });

  it('refuses what is malformed or too late, and restores nothing then', async () => {
    const { world, first } = newWorld();
    for (const wrong of [
      undefined,
      null,
      7,
      [],
      {},
      { format: 2, loadBalancers: {}, services: [], tasks: [] },
    ])
      expect(() => world.ecs.restore(wrong)).toThrow(/snapshot of ECS can't be restored: /);
    expect(() =>
      world.ecs.restore({ format: 1, loadBalancers: {}, services: [{ arn: 1 }], tasks: [] }),
    ).toThrow(/services\.0\.arn/);
    expect(world.ecs.status()).toEqual([]);
    await world.call('CreateService', serviceInput(first));
    expect(() => world.ecs.restore({ format: 1, loadBalancers: {}, services: [], tasks: [] })).toThrow(
      /at the start only/,
    );
  });
});
