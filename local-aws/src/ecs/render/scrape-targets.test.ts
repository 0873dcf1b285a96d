import { afterEach, beforeEach, expect, it } from 'vitest';
import { createWorld, isSettled, serviceInput, type World } from '../test/world.ts';

let world: World;

beforeEach(() => {
  world = createWorld();
});
afterEach(() => world.ecs.stop());

const tags = [
  { key: 'Environment', value: 'test' },
  { key: 'Application', value: 'app' },
];

it('names every running task with the labels that dashboards select by, and nothing before or after', async () => {
  expect(world.ecs.scrapeTargets()).toEqual([]);
  const definition = world.control.define('shop', 'registry/shop:one');
  await world.call('CreateService', serviceInput(definition, { tags }));
  expect(world.ecs.scrapeTargets()).toEqual([]);
  await world.until(isSettled);
  const groups = world.ecs.scrapeTargets();
  const tasks = world.driver.alive().map(({ spec }) => spec);
  expect(tasks).toHaveLength(3);
  expect(groups).toEqual(
    tasks.map(({ taskId, zone }) => ({
      targets: [expect.stringMatching(/^127\.[\d.]+:\d+$/)],
      labels: {
        environment: 'test',
        service: 'app',
        task: taskId.slice(0, 12),
        zone,
        release: expect.stringMatching(/^[0-9a-f]{12}$/),
      },
    })),
  );
  expect(new Set(groups.map(({ targets }) => targets[0])).size).toBe(3);
});

it('falls back to cluster and service where there are no tags', async () => {
  const definition = world.control.define('shop', 'registry/shop:one');
  await world.call('CreateService', serviceInput(definition, { desiredCount: 1, tags: [] }));
  const service = await world.until(isSettled);
  const [group] = world.ecs.scrapeTargets();
  expect(group?.labels).toMatchObject({ service: 'shop' });
  expect(service.serviceArn).toContain(`/${group?.labels.environment}/`);
});

it('forgets a task as soon as its end begins', async () => {
  const definition = world.control.define('shop', 'registry/shop:one');
  const input = serviceInput(definition, { tags });
  await world.call('CreateService', input);
  await world.until(isSettled);
  await world.call('UpdateService', { cluster: input.cluster, service: 'shop', desiredCount: 1 });
  await world.until(() => world.driver.alive().length === 3 && world.ecs.scrapeTargets().length === 1);
  // The clock of this world stands still: nothing may be left that ends with time.
  await world.until(() => world.driver.alive().length === 1);
});
