import { describe, expect, it } from 'vitest';
import { createMemoryWorld } from '../../test/fakes/memory-world.ts';
import { bootstrap } from './bootstrap.ts';

describe('bootstrap', () => {
  it('makes bucket, table and repository, and the second time says that they were there', async () => {
    const world = createMemoryWorld();
    expect(await bootstrap(world.ports, 'test')).toEqual({
      stateBucket: 'created',
      lockTable: 'created',
      repository: 'created',
    });
    expect(await bootstrap(world.ports, 'test')).toEqual({
      stateBucket: 'updated',
      lockTable: 'present',
      repository: 'updated',
    });
    expect(world.events.at(-1)).toMatchObject({
      type: 'stage.end',
      detail: 'state bucket updated, lock table present, repository updated',
    });
  });

  it('of a later environment makes the repository where the project has it: in the first', async () => {
    const world = createMemoryWorld();
    await bootstrap(world.ports, 'prod');
    expect(world.at('prod').bootstrap).toEqual({ bucket: 'ours', table: 'ours', repository: 'absent' });
    expect(world.test.bootstrap).toEqual({ bucket: 'absent', table: 'absent', repository: 'ours' });
  });

  it('says what to do about a bucket name that somebody else owns, and can be repeated', async () => {
    const world = createMemoryWorld();
    world.test.bootstrap.bucket = 'taken';
    await expect(bootstrap(world.ports, 'test')).rejects.toMatchObject({
      code: 'BUCKET_TAKEN',
      hint: expect.stringContaining('stateBucket'),
    });
    world.test.bootstrap.bucket = 'absent';
    expect(await bootstrap(world.ports, 'test')).toMatchObject({
      stateBucket: 'created',
      lockTable: 'created',
    });
  });
});
