/** `approve` and `reject`: whose yes counts, for how long, and what can no longer be answered. */
import { describe, expect, it } from 'vitest';
import { createLadderWorld, type LadderWorld, takeUpTo, userArn } from '../../test/fakes/ladder-world.ts';
import { sampleDigest } from '../../test/fakes/sample-snapshot.ts';
import { APPROVAL_LIFETIME_MS } from '../domain/gates.ts';

const B = sampleDigest('b');
const role = (name: string, session: string) => `arn:aws:sts::123456789012:assumed-role/${name}/${session}`;

/** A promotion to qa that waits for `approvals` people; asked for by the developer. */
async function waiting(approvals = 1): Promise<LadderWorld> {
  const world = createLadderWorld({ qa: { promotion: { trigger: 'manual', approvals, soakSeconds: 0 } } });
  await world.as('developer').deploy('test');
  await world.as('developer').promote('qa');
  return world;
}

describe('approve', () => {
  it('by somebody else is recorded with who and when, and the last yes runs it', async () => {
    const world = await waiting();
    const result = await world.as('reviewer').approve('qa');
    expect(result).toMatchObject({ state: 'open', kind: 'promote', deployed: { changed: true } });
    expect(world.types('qa')).toEqual([
      'promotion.opened',
      'promotion.approved',
      'deployment.started',
      'deployment.succeeded',
    ]);
    expect([...world.at('qa').ledger.values()][1]?.actor).toBe(userArn('reviewer'));
    expect(world.current('qa')).toBe(result.release);
  });

  it('of two that are needed, the first is counted and the second runs it', async () => {
    const world = await waiting(2);
    const first = await world.as('reviewer').approve('qa');
    expect(first).toMatchObject({ state: 'waiting', deployed: undefined });
    expect(first.gates.find(({ name }) => name === 'approvals')?.reason).toBe('1 of 2 given (reviewer)');
    expect((await world.as('lead').approve('qa')).deployed?.changed).toBe(true);
    expect(world.promotions('qa')[0]?.approvals.map(({ by }) => by)).toEqual(
      ['reviewer', 'lead'].map(userArn),
    );
  });

  it.each([
    ['herself', userArn('developer')],
    ['herself in a role', role('reviewer', 'developer')],
    ['herself below a path', 'arn:aws:iam::123456789012:user/web/developer'],
  ])('by %s is refused, and nothing is written', async (_who, arn) => {
    const world = await waiting();
    await expect(world.as(arn).approve('qa')).rejects.toMatchObject({
      code: 'SELF_APPROVAL',
      message: expect.stringContaining(arn),
      hint: 'somebody else runs: towpath approve qa',
    });
    expect(world.types('qa')).toEqual(['promotion.opened']);
  });

  it('by a role whose sessions name nobody is refused to the same role', async () => {
    const world = createLadderWorld();
    await world.as('developer').deploy('test');
    await world.as(role('deployer', 'botocore-session-1700000000')).promote('qa');
    await expect(
      world.as(role('deployer', 'botocore-session-1700000999')).approve('qa'),
    ).rejects.toMatchObject({
      code: 'SELF_APPROVAL',
    });
    expect((await world.as('reviewer').approve('qa')).state).toBe('open');
  });

  it.each([
    ['the same identity', userArn('reviewer')],
    ['the same person in a role', role('deployer', 'reviewer')],
  ])('twice by %s counts once', async (_who, arn) => {
    const world = await waiting(2);
    await world.as('reviewer').approve('qa');
    await expect(world.as(arn).approve('qa')).rejects.toMatchObject({
      code: 'ALREADY_APPROVED',
      hint: 'somebody else approves too; towpath promote qa shows what it waits for',
    });
    expect(world.types('qa')).toEqual(['promotion.opened', 'promotion.approved']);
  });

  it('is too late after a day: it has to be given again', async () => {
    const world = await waiting(2);
    await world.as('reviewer').approve('qa');
    world.clock.advance(APPROVAL_LIFETIME_MS);
    const late = await world.as('lead').approve('qa');
    expect(late.gates.find(({ name }) => name === 'approvals')?.reason).toBe(
      '1 of 2 given (lead); 1 more does not count (expired, or by the requester)',
    );
    expect((await world.as('reviewer').approve('qa')).deployed?.changed).toBe(true);
  });

  it('where none is needed comes too late: promote has run it', async () => {
    const world = await waiting(0);
    expect(world.open('qa')).toBeUndefined();
    await expect(world.as('reviewer').approve('qa')).rejects.toMatchObject({ code: 'NO_OPEN_PROMOTION' });
  });
});

describe('approve with nothing to approve', () => {
  const approving = (world: LadderWorld) => world.as('reviewer').approve('qa');

  it('because nothing was ever opened, not even the bucket', async () => {
    const world = createLadderWorld();
    await expect(approving(world)).rejects.toMatchObject({
      code: 'NO_OPEN_PROMOTION',
      message: 'qa has no open promotion.',
      hint: 'towpath promote qa',
    });
    expect(world.at('qa').bootstrap.bucket).toBe('absent');
  });

  it('because it was rejected, and why', async () => {
    const world = await waiting();
    await world.as('lead').reject('qa', 'the launch is on Monday');
    await expect(approving(world)).rejects.toMatchObject({
      code: 'NO_OPEN_PROMOTION',
      message: expect.stringMatching(/The last, p-\S+ of r-\S+, was rejected: the launch is on Monday\.$/),
    });
    expect(world.current('qa')).toBeUndefined();
  });

  it('because it was carried out', async () => {
    const world = await waiting();
    await approving(world);
    await expect(world.as('lead').approve('qa')).rejects.toMatchObject({
      message: expect.stringMatching(/The last, p-\S+ of r-\S+, succeeded\.$/),
    });
  });

  it('because its release came past the ladder meanwhile', async () => {
    const world = await waiting();
    await world.as('developer').deploy('qa', { breakGlass: 'the shop is down' });
    await expect(approving(world)).rejects.toMatchObject({ code: 'NO_OPEN_PROMOTION' });
    expect(world.promotions('qa').map(({ state }) => state)).toEqual(['succeeded']);
  });

  it('of what was superseded: the yes is to the new one only', async () => {
    const world = await waiting(2);
    await approving(world);
    world.source.digest = B;
    await world.as('developer').deploy('test');
    const young = await world.as('developer').promote('qa');
    expect(young.gates.find(({ name }) => name === 'approvals')?.reason).toBe('0 of 2 given');
    expect((await approving(world)).promotion).toBe(young.promotion);
    expect((await world.as('lead').approve('qa')).deployed?.release.id).toBe(young.release);
  });
});

describe('approve while it is carried out', () => {
  it('is told by the lock, and changes nothing', async () => {
    const world = await waiting();
    let second: unknown;
    world.at('qa').terraform.applies.push(async ({ finish }) => {
      second = await world
        .as('lead')
        .approve('qa')
        .catch((error: unknown) => error);
      finish();
    });
    await world.as('reviewer').approve('qa');
    expect(second).toMatchObject({ code: 'LOCK_HELD' });
    expect(world.types('qa').filter((type) => type === 'promotion.approved')).toHaveLength(1);
  });

  it('can not be rejected any more', async () => {
    const world = await waiting();
    let refused: unknown;
    world.at('qa').terraform.applies.push(async ({ finish }) => {
      refused = await world
        .as('lead')
        .reject('qa')
        .catch((error: unknown) => error);
      finish();
    });
    const { promotion } = await world.as('reviewer').approve('qa');
    expect(refused).toMatchObject({
      code: 'NO_OPEN_PROMOTION',
      message: expect.stringContaining(`${promotion} of`),
      hint: 'towpath status qa',
    });
    expect(world.promotions('qa')[0]?.state).toBe('succeeded');
  });
});

describe('reject', () => {
  it('ends it with the reason, by whom and when; the requester may take it back, too', async () => {
    for (const name of ['lead', 'developer']) {
      const world = await waiting();
      const result = await world.as(name).reject('qa', 'not this week');
      expect(result).toMatchObject({ state: 'rejected', kind: 'promote', deployed: undefined });
      expect(world.promotions('qa')).toMatchObject([{ id: result.promotion, state: 'rejected' }]);
      expect([...world.at('qa').ledger.values()].at(-1)).toMatchObject({
        actor: userArn(name),
        payload: { type: 'promotion.rejected', reason: 'not this week' },
      });
    }
  });

  it('leaves the way open for another promotion of the same release, which starts without approvals', async () => {
    const world = await waiting(2);
    await world.as('reviewer').approve('qa');
    const { promotion } = await world.as('lead').reject('qa');
    const again = await world.as('developer').promote('qa');
    expect(again.promotion).not.toBe(promotion);
    expect(again.gates.find(({ name }) => name === 'approvals')?.reason).toBe('0 of 2 given');
  });

  it('of nothing is an error', async () => {
    const world = createLadderWorld();
    await takeUpTo(world, 'qa');
    await expect(world.as('lead').reject('qa')).rejects.toMatchObject({ code: 'NO_OPEN_PROMOTION' });
    await expect(world.as('lead').reject('prod')).rejects.toMatchObject({ code: 'NO_OPEN_PROMOTION' });
  });
});
