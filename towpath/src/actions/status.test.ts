import { describe, expect, it } from 'vitest';
import { createMemoryWorld, type MemoryWorld } from '../../test/fakes/memory-world.ts';
import { sampleDigest, stableSnapshot } from '../../test/fakes/sample-snapshot.ts';
import { TowpathError } from '../domain/errors.ts';
import { deploy } from './deploy.ts';
import { status } from './status.ts';

const deployTest = (world: MemoryWorld) =>
  deploy(world.ports, 'test', {
    generateSecrets: true,
    allowDestroy: false,
    breakGlass: undefined,
    signal: new AbortController().signal,
  });

describe('status', () => {
  it('shows the ladder in order: what runs, and what is not there yet', async () => {
    const world = createMemoryWorld();
    const { release } = await deployTest(world);
    const [test, prod, ...more] = await status(world.ports, []);
    expect(more).toEqual([]);
    expect(test).toMatchObject({
      environment: 'test',
      bootstrapped: true,
      current: { release, state: 'succeeded' },
      lastDeployment: { release, state: 'succeeded' },
      service: stableSnapshot(release.imageDigest),
      lock: undefined,
    });
    expect(prod).toEqual({
      environment: 'prod',
      bootstrapped: false,
      current: undefined,
      lastDeployment: undefined,
      service: undefined,
      lock: undefined,
    });
  });

  it('says where it looks, once', async () => {
    const world = createMemoryWorld({ target: 'local' });
    await status(world.ports, []);
    expect(world.events).toEqual([
      expect.objectContaining({ type: 'target', kind: 'local', environment: 'test, prod' }),
    ]);
  });

  it('tells the last deployment from the one that serves', async () => {
    const world = createMemoryWorld();
    const { release } = await deployTest(world);
    world.source.digest = sampleDigest('b');
    world.test.terraform.applies.push(async () => {
      throw new TowpathError('TERRAFORM_FAILED', 'no quota');
    });
    await deployTest(world).catch(() => undefined);
    const [test] = await status(world.ports, ['test']);
    expect(test?.current?.release).toEqual(release);
    expect(test?.lastDeployment).toMatchObject({ state: 'errored', cause: 'no quota' });
  });

  it('shows who holds an environment, and whether they live', async () => {
    const world = createMemoryWorld();
    await deployTest(world);
    const held = await world.test.cloud.lock.acquire('destroy');
    const [test] = await status(world.ports, ['test']);
    expect(test?.lock).toEqual({ ...held.info, liveness: 'alive' });
    await held.release();
  });

  it('of an environment that is not in the configuration suggests one that is', async () => {
    const world = createMemoryWorld();
    await expect(status(world.ports, ['prd'])).rejects.toMatchObject({
      code: 'UNKNOWN_ENVIRONMENT',
      hint: 'did you mean "prod"?',
    });
  });
});
