/**
 * What happens between open gates and the outcome: others who write, hold or decide meanwhile, the plan's own gate,
 * a ledger that does not hold, and releases that fail.
 */
import { describe, expect, it } from 'vitest';
import { createLadderWorld, type LadderWorld, takeUpTo, userArn } from '../../test/fakes/ladder-world.ts';
import { change, planOf } from '../../test/fakes/memory-terraform.ts';
import { givenUpSnapshot, sampleDigest, stableSnapshot } from '../../test/fakes/sample-snapshot.ts';
import { TowpathError } from '../domain/errors.ts';
import { type LedgerPayload, nextEvent, verifyChain } from '../domain/ledger.ts';

const [A, B] = [sampleDigest('a'), sampleDigest('b')];

/** qa runs A; a promotion of B waits for the reviewer. */
async function waitingForYes(): Promise<LadderWorld & { readonly first: string; readonly second: string }> {
  const world = createLadderWorld({
    staging: { promotion: { trigger: 'manual', approvals: 1, soakSeconds: 0 } },
  });
  const first = await takeUpTo(world, 'qa');
  world.source.digest = B;
  const { release } = await world.as('developer').deploy('test');
  await world.as('developer').promote('qa');
  world.journal.length = 0;
  return { ...world, first, second: release.id };
}

/** Somebody else's event at the end of qa's ledger. */
function intrude(world: LadderWorld, payload: LedgerPayload): void {
  const { ledger } = world.at('qa');
  const last = [...ledger.values()].at(-1);
  const event = nextEvent(last, { time: world.clock.now().toISOString(), actor: userArn('other'), payload });
  ledger.set(event.sequence, event);
}

function expectWholeChain(world: LadderWorld): void {
  expect(verifyChain([...world.at('qa').ledger].map(([key, event]) => ({ key, event })))).toEqual([]);
}

/** Says nothing about qa, and takes the place of an event all the same. */
const STRANGER: LedgerPayload = { type: 'promotion.approved', promotion: 'p-of-another-life' };

describe('somebody else who writes to the ledger at every append', () => {
  it('costs nothing: each event is decided again and written once', async () => {
    const world = await waitingForYes();
    world.beforeAppend('qa', () => {
      // Every other time, so that the second attempt gets through.
      if ([...world.at('qa').ledger.values()].at(-1)?.actor !== userArn('other')) intrude(world, STRANGER);
    });
    expect((await world.as('reviewer').approve('qa')).deployed?.changed).toBe(true);
    const own = world
      .at('qa')
      .payloads()
      .slice(-8)
      .filter((payload) => payload !== STRANGER);
    expect(own.map(({ type }) => type).slice(-3)).toEqual([
      'promotion.approved',
      'deployment.started',
      'deployment.succeeded',
    ]);
    expect(world.current('qa')).toBe(world.second);
    expectWholeChain(world);
  });

  it.each(['promotion.approved', 'deployment.started'] as const)(
    'and never lets go of %s is an error; the same command works later',
    async (type) => {
      const world = await waitingForYes();
      let busy = true;
      world.beforeAppend('qa', (payload) => {
        if (busy && payload.type === type) intrude(world, STRANGER);
      });
      await expect(world.as('reviewer').approve('qa')).rejects.toMatchObject({
        code: 'LEDGER_RACE',
        hint: 'run the same command again',
      });
      expect(world.at('qa').lock.holder).toBeUndefined();
      expect(world.current('qa')).toBe(world.first);
      busy = false;
      expect((await world.as('reviewer').approve('qa')).deployed?.changed).toBe(true);
      expectWholeChain(world);
    },
  );

  it('and never lets go of the outcome leaves a deployment that the next command settles', async () => {
    const world = await waitingForYes();
    let busy = true;
    world.beforeAppend('qa', (payload) => {
      if (busy && payload.type.startsWith('deployment.') && payload.type !== 'deployment.started')
        intrude(world, STRANGER);
    });
    await expect(world.as('reviewer').approve('qa')).rejects.toMatchObject({ code: 'LEDGER_RACE' });
    expect(world.promotions('qa').at(-1)?.state).toBe('running');
    expect(world.events).toContainEqual(
      expect.objectContaining({ type: 'warning', text: expect.stringContaining('could not be recorded') }),
    );
    busy = false;
    expect((await world.as('developer').promote('qa')).deployed?.release.id).toBe(world.second);
    expect(world.promotions('qa').at(-1)?.state).toBe('succeeded');
    expectWholeChain(world);
  });

  it.each([
    ['approved the same promotion', 'promotion.approved'],
    ['opened another one for the same release', 'promotion.opened'],
  ] as const)('two at once who both %s end up with one', async (_what, type) => {
    const world = createLadderWorld({
      qa: { promotion: { trigger: 'manual', approvals: 2, soakSeconds: 0 } },
    });
    await world.as('developer').deploy('test');
    if (type === 'promotion.opened') {
      const [one, other] = await Promise.all([
        world.as('developer').promote('qa'),
        world.as('lead').promote('qa'),
      ]);
      expect(one.promotion).toBe(other.promotion);
    } else {
      await world.as('developer').promote('qa');
      const answers = await Promise.allSettled([
        world.as('reviewer').approve('qa'),
        world.as('reviewer').approve('qa'),
      ]);
      expect(answers.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    }
    expect(world.types('qa').filter((one) => one === type)).toHaveLength(1);
  });
});

describe('people who change their mind while it is prepared', () => {
  it.each<readonly [string, (world: LadderWorld) => Promise<unknown>, string]>([
    [
      'reject it',
      (world) => world.as('lead').reject('qa', 'wait for the fix'),
      'it is rejected (wait for the fix)',
    ],
    [
      'ask for a newer release',
      async (world) => {
        world.source.digest = sampleDigest('c');
        await world.as('developer').deploy('test');
        await world.as('developer').promote('qa');
      },
      'it is superseded (r-',
    ],
  ])('and %s are heard until the intent stands', async (_what, meanwhile, reason) => {
    const world = await waitingForYes();
    world.at('qa').terraform.beforeInit = async () => void (await meanwhile(world));
    await expect(world.as('reviewer').approve('qa')).rejects.toMatchObject({
      code: 'NO_OPEN_PROMOTION',
      message: expect.stringContaining(reason),
      hint: 'towpath status qa',
    });
    expect(world.current('qa')).toBe(world.first);
    expect(world.at('qa').terraform.applied).toContain(A);
    expect(world.types('qa').filter((type) => type === 'deployment.started')).toHaveLength(1);
    expect(world.at('qa').lock.holder).toBeUndefined();
  });
});

describe('a newer release that is asked for while an older one is carried out', () => {
  async function askedMeanwhile(end: 'well' | 'broken') {
    const world = await waitingForYes();
    world.at('qa').terraform.applies.push(async ({ finish }) => {
      world.source.digest = sampleDigest('c');
      await world.as('developer').deploy('test');
      await world.as('developer').promote('qa');
      if (end === 'broken') throw new TowpathError('TERRAFORM_FAILED', 'terraform apply failed: no quota.');
      finish();
    });
    const approved = world.as('reviewer').approve('qa');
    await (end === 'well' ? approved : expect(approved).rejects.toMatchObject({ code: 'TERRAFORM_FAILED' }));
    return { world, states: world.promotions('qa').map(({ state }) => state) };
  }

  it('waits; what runs ends as it ends', async () => {
    const { world, states } = await askedMeanwhile('well');
    expect(states).toEqual(['succeeded', 'succeeded', 'open']);
    expect(world.current('qa')).toBe(world.second);
    expect((await world.as('reviewer').approve('qa')).deployed?.release.id).toBe(world.current('test'));
  });

  it('is the only one that is left when the older one breaks', async () => {
    const { world, states } = await askedMeanwhile('broken');
    expect(states).toEqual(['succeeded', 'superseded', 'open']);
    await world.as('lead').reject('qa');
    expect(world.open('qa')).toBeUndefined();
  });
});

describe('a lock that another holds', () => {
  it('stops it before anything is planned; the yes stands, and promote goes on', async () => {
    const world = await waitingForYes();
    const held = await world.at('qa').cloud.lock.acquire('destroy');
    await expect(world.as('reviewer').approve('qa')).rejects.toMatchObject({
      code: 'LOCK_HELD',
      message: expect.stringContaining(held.info.since),
    });
    expect(world.journal.filter((line) => line.startsWith('terraform'))).toEqual([]);
    await held.release();
    expect((await world.as('developer').promote('qa')).deployed?.changed).toBe(true);
  });
});

describe('the plan of a protected environment', () => {
  const losses = planOf(
    change('replace', 'module.network.aws_vpc.this'),
    change('replace', 'module.ecs.aws_ecs_task_definition.this'),
    change('update', 'module.ecs.aws_ecs_service.this'),
  );
  async function approvedWithLosses(isProtected: boolean) {
    const world = createLadderWorld({
      qa: { protected: isProtected },
      staging: { promotion: { trigger: 'manual', approvals: 1, soakSeconds: 0 } },
    });
    await world.as('developer').deploy('test');
    await world.as('developer').promote('qa');
    world.at('qa').terraform.plans.push(losses);
    return world;
  }

  it('that would lose something is not applied; nothing is written, and the yes stands', async () => {
    const world = await approvedWithLosses(true);
    await expect(world.as('reviewer').approve('qa')).rejects.toMatchObject({
      code: 'PLAN_NOT_ALLOWED',
      message: 'qa is protected, and the plan would replace module.network.aws_vpc.this.',
      hint: 'if that is what you want, give --allow-destroy',
    });
    expect(world.types('qa')).toEqual(['promotion.opened', 'promotion.approved']);
    expect(world.at('qa').terraform.applied).toBeUndefined();
    world.at('qa').terraform.plans.push(losses);
    const allowed = await world.as('developer').promote('qa', { allowDestroy: true });
    expect(allowed.deployed?.changed).toBe(true);
  });

  it('is no matter where nothing is protected', async () => {
    const world = await approvedWithLosses(false);
    expect((await world.as('reviewer').approve('qa')).deployed?.changed).toBe(true);
  });
});

describe('a ledger that somebody edited', () => {
  async function edited(environment: 'test' | 'qa') {
    const world = await waitingForYes();
    const { ledger } = world.at(environment);
    const event = ledger.get(1);
    if (!event) throw new Error(`${environment} has no event`);
    ledger.set(1, { ...event, time: '2020-01-01T00:00:00.000Z' });
    return { world, size: ledger.size };
  }

  it.each(['test', 'qa'] as const)('in %s stops everything, and nothing is written', async (environment) => {
    const { world, size } = await edited(environment);
    const corrupt = { code: 'LEDGER_CORRUPT', message: expect.stringContaining('event 1 is changed') };
    await expect(world.as('developer').promote('qa')).rejects.toMatchObject(corrupt);
    if (environment === 'qa') {
      await expect(world.as('reviewer').approve('qa')).rejects.toMatchObject(corrupt);
      await expect(world.as('reviewer').reject('qa')).rejects.toMatchObject(corrupt);
      await expect(world.as('developer').rollback('qa')).rejects.toMatchObject(corrupt);
      await expect(world.as('developer').apply('qa')).rejects.toMatchObject(corrupt);
    }
    expect(world.at(environment).ledger.size).toBe(size);
    expect(world.journal).toEqual([]);
  });
});

describe('a promotion whose release fails', () => {
  async function failing() {
    const world = await waitingForYes();
    world.at('qa').terraform.applies.push(async ({ finish }) => {
      finish();
      world.at('qa').service.play(givenUpSnapshot(B), stableSnapshot(A));
      throw new TowpathError('TERRAFORM_FAILED', 'terraform apply failed: waiting for ECS service.');
    });
    const error: unknown = await world
      .as('reviewer')
      .approve('qa')
      .catch((thrown: unknown) => thrown);
    return { world, error };
  }

  it('puts the release before back in service, state and ledger, and is a failure', async () => {
    const { world, error } = await failing();
    expect(error).toMatchObject({
      code: 'DEPLOYMENT_FAILED',
      message: expect.stringContaining(`${world.second} does not run in qa`),
    });
    expect((error as TowpathError).hint).not.toContain('towpath deploy qa');
    expect(world.current('qa')).toBe(world.first);
    expect(world.at('qa').terraform.applied).toContain(A);
    expect(world.at('qa').payloads().at(-1)).toMatchObject({ type: 'deployment.failed', restored: true });
    expect(world.promotions('qa').at(-1)?.state).toBe('failed');
  });

  it('can be asked for again, with approvals from the start', async () => {
    const { world } = await failing();
    await expect(world.as('lead').approve('qa')).rejects.toMatchObject({
      code: 'NO_OPEN_PROMOTION',
      message: expect.stringMatching(/The last, p-\S+ of r-\S+, failed\.$/),
    });
    const again = await world.as('developer').promote('qa');
    expect(again).toMatchObject({ state: 'waiting', release: world.second });
    expect((await world.as('reviewer').approve('qa')).deployed?.changed).toBe(true);
    expect(world.current('qa')).toBe(world.second);
  });
});

describe('a promotion whose machinery breaks', () => {
  it('stays open with its approvals: the same command goes on', async () => {
    const world = await waitingForYes();
    world.at('qa').terraform.applies.push(async () => {
      throw new TowpathError('TERRAFORM_FAILED', 'terraform apply failed: no quota.');
    });
    await expect(world.as('reviewer').approve('qa')).rejects.toMatchObject({ code: 'TERRAFORM_FAILED' });
    expect(world.open('qa')).toMatchObject({ state: 'open', approvals: [{ by: userArn('reviewer') }] });
    expect((await world.as('developer').promote('qa')).deployed?.changed).toBe(true);
  });
});
