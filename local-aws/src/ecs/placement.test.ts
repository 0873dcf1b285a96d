import { describe, expect, it } from 'vitest';
import { DeclaredConditions, placementText, refusePlacement } from './placement.ts';
import { CLUSTER, SUBNETS, TARGET_GROUP } from './test/fake-control.ts';
import { createWorld, type World } from './test/world.ts';

describe('refusePlacement', () => {
  const none = new DeclaredConditions().current;
  it.each([
    ['nothing is short', none, 'FARGATE', undefined],
    [
      'Spot is short, On-Demand wanted',
      { ...none, unavailableCapacity: ['FARGATE_SPOT' as const] },
      'FARGATE',
      undefined,
    ],
    [
      'Spot is short',
      { ...none, unavailableCapacity: ['FARGATE_SPOT' as const] },
      'FARGATE_SPOT',
      placementText.capacity,
    ],
    [
      'On-Demand is short, none named',
      { ...none, unavailableCapacity: ['FARGATE' as const] },
      undefined,
      placementText.capacity,
    ],
    ['the quota is just enough', { ...none, vcpuLimit: 0.75 }, 'FARGATE', undefined],
    ['the quota is too small', { ...none, vcpuLimit: 0.5 }, 'FARGATE', placementText.quota],
  ])('%s', (_, conditions, capacityProvider, expected) => {
    expect(refusePlacement(conditions, { capacityProvider, cpuUnits: 256 }, 512)).toBe(expected);
  });
});

it('keeps what was declared before when the new declaration is malformed', () => {
  const conditions = new DeclaredConditions();
  conditions.declare({ vcpuLimit: 2 });
  expect(() => conditions.declare({ unavailableCapacity: ['FARGATE_MOON'] })).toThrow(/FARGATE_SPOT/);
  expect(() => conditions.declare({ vcpuLimit: 2, more: 1 })).toThrow(/more/);
  expect(conditions.current.vcpuLimit).toBe(2);
});

async function createService(world: World): Promise<void> {
  await world.call('CreateService', {
    cluster: CLUSTER,
    serviceName: 'shop',
    taskDefinition: world.control.define('shop', 'repo/shop@sha256:1'),
    desiredCount: 1,
    capacityProviderStrategy: [{ capacityProvider: 'FARGATE_SPOT', weight: 1 }],
    networkConfiguration: { awsvpcConfiguration: { subnets: [...SUBNETS] } },
    loadBalancers: [{ targetGroupArn: TARGET_GROUP, containerName: 'app', containerPort: 5000 }],
    deploymentConfiguration: { deploymentCircuitBreaker: { enable: true, rollback: true } },
  });
}

it('a service without capacity makes no task, says so, and the breaker gives up', async () => {
  const world = createWorld();
  world.ecs.conditions.declare({ unavailableCapacity: ['FARGATE_SPOT'] });
  await createService(world);
  const service = await world.until((seen) => seen.deployments[0]?.rolloutState === 'FAILED');
  expect(await world.tasks()).toEqual([]);
  const refusals = service.events.filter(({ message }) => message.includes(placementText.capacity));
  expect(refusals).toHaveLength(3);
  expect(refusals[0]?.message).toBe(
    `(service shop) was unable to place a task. Reason: ${placementText.capacity}`,
  );
  await world.ecs.stop();
});

it('goes on by itself once there is capacity again', async () => {
  const world = createWorld();
  world.ecs.conditions.declare({ unavailableCapacity: ['FARGATE_SPOT'] });
  await createService(world);
  await world.until((seen) => seen.events.some(({ message }) => message.includes('unable to place')));
  world.ecs.conditions.declare({});
  const service = await world.until((seen) => seen.deployments[0]?.rolloutState === 'COMPLETED');
  expect(service.runningCount).toBe(1);
  await world.ecs.stop();
});
