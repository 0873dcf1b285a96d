/** `apply`: the current release with a changed configuration, through the gates of its environment. */
import { describe, expect, it } from 'vitest';
import { createLadderWorld, takeUpTo, userArn } from '../../test/fakes/ladder-world.ts';
import { change, planOf } from '../../test/fakes/memory-terraform.ts';
import { sampleDigest } from '../../test/fakes/sample-snapshot.ts';

const B = sampleDigest('b');
const changed = planOf(change('update', 'module.ecs.aws_ecs_service.this'));

describe('apply', () => {
  it.each([
    ['test', 'towpath deploy test'],
    ['qa', 'towpath promote qa'],
  ])('to %s, which runs nothing, is an error', async (name, hint) => {
    const world = createLadderWorld();
    await expect(world.as('developer').apply(name)).rejects.toMatchObject({
      code: 'NOT_DEPLOYED',
      message: `${name} runs nothing yet.`,
      hint,
    });
    expect(world.journal).toEqual([]);
  });

  it('runs at once where nobody has to say yes, with the image that runs', async () => {
    const world = createLadderWorld();
    const { release, image } = await world.as('developer').deploy('test');
    world.source.digest = B;
    world.test.terraform.plans.push(changed);
    world.journal.length = 0;
    const result = await world.as('developer').apply('test');
    expect(result).toMatchObject({ kind: 'apply', state: 'open', deployed: { changed: true, image } });
    expect(result.gates.map(({ name }) => name)).toEqual(['approvals', 'restorable', 'tree']);
    expect(world.journal).not.toContain('build');
    expect(world.journal).toContain(`terraform apply ${image}`);
    expect(world.test.payloads().slice(-3)).toMatchObject([
      { type: 'promotion.opened', kind: 'apply', from: 'test' },
      { type: 'deployment.started', kind: 'apply', release },
      { type: 'deployment.succeeded' },
    ]);
  });

  it('of what is applied already is recorded, ends, and says that nothing changed', async () => {
    const world = createLadderWorld();
    await world.as('developer').deploy('test');
    const result = await world.as('developer').apply('test');
    expect(result.deployed).toMatchObject({ changed: false });
    expect(world.journal.filter((line) => line.startsWith('terraform apply'))).toHaveLength(1);
    expect(world.promotions('test').map(({ state }) => state)).toEqual(['succeeded']);
  });

  it('waits for approvals where they are needed, and approve runs it', async () => {
    const world = createLadderWorld();
    const release = await takeUpTo(world, 'qa');
    world.at('qa').terraform.plans.push(changed);
    const asked = await world.as('developer').apply('qa');
    expect(asked).toMatchObject({ state: 'waiting', kind: 'apply', release, deployed: undefined });
    await expect(world.as('developer').approve('qa')).rejects.toMatchObject({ code: 'SELF_APPROVAL' });
    const approved = await world.as('reviewer').approve('qa');
    expect(approved).toMatchObject({
      kind: 'apply',
      promotion: asked.promotion,
      deployed: { changed: true },
    });
    expect(world.current('qa')).toBe(release);
  });

  it('is stopped by a Terraform tree that is not that of the release', async () => {
    const world = createLadderWorld();
    await world.as('developer').deploy('test');
    world.workspace.tree = [{ path: 'infra/main.tf', content: 'module "other" {}' }];
    const result = await world.as('developer').apply('test');
    expect(result.state).toBe('closed');
    expect(result.gates.find(({ state }) => state === 'closed')?.name).toBe('tree');
  });

  it('is stopped by environment files that are not in step, before anything is locked', async () => {
    const world = createLadderWorld();
    await world.as('developer').deploy('test');
    world.workspace.environments.set('test', {});
    world.journal.length = 0;
    await expect(world.as('developer').apply('test')).rejects.toMatchObject({
      code: 'ENVIRONMENT_FILES_STALE',
      hint: 'towpath sync',
    });
    expect(world.journal).toEqual(['ledger promotion.opened']);
  });

  it('does not bring the release of then back when another one came meanwhile', async () => {
    const world = createLadderWorld();
    await takeUpTo(world, 'qa');
    await world.as('developer').apply('qa');
    world.source.digest = B;
    const { release } = await world.as('developer').deploy('qa', { breakGlass: 'the shop is down' });
    await expect(world.as('reviewer').approve('qa')).rejects.toMatchObject({
      code: 'NO_OPEN_PROMOTION',
      message: expect.stringContaining(`was superseded by ${release.id}`),
    });
    expect(world.current('qa')).toBe(release.id);
  });

  it('takes the place of a promotion that waits, and says so', async () => {
    const world = createLadderWorld();
    await takeUpTo(world, 'qa');
    world.source.digest = B;
    await world.as('developer').deploy('test');
    const waiting = await world.as('developer').promote('qa');
    await world.as('lead').apply('qa');
    expect(world.open('qa')).toMatchObject({ kind: 'apply', requestedBy: userArn('lead') });
    expect(world.events).toContainEqual({
      type: 'note',
      text: expect.stringContaining(`${waiting.promotion} (promote of ${waiting.release}`),
    });
  });
});
