import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CLUSTER } from '../test/fake-control.ts';
import { createWorld, isSettled, serviceInput, type World } from '../test/world.ts';

let world: World;

beforeEach(() => {
  world = createWorld();
});
afterEach(() => world.ecs.stop());

async function start(changes = {}): Promise<string> {
  const definition = world.control.define('shop', 'registry/shop:one');
  await world.call('CreateService', serviceInput(definition, changes));
  await world.until(isSettled);
  const [task] = await world.tasks();
  return task?.taskArn ?? '';
}

const execute = (task: string, changes = {}) =>
  world.call('ExecuteCommand', {
    cluster: CLUSTER,
    task,
    container: 'app',
    command: 'sh -c "ls"',
    interactive: true,
    ...changes,
  });

describe('ExecuteCommand', () => {
  it('prepares a session, by ARN or id of the task', async () => {
    const task = await start();
    const id = task.split('/').at(-1) ?? '';
    expect(await execute(task)).toMatchObject({
      taskArn: task,
      clusterArn: expect.stringContaining(`cluster/${CLUSTER}`),
      containerName: 'app',
      containerArn: expect.stringContaining(`container/${CLUSTER}/${id}/`),
      interactive: true,
      session: { sessionId: 'ecs-execute-command-1', streamUrl: 'ws://127.0.0.1:1/', tokenValue: 'token' },
    });
    await execute(id, { container: undefined });
    expect(world.prepared).toEqual(['sh -c "ls"', 'sh -c "ls"']);
  });

  it('shows its agent where it is on', async () => {
    await start();
    const [task] = await world.tasks();
    expect(task?.containers[0]).toMatchObject({
      managedAgents: [{ name: 'ExecuteCommandAgent', lastStatus: 'RUNNING' }],
    });
  });

  it.each([
    ['interactive is false', { interactive: false }, /only mode supported/],
    ['there is no such container', { container: 'nope' }, /nope was not found/],
    ['there is no such task', { task: '0'.repeat(32) }, /task was not found/],
  ])('is refused when %s', async (_why, changes, message) => {
    const task = await start();
    await expect(execute(task, changes)).rejects.toMatchObject({
      code: 'InvalidParameterException',
      message: expect.stringMatching(message),
    });
  });

  it('is refused where it is not on, and shows no agent there', async () => {
    const task = await start({ enableExecuteCommand: false });
    await expect(execute(task)).rejects.toMatchObject({
      code: 'InvalidParameterException',
      message: expect.stringContaining('was not enabled'),
    });
    const [described] = await world.tasks();
    expect(described?.containers[0]).not.toHaveProperty('managedAgents');
  });

  it('is refused once the task is told to stop', async () => {
    const task = await start();
    await world.call('StopTask', { cluster: CLUSTER, task });
    await expect(execute(task)).rejects.toMatchObject({ code: 'InvalidParameterException' });
    await world.clock.advance(120_000);
  });

  it('names a cluster that is not there', async () => {
    const task = await start();
    await expect(execute(task, { cluster: 'nope' })).rejects.toMatchObject({
      code: 'ClusterNotFoundException',
    });
    expect(world.prepared).toEqual([]);
  });
});
