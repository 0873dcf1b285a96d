/** What EventBridge hears of a service's deployments, in their order. */
import { expect, it } from 'vitest';
import type { AwsEvent } from '../events/aws-event.ts';
import { CLUSTER } from './test/fake-control.ts';
import { createWorld, isSettled, serviceInput } from './test/world.ts';

const bad = `sha256:${'b'.repeat(64)}`;

it('hears of the beginning and the end of each, of a failure with its reason, and of the way back', async () => {
  const events: AwsEvent[] = [];
  const world = createWorld({ events: { put: (event) => void events.push(event) } });
  const heard = () =>
    events
      .splice(0)
      .map(({ detail }) => [detail.eventType, detail.eventName, detail.deploymentId, detail.reason]);
  await world.call('CreateService', serviceInput(world.control.define('shop', 'registry/shop:one')));
  const [first] = (await world.until(isSettled)).deployments;
  expect(events[0]).toMatchObject({
    ...{ source: 'aws.ecs', detailType: 'ECS Deployment State Change' },
    resources: [(await world.service()).serviceArn],
  });
  expect(heard()).toEqual([
    ['INFO', 'SERVICE_DEPLOYMENT_IN_PROGRESS', first?.id, `ECS deployment ${first?.id} in progress.`],
    ['INFO', 'SERVICE_DEPLOYMENT_COMPLETED', first?.id, `ECS deployment ${first?.id} completed.`],
  ]);
  world.driver.behave = (image) => (image.endsWith(bad) ? { kind: 'crash', exitCode: 1 } : { kind: 'serve' });
  await world.call('UpdateService', {
    ...{ cluster: CLUSTER, service: 'shop' },
    taskDefinition: world.control.define('shop', `registry/shop@${bad}`),
  });
  const [second] = (await world.service()).deployments;
  await world.until(isSettled);
  expect(heard()).toEqual([
    ['INFO', 'SERVICE_DEPLOYMENT_IN_PROGRESS', second?.id, `ECS deployment ${second?.id} in progress.`],
    [
      'ERROR',
      'SERVICE_DEPLOYMENT_FAILED',
      second?.id,
      'ECS deployment circuit breaker: tasks failed to start.',
    ],
    [
      ...['INFO', 'SERVICE_DEPLOYMENT_IN_PROGRESS', first?.id],
      `ECS deployment circuit breaker: rolling back to deploymentId ${first?.id}.`,
    ],
    ['INFO', 'SERVICE_DEPLOYMENT_COMPLETED', first?.id, `ECS deployment ${first?.id} completed.`],
  ]);
  const stopping = world.ecs.stop();
  await world.clock.advance(60_000);
  await stopping;
});
