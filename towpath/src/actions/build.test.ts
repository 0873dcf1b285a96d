import { describe, expect, it } from 'vitest';
import { REPOSITORY_URI } from '../../test/fakes/memory-images.ts';
import { createMemoryWorld } from '../../test/fakes/memory-world.ts';
import { sampleDigest } from '../../test/fakes/sample-snapshot.ts';
import { TowpathError } from '../domain/errors.ts';
import { hashTree, makeRelease } from '../domain/release.ts';
import { build, buildRelease } from './build.ts';

describe('build', () => {
  it('names the release by image, Terraform tree and commit', async () => {
    const world = createMemoryWorld();
    const built = await build(world.ports);
    expect(built).toEqual({
      release: makeRelease({
        imageDigest: sampleDigest('a'),
        terraformHash: hashTree(world.workspace.tree),
        sourceCommit: world.workspace.commit,
      }),
      image: `${REPOSITORY_URI}@${sampleDigest('a')}`,
    });
    expect(world.events).toContainEqual({ type: 'release', ...built });
  });

  it('bootstraps the first environment when it must, and only then', async () => {
    const world = createMemoryWorld();
    await build(world.ports);
    await build(world.ports);
    const bootstraps = world.events.filter(
      (event) => event.type === 'stage.start' && event.stage === 'bootstrap',
    );
    expect(bootstraps).toHaveLength(1);
    expect(world.at('prod').bootstrap.bucket).toBe('absent');
  });

  it('gives another release for each of the three that changes', async () => {
    const world = createMemoryWorld();
    const ids = [(await build(world.ports)).release.id];
    world.workspace.commit = 'd'.repeat(40);
    ids.push((await build(world.ports)).release.id);
    world.workspace.tree = [{ path: 'infra/main.tf', content: 'changed' }];
    ids.push((await build(world.ports)).release.id);
    world.source.digest = sampleDigest('b');
    ids.push((await build(world.ports)).release.id);
    expect(new Set(ids).size).toBe(4);
  });

  it('passes the error of the build on, with its stage as failed', async () => {
    const world = createMemoryWorld();
    world.source.broken = new TowpathError('NO_CONTAINER_ENGINE', 'no engine');
    await expect(build(world.ports)).rejects.toMatchObject({ code: 'NO_CONTAINER_ENGINE' });
    expect(world.events.at(-1)).toMatchObject({ type: 'stage.end', stage: 'build', outcome: 'failed' });
  });

  it('without a repository names the command that makes it', async () => {
    const world = createMemoryWorld();
    const { environment, cloud } = world.test;
    const images = { ...cloud.images, build: async () => ({ digest: sampleDigest('a'), pushed: false }) };
    await expect(buildRelease(world.ports, environment, { ...cloud, images })).rejects.toMatchObject({
      code: 'NOT_BOOTSTRAPPED',
      hint: 'towpath bootstrap test',
    });
  });
});
