/** `promote`: what it opens, reuses, supersedes and refuses, what it waits for, and what it runs. */
import { describe, expect, it } from 'vitest';
import {
  createLadderWorld,
  PROD_SOAK_SECONDS,
  takeOn,
  takeUpTo,
  userArn,
} from '../../test/fakes/ladder-world.ts';
import {
  sampleDigest,
  sampleServiceEvent,
  sampleTarget,
  sampleTask,
  stableSnapshot,
} from '../../test/fakes/sample-snapshot.ts';

const A = sampleDigest('a');
const B = sampleDigest('b');

const stateOf = (gates: readonly { readonly name: string; readonly state: string }[], name: string) =>
  gates.find((gate) => gate.name === name)?.state;

describe('promote', () => {
  it('opens a promotion of the release that is verified in the environment before, and waits', async () => {
    const world = createLadderWorld();
    const { release, image } = await world.as('developer').deploy('test');
    const result = await world.as('developer').promote('qa');
    expect(result).toMatchObject({
      environment: 'qa',
      kind: 'promote',
      release: release.id,
      state: 'waiting',
      deployed: undefined,
    });
    expect(result.gates.map(({ name, state }) => `${name} ${state}`)).toEqual([
      'verified open',
      'soak open',
      'approvals waiting',
      'restorable open',
      'tree open',
    ]);
    expect(world.at('qa').payloads()).toEqual([
      {
        type: 'promotion.opened',
        promotion: result.promotion,
        kind: 'promote',
        release,
        image,
        from: 'test',
        trigger: 'manual',
      },
    ]);
    expect(world.open('qa')?.requestedBy).toBe(userArn('developer'));
    expect(world.events).toContainEqual({
      type: 'gates',
      environment: 'qa',
      promotion: result.promotion,
      release: release.id,
      gates: result.gates,
    });
  });

  it('bootstraps its target, locks nothing and plans nothing while it waits', async () => {
    const world = createLadderWorld();
    await world.as('developer').deploy('test');
    world.journal.length = 0;
    await world.as('developer').promote('qa');
    expect(world.at('qa').bootstrap).toMatchObject({ bucket: 'ours', table: 'ours' });
    expect(world.journal).toEqual(['ledger promotion.opened']);
  });

  it('goes on with the one that is open, whoever asks', async () => {
    const world = createLadderWorld();
    await world.as('developer').deploy('test');
    const first = await world.as('developer').promote('qa');
    const again = await world.as('lead').promote('qa');
    expect(again.promotion).toBe(first.promotion);
    expect(world.types('qa')).toEqual(['promotion.opened']);
    expect(world.open('qa')?.requestedBy).toBe(userArn('developer'));
  });

  it('supersedes a waiting promotion of an older release, and says so', async () => {
    const world = createLadderWorld();
    await world.as('developer').deploy('test');
    const old = await world.as('developer').promote('qa');
    world.source.digest = B;
    await world.as('developer').deploy('test');
    const young = await world.as('lead').promote('qa');
    expect(young.promotion).not.toBe(old.promotion);
    expect(world.promotions('qa')).toMatchObject([
      { id: old.promotion, state: 'superseded', reason: young.release },
      { id: young.promotion, state: 'open', requestedBy: userArn('lead') },
    ]);
    expect(world.events).toContainEqual({
      type: 'note',
      text: `${old.promotion} (promote of ${old.release}, asked for by developer) is superseded`,
    });
  });

  it('runs at once where no gate waits: under the lock, intent before the effect', async () => {
    const world = createLadderWorld({
      qa: { promotion: { trigger: 'manual', approvals: 0, soakSeconds: 0 } },
      staging: { promotion: { trigger: 'manual', approvals: 1, soakSeconds: 0 } },
    });
    const { release, image } = await world.as('developer').deploy('test');
    world.journal.length = 0;
    const result = await world.as('developer').promote('qa');
    expect(result).toMatchObject({ state: 'open', deployed: { changed: true, image } });
    expect(world.journal).toEqual([
      'ledger promotion.opened',
      'lock (promote)',
      'terraform init',
      `terraform plan ${image}`,
      'ledger deployment.started',
      `terraform apply ${image}`,
      'ledger deployment.succeeded',
      'unlock',
    ]);
    expect(world.at('qa').payloads()[1]).toMatchObject({
      type: 'deployment.started',
      kind: 'promote',
      promotion: result.promotion,
      release,
    });
    expect(world.promotions('qa').map(({ state }) => state)).toEqual(['succeeded']);
    expect(world.current('qa')).toBe(release.id);
  });

  it('moves exactly that release to the end of the ladder: nothing is built on the way', async () => {
    const world = createLadderWorld();
    const release = await takeUpTo(world, 'prod');
    for (const name of ['test', 'qa', 'staging', 'prod']) {
      expect(world.current(name)).toBe(release);
      expect(world.at(name).terraform.applied).toContain(A);
    }
    expect(world.journal.filter((line) => line === 'build')).toHaveLength(1);
  });
});

describe('promote with nothing to promote', () => {
  it('to an environment that the configuration does not have', async () => {
    await expect(createLadderWorld().as('developer').promote('qaa')).rejects.toMatchObject({
      code: 'UNKNOWN_ENVIRONMENT',
      hint: 'did you mean "qa"?',
    });
  });

  it('to the first environment, which takes new releases', async () => {
    await expect(createLadderWorld().as('developer').promote('test')).rejects.toMatchObject({
      code: 'USAGE',
      hint: 'towpath deploy test',
    });
  });

  it.each([
    ['qa', 'test', 'towpath deploy test'],
    ['staging', 'qa', 'towpath promote qa'],
  ])('to %s while %s runs nothing: nothing is made', async (name, before, hint) => {
    const world = createLadderWorld();
    await expect(world.as('developer').promote(name)).rejects.toMatchObject({
      code: 'NOTHING_TO_PROMOTE',
      message: `${before} runs no release that could be promoted to ${name}.`,
      hint,
    });
    expect(world.journal).toEqual([]);
    expect(world.at(name).bootstrap.bucket).toBe('absent');
  });

  it('from an environment whose only deployment failed', async () => {
    const world = createLadderWorld();
    world.test.service.answer(500, '500 Internal Server Error');
    await expect(world.as('developer').deploy('test')).rejects.toMatchObject({ code: 'DEPLOYMENT_FAILED' });
    await expect(world.as('developer').promote('qa')).rejects.toMatchObject({ code: 'NOTHING_TO_PROMOTE' });
  });

  it('to an environment that runs the release already', async () => {
    const world = createLadderWorld();
    const release = await takeUpTo(world, 'qa');
    await expect(world.as('developer').promote('qa')).rejects.toMatchObject({
      code: 'NOTHING_TO_PROMOTE',
      message: `qa runs ${release} already, as test does.`,
    });
  });

  it('from an environment that was destroyed', async () => {
    const world = createLadderWorld();
    await takeUpTo(world, 'qa');
    const { ledger } = world.as('developer').ports.cloud(world.at('qa').environment);
    await ledger.append([...world.at('qa').ledger.values()].at(-1), { type: 'environment.destroyed' });
    await expect(world.as('developer').promote('staging')).rejects.toMatchObject({
      code: 'NOTHING_TO_PROMOTE',
      hint: 'towpath promote qa',
    });
  });
});

describe('the soak', () => {
  /** Approved twice; only time is missing. */
  async function waitingForTime() {
    const world = createLadderWorld();
    const release = await takeUpTo(world, 'staging');
    await world.as('developer').promote('prod');
    await world.as('reviewer').approve('prod');
    const result = await world.as('lead').approve('prod');
    return { world, release, result };
  }

  it('keeps an approved promotion waiting, and says how long', async () => {
    const { result } = await waitingForTime();
    expect(result.state).toBe('waiting');
    expect(result.gates.find(({ name }) => name === 'soak')?.reason).toMatch(
      /^healthy in staging for 0 s of 10 min 0 s; 10 min 0 s to go$/,
    );
    expect(stateOf(result.gates, 'approvals')).toBe('open');
  });

  it('is over when the time has come: promote runs it', async () => {
    const { world, release } = await waitingForTime();
    world.clock.advance(PROD_SOAK_SECONDS * 1_000);
    expect((await world.as('developer').promote('prod')).deployed).toMatchObject({ changed: true });
    expect(world.current('prod')).toBe(release);
  });

  it.each([
    [
      'an unhealthy target',
      { targets: [sampleTarget('10.0.0.7', { state: 'unhealthy' })] },
      '1 of 1 targets',
    ],
    ['fewer tasks than wanted', { running: 0 }, '0 of 1 tasks run'],
    [
      'tasks of another image',
      { tasks: [sampleTask(0, B)] },
      '1 of 1 tasks run another image than that of r-',
    ],
  ])('is not under way with %s, whatever time has passed', async (_what, changes, reason) => {
    const { world } = await waitingForTime();
    world.clock.advance(10 * PROD_SOAK_SECONDS * 1_000);
    world.at('staging').service.play(stableSnapshot(A, changes));
    const result = await world.as('developer').promote('prod');
    expect(result.state).toBe('waiting');
    expect(result.gates.find(({ name }) => name === 'soak')?.reason).toContain(
      `staging is not healthy: ${reason}`,
    );
  });

  it('begins again with trouble that is over by now', async () => {
    const { world } = await waitingForTime();
    world.clock.advance(PROD_SOAK_SECONDS * 1_000);
    const trouble = new Date(world.clock.now().getTime() - 60_000).toISOString();
    const message = '(service shop-staging) (task 1) failed ELB health checks in (target-group tg)';
    world
      .at('staging')
      .service.play(stableSnapshot(A, { events: [sampleServiceEvent('e-1', trouble, message)] }));
    const result = await world.as('developer').promote('prod');
    expect(result.gates.find(({ name }) => name === 'soak')?.reason).toMatch(/for 1 min 0 s of 10 min 0 s/);
    world.clock.advance((PROD_SOAK_SECONDS - 60) * 1_000);
    expect((await world.as('developer').promote('prod')).state).toBe('open');
  });

  it('is not under way where the service is gone', async () => {
    const { world } = await waitingForTime();
    world.at('staging').service.play(undefined);
    const { gates } = await world.as('developer').promote('prod');
    expect(gates.find(({ name }) => name === 'soak')?.reason).toBe(
      'staging is not healthy: there is no service',
    );
  });
});

describe('a closed gate', () => {
  it('is a Terraform tree that is not that of the release; with the tree back it goes on', async () => {
    const world = createLadderWorld();
    await world.as('developer').deploy('test');
    const { tree } = world.workspace;
    world.workspace.tree = [...tree, { path: 'infra/extra.tf', content: '# more' }];
    const result = await world.as('developer').promote('qa');
    expect(result).toMatchObject({ state: 'closed', deployed: undefined });
    expect(stateOf(result.gates, 'tree')).toBe('closed');
    world.workspace.tree = tree;
    expect((await world.as('reviewer').approve('qa')).deployed?.changed).toBe(true);
  });

  it('is a release before that could not come back: its image is gone', async () => {
    const world = createLadderWorld();
    const first = await takeUpTo(world, 'qa');
    world.source.digest = B;
    await world.as('developer').deploy('test');
    world.source.pushed.delete(A);
    const result = await world.as('developer').promote('qa');
    expect(result.state).toBe('closed');
    expect(result.gates.find(({ name }) => name === 'restorable')?.reason).toBe(
      `the image of ${first} is gone from the registry`,
    );
  });

  it('is a secret without a value, unless it is to be generated', async () => {
    const world = createLadderWorld();
    await takeUpTo(world, 'qa');
    world.source.digest = B;
    await world.as('developer').deploy('test');
    world.at('qa').secrets.clear();
    const closed = await world.as('developer').promote('qa', { generateSecrets: false });
    expect(closed.gates.find(({ name }) => name === 'restorable')?.reason).toMatch(/no value: app-secret$/);
    const generated = await world.as('reviewer').approve('qa', { generateSecrets: true });
    expect(generated.deployed?.changed).toBe(true);
    expect(world.at('qa').secrets.has('app-secret')).toBe(true);
  });

  it('is an environment before that has moved on: its new release is promoted instead', async () => {
    const world = createLadderWorld();
    await world.as('developer').deploy('test');
    const old = await world.as('developer').promote('qa');
    world.source.digest = B;
    const { release } = await world.as('developer').deploy('test');
    const result = await world.as('reviewer').approve('qa');
    expect(result).toMatchObject({ promotion: old.promotion, state: 'closed' });
    expect(result.gates[0]?.reason).toBe(`test runs ${release.id}, not ${old.release}`);
    expect(world.current('qa')).toBeUndefined();
    await takeOn(world, 'qa');
    expect(world.current('qa')).toBe(release.id);
  });
});
