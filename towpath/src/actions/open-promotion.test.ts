/** `trigger: 'auto'`: the next promotion opens when the environment before has succeeded; once, and not in vain. */
import { describe, expect, it } from 'vitest';
import {
  createLadderWorld,
  type LadderWorld,
  takeOn,
  takeUpTo,
  userArn,
} from '../../test/fakes/ladder-world.ts';
import { change, planOf } from '../../test/fakes/memory-terraform.ts';
import { sampleDigest } from '../../test/fakes/sample-snapshot.ts';
import { nextEvent } from '../domain/ledger.ts';

const B = sampleDigest('b');

const notesOf = (world: LadderWorld) =>
  world.events.flatMap((event) =>
    event.type === 'note' && event.text.startsWith('staging:') ? [event.text] : [],
  );
const warningsOf = (world: LadderWorld) => world.events.filter(({ type }) => type === 'warning');

describe('the promotion to an environment with the trigger auto', () => {
  it('opens when the one before has succeeded, in the name of whoever made it succeed', async () => {
    const world = createLadderWorld();
    const release = await takeUpTo(world, 'qa');
    expect(world.at('staging').bootstrap.bucket).toBe('ours');
    expect(world.at('staging').payloads()).toMatchObject([
      { type: 'promotion.opened', release: { id: release }, from: 'qa', trigger: 'auto', kind: 'promote' },
    ]);
    expect(world.open('staging')?.requestedBy).toBe(userArn('reviewer'));
    expect(notesOf(world)).toEqual([
      `staging: promotion ${world.open('staging')?.id} of ${release} is open; next: towpath approve staging`,
    ]);
  });

  it('runs nothing by itself: its gates apply', async () => {
    const world = createLadderWorld();
    await takeUpTo(world, 'qa');
    expect(world.current('staging')).toBeUndefined();
    expect((await world.as('lead').approve('staging')).deployed?.changed).toBe(true);
  });

  it('does not open while the one before only waits', async () => {
    const world = createLadderWorld();
    await world.as('developer').deploy('test');
    await world.as('developer').promote('qa');
    expect(world.types('staging')).toEqual([]);
  });

  it('does not open after a failure', async () => {
    const world = createLadderWorld();
    await world.as('developer').deploy('test');
    await world.as('developer').promote('qa');
    world.at('qa').service.answer(500, '500 Internal Server Error');
    await expect(world.as('reviewer').approve('qa')).rejects.toMatchObject({ code: 'DEPLOYMENT_FAILED' });
    expect(world.types('staging')).toEqual([]);
  });

  it('does not open where the trigger is manual', async () => {
    const world = createLadderWorld();
    await takeUpTo(world, 'staging');
    expect(world.types('qa')[0]).toBe('promotion.opened');
    expect(world.types('prod')).toEqual([]);
  });

  it('does not open twice for one success', async () => {
    const world = createLadderWorld();
    await takeUpTo(world, 'qa');
    await expect(world.as('developer').promote('qa')).rejects.toMatchObject({ code: 'NOTHING_TO_PROMOTE' });
    await world.as('developer').promote('staging');
    expect(world.types('staging')).toEqual(['promotion.opened']);
  });

  it('does not come back after it was rejected', async () => {
    const world = createLadderWorld();
    await takeUpTo(world, 'qa');
    await world.as('lead').reject('staging');
    await expect(world.as('developer').promote('qa')).rejects.toMatchObject({ code: 'NOTHING_TO_PROMOTE' });
    expect(world.open('staging')).toBeUndefined();
  });

  it('does not open by an apply that changed nothing; by one that did it opens', async () => {
    const world = createLadderWorld();
    await takeUpTo(world, 'qa');
    await world.as('lead').reject('staging');
    await world.as('developer').apply('qa');
    expect((await world.as('reviewer').approve('qa')).deployed?.changed).toBe(false);
    expect(world.open('staging')).toBeUndefined();
    world.at('qa').terraform.plans.push(planOf(change('update', 'module.ecs.aws_ecs_service.this')));
    await world.as('developer').apply('qa');
    await world.as('reviewer').approve('qa');
    expect(world.open('staging')).toMatchObject({ kind: 'promote' });
  });

  it('of a newer release takes the place of the one that waits', async () => {
    const world = createLadderWorld();
    const old = await takeUpTo(world, 'qa');
    world.source.digest = B;
    const young = await takeUpTo(world, 'qa');
    expect(world.promotions('staging').map(({ release, state }) => `${release.id} ${state}`)).toEqual([
      `${old} superseded`,
      `${young} open`,
    ]);
  });

  it('is done when the release arrives there by break-glass', async () => {
    const world = createLadderWorld();
    const release = await takeUpTo(world, 'qa');
    await world.as('developer').deploy('staging', { breakGlass: 'the shop is down' });
    expect(world.current('staging')).toBe(release);
    expect(world.promotions('staging').map(({ state }) => state)).toEqual(['succeeded']);
  });

  it('does not open where the release runs already', async () => {
    const world = createLadderWorld();
    await world.as('developer').deploy('test');
    await world.as('developer').deploy('staging', { breakGlass: 'the shop is down' });
    await takeOn(world, 'qa');
    expect(world.types('staging')).toEqual(['deployment.started', 'deployment.succeeded']);
  });

  it('opens late, by the same command, where the one before was killed right after its success', async () => {
    const world = createLadderWorld();
    await takeUpTo(world, 'qa');
    world.at('staging').ledger.clear();
    await expect(world.as('developer').promote('qa')).rejects.toMatchObject({ code: 'NOTHING_TO_PROMOTE' });
    expect(world.types('staging')).toEqual(['promotion.opened']);
  });
});

describe('a success is a success, even if the promotion after it', () => {
  it('can not be written, since the ledger there does not hold: a warning names the next command', async () => {
    const world = createLadderWorld();
    const first = await takeUpTo(world, 'qa');
    const [event] = world.at('staging').ledger.values();
    if (!event) throw new Error('staging has no event');
    world.at('staging').ledger.set(1, { ...event, actor: userArn('mallory') });
    world.source.digest = B;
    const release = await takeUpTo(world, 'qa');
    expect(release).not.toBe(first);
    expect(world.current('qa')).toBe(release);
    expect(warningsOf(world)).toMatchObject([
      {
        text: 'the promotion to staging could not be opened: The ledger does not hold: event 1 is changed',
        hint: expect.stringContaining('towpath promote staging'),
      },
    ]);
    expect(world.at('staging').ledger.size).toBe(1);
  });

  it('meets others who write there at the same time', async () => {
    const world = createLadderWorld();
    let others = 3;
    world.beforeAppend('staging', () => {
      if (others === 0) return;
      others -= 1;
      const { ledger } = world.at('staging');
      const last = [...ledger.values()].at(-1);
      const payload = { type: 'environment.destroyed' as const };
      const time = world.clock.now().toISOString();
      const event = nextEvent(last, { time, actor: userArn('other'), payload });
      ledger.set(event.sequence, event);
    });
    const release = await takeUpTo(world, 'qa');
    expect(world.open('staging')?.release.id).toBe(release);
    expect(world.types('staging').filter((type) => type === 'promotion.opened')).toHaveLength(1);
    expect(warningsOf(world)).toEqual([]);
  });
});
