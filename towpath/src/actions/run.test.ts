import { describe, expect, it } from 'vitest';
import { createMemoryWorld, type MemoryWorld } from '../../test/fakes/memory-world.ts';
import { type RunOptions, run } from './run.ts';

const look = (status: string, exitCode?: number, reason?: string) => ({ status, exitCode, reason });

function deployed(): MemoryWorld {
  const world = createMemoryWorld();
  world.test.oneOff.deployed = true;
  return world;
}

function start(world: MemoryWorld, changes: Partial<RunOptions> = {}) {
  const lines: string[] = [];
  const options: RunOptions = {
    command: ['npm', 'run', 'migrate'],
    limitMs: undefined,
    line: (text) => void lines.push(text),
    signal: new AbortController().signal,
    ...changes,
  };
  return { done: run(world.ports, 'test', options), lines };
}

describe('run', () => {
  it('follows the log to the end and tells the exit code', async () => {
    const world = deployed();
    world.test.oneOff.looks = [look('PROVISIONING'), look('RUNNING'), look('STOPPED', 4)];
    world.test.oneOff.log = ['one', 'two'];
    const { done, lines } = start(world);
    expect(await done).toEqual({
      environment: 'test',
      task: 'task-1',
      command: ['npm', 'run', 'migrate'],
      exitCode: 4,
    });
    expect(lines).toEqual(['one', 'two']);
    expect(world.test.oneOff.started).toEqual([['npm', 'run', 'migrate']]);
    expect(world.test.oneOff.stopped).toEqual([]);
  });

  it('says so when nothing is deployed', async () => {
    await expect(start(createMemoryWorld()).done).rejects.toMatchObject({ code: 'NOT_DEPLOYED' });
  });

  it('fails with the reason when the task did not start', async () => {
    const world = deployed();
    world.test.oneOff.looks = [look('STOPPED', undefined, 'CannotPullContainerError: not found')];
    await expect(start(world).done).rejects.toMatchObject({
      code: 'RUN_FAILED',
      message: expect.stringContaining('CannotPullContainerError'),
    });
  });

  it('stops a task whose time is up', async () => {
    const world = deployed();
    world.test.oneOff.looks = [look('RUNNING')];
    await expect(start(world, { limitMs: 60_000 }).done).rejects.toMatchObject({
      code: 'RUN_FAILED',
      message: 'Task task-1 was stopped: it ran for more than 1 min.',
    });
    expect(world.test.oneOff.stopped).toEqual(['task-1']);
  });

  it('stops the task when it is interrupted', async () => {
    const world = deployed();
    world.test.oneOff.looks = [look('RUNNING')];
    const controller = new AbortController();
    setTimeout(() => controller.abort(new Error('received SIGINT')), 20);
    await expect(start(world, { signal: controller.signal, limitMs: 1e12 }).done).rejects.toMatchObject({
      code: 'ABORTED',
    });
    expect(world.test.oneOff.stopped).toEqual(['task-1']);
  });

  it('gives up on a task that ECS has forgotten', async () => {
    const world = deployed();
    world.test.oneOff.looks = [look('RUNNING'), undefined];
    await expect(start(world).done).rejects.toMatchObject({ code: 'RUN_FAILED' });
  });
});
