/** `promote`, `approve`, `reject`, `rollback`, `apply` as a person and a script see them: text, JSON, exit codes. */
import { describe, expect, it } from 'vitest';
import { createLadderWorld, type LadderWorld, takeUpTo } from '../../../test/fakes/ladder-world.ts';
import { createMemoryCli } from '../../../test/fakes/memory-cli.ts';
import { change, planOf } from '../../../test/fakes/memory-terraform.ts';
import { SAMPLE_URL, sampleDigest } from '../../../test/fakes/sample-snapshot.ts';
import { TowpathError } from '../../domain/errors.ts';

function cliOf(world: LadderWorld = createLadderWorld()) {
  const cli = createMemoryCli({ world });
  const run = (...args: readonly string[]) => cli.run(...args, '--generate-secrets');
  return { world, cli, run };
}

/** test runs a release; nothing is asked for. */
async function deployed() {
  const all = cliOf();
  expect((await all.run('deploy', 'test')).exitCode).toBe(0);
  return all;
}

describe('promote', () => {
  it('that waits shows every gate, names the next command, and ends with 3', async () => {
    const { run, world } = await deployed();
    const { exitCode, out, err } = await run('promote', 'qa');
    expect(exitCode).toBe(3);
    expect(err).toBe('');
    for (const row of [
      /✓ +verified +r-\w+ is verified in test/,
      /✓ +soak +healthy in test/,
      /… +approvals +0 of 1 given/,
    ])
      expect(out).toMatch(row);
    const { id, release } = world.open('qa') ?? { id: '', release: { id: '' } };
    expect(out).toContain(`… qa: ${id} of ${release.id} waits: approvals: 0 of 1 given\n`);
    expect(out).toContain('next: somebody other than developer runs: towpath approve qa\n');
  });

  it('on the embedded AWS names the commands for it', async () => {
    const { cli, run } = await deployed();
    expect((await run('promote', 'qa', '--local')).out).toContain(
      'next: somebody other than developer runs: towpath approve qa --local --as reviewer\n',
    );
    const self = await cli.run('approve', 'qa', '--local');
    expect(self.exitCode).toBe(2);
    expect(self.err).toContain('next: somebody else runs: towpath approve qa --local --as reviewer\n');
  });

  it('that waits is one result for machines, with the gates', async () => {
    const { run, world } = await deployed();
    const { exitCode, json } = await run('promote', 'qa', '--json');
    expect(exitCode).toBe(3);
    expect(json().find(({ type }) => type === 'gates')).toMatchObject({ environment: 'qa' });
    expect(json().at(-1)).toMatchObject({
      type: 'result',
      environment: 'qa',
      promotion: world.open('qa')?.id,
      kind: 'promote',
      release: world.current('test'),
      state: 'waiting',
      gates: expect.arrayContaining([
        { name: 'approvals', state: 'waiting', reason: '0 of 1 given' },
        expect.objectContaining({ name: 'verified', state: 'open' }),
      ]),
    });
  });

  it('that is stopped by a closed gate ends with 1, and says what must change', async () => {
    const { run, world } = await deployed();
    world.workspace.tree = [{ path: 'infra/main.tf', content: 'module "other" {}' }];
    const { exitCode, out } = await run('promote', 'qa');
    expect(exitCode).toBe(1);
    expect(out).toMatch(/qa: p-\S+ of r-\w+ is stopped by a closed gate: tree: the Terraform tree here/);
    expect(out).toContain('next: check out the commit of the release, then towpath promote qa\n');
    const machine = await run('promote', 'qa', '--json');
    expect(machine.exitCode).toBe(1);
    expect(machine.json().at(-1)).toMatchObject({ type: 'result', state: 'closed' });
  });

  it.each([
    [
      'an image that is gone',
      (world: LadderWorld) => world.source.pushed.delete(sampleDigest('a')),
      'restorable',
    ],
    [
      'an environment before that has moved on',
      async (world: LadderWorld) => {
        await world.as('developer').promote('qa');
        world.source.digest = sampleDigest('c');
        await world.as('developer').deploy('test');
      },
      'verified',
    ],
  ])('names a way on from %s', async (_what, spoil, gate) => {
    const { run, world, cli } = cliOf();
    await takeUpTo(world, 'qa');
    world.source.digest = sampleDigest('b');
    await world.as('developer').deploy('test');
    await spoil(world);
    const { exitCode, out } =
      gate === 'verified' ? await cli.run('approve', 'qa', '--as', 'reviewer') : await run('promote', 'qa');
    expect(exitCode).toBe(1);
    expect(out).toContain(`${gate}: `);
    expect(out).toMatch(
      gate === 'verified'
        ? /next: towpath promote qa asks for what is verified there now\n/
        : /next: mend that, then towpath promote qa; or leave the ladder: towpath deploy qa --break-glass "why"\n/,
    );
  });

  it('whose only missing gate is time says so', async () => {
    const { run, world } = cliOf();
    await takeUpTo(world, 'staging');
    await run('promote', 'prod');
    await world.as('reviewer').approve('prod');
    await world.as('lead').approve('prod');
    const { exitCode, out } = await run('promote', 'prod');
    expect(exitCode).toBe(3);
    expect(out).toMatch(/waits: soak: healthy in staging for \d+ s of 10 min 0 s/);
    expect(out).toContain(
      'next: towpath promote prod once the environment before has been healthy for long enough\n',
    );
  });

  it.each([
    [['promote', 'qa'], 2, 'test runs no release that could be promoted to qa.'],
    [['promote', 'test'], 2, 'test is the first environment'],
    [['promote', 'qaa'], 2, 'did you mean "qa"?'],
    [['promote'], 2, 'missing required argument'],
    [['reject', 'qa'], 2, "required option '--reason <why>' not specified"],
    [['approve', 'qa'], 2, 'qa has no open promotion.'],
    [['reject', 'qa', '--reason', 'no'], 2, 'qa has no open promotion.'],
    [['rollback', 'qa'], 2, 'qa has no earlier release that succeeded.'],
    [['rollback', 'qa', '--to', 'r-1'], 2, 'No release r-1 has succeeded in qa.'],
    [['apply', 'qa'], 1, 'qa runs nothing yet.'],
  ] as const)('nothing to do: %j ends with %i', async (args, code, message) => {
    const { cli } = cliOf();
    const human = await cli.run(...args);
    expect(human.exitCode).toBe(code);
    expect(human.err).toContain(message);
    const machine = await cli.run(...args, '--json');
    expect(machine.exitCode).toBe(code);
    expect(machine.json().at(-1)).toMatchObject({ type: 'error', exitCode: code });
  });
});

describe('approve and reject', () => {
  it('the last yes runs it: stages, outcome and address', async () => {
    const { run, world } = await deployed();
    await run('promote', 'qa');
    const { exitCode, out } = await run('approve', 'qa', '--as', 'reviewer');
    expect(exitCode).toBe(0);
    expect(out).toMatch(/^qa on AWS: account 123456789012, us-east-1, as user\/reviewer$/m);
    expect(out).toMatch(new RegExp(`✓ qa now runs ${world.current('qa')}\n  ${SAMPLE_URL}/\n$`));
    expect(out).toContain('staging: promotion p-');
  });

  it('as JSON says what was deployed', async () => {
    const { run, world } = await deployed();
    await run('promote', 'qa');
    const { exitCode, json } = await run('approve', 'qa', '--as', 'reviewer', '--json');
    expect(exitCode).toBe(0);
    expect(json().at(-1)).toMatchObject({
      type: 'result',
      state: 'open',
      deployed: { environment: 'qa', changed: true, release: { id: world.current('test') } },
    });
  });

  it("one's own is refused with 2, in both formats", async () => {
    const { cli, run } = await deployed();
    await run('promote', 'qa');
    const human = await cli.run('approve', 'qa');
    expect(human.exitCode).toBe(2);
    expect(human.err).toContain('was requested by you (arn:aws:iam::123456789012:user/developer)');
    const machine = await cli.run('approve', 'qa', '--json');
    expect(machine.json().at(-1)).toMatchObject({ type: 'error', code: 'SELF_APPROVAL', exitCode: 2 });
  });

  it('whose release fails ends with 1 and never says that it runs', async () => {
    const { run, world } = await deployed();
    await run('promote', 'qa');
    world.at('qa').service.answer(500, '500 Internal Server Error');
    const { exitCode, out, err } = await run('approve', 'qa', '--as', 'reviewer');
    expect(exitCode).toBe(1);
    expect(out).not.toContain('now runs');
    expect(err).toContain('500 Internal Server Error');
  });

  it('a no is shown with what it ended', async () => {
    const { cli, run, world } = await deployed();
    await run('promote', 'qa');
    const id = world.open('qa')?.id;
    const { exitCode, out } = await cli.run('reject', 'qa', '--as', 'reviewer', '--reason', 'not this week');
    expect(exitCode).toBe(0);
    expect(out).toMatch(new RegExp(`qa: ${id} of r-\\w+ is rejected\n$`));
    const again = await cli.run('approve', 'qa', '--as', 'reviewer');
    expect(again.err).toContain('was rejected: not this week.');
  });
});

describe('rollback and apply', () => {
  it('rollback says what runs now; --to the current release is refused', async () => {
    const { cli, run, world } = await deployed();
    const first = world.current('test');
    world.source.digest = sampleDigest('b');
    await run('deploy', 'test');
    const { exitCode, out } = await cli.run('rollback', 'test');
    expect(exitCode).toBe(0);
    expect(out).toContain(`rollback to ${first}`);
    expect(out).toContain(`✓ test now runs ${first}`);
    const again = await cli.run('rollback', 'test', '--to', first ?? '', '--json');
    expect(again.exitCode).toBe(2);
    expect(again.json().at(-1)).toMatchObject({ code: 'NO_ROLLBACK_TARGET' });
  });

  it('apply that changes nothing says so; one that waits names itself, not promote', async () => {
    const { cli, world } = await deployed();
    const same = await cli.run('apply', 'test');
    expect(same.exitCode).toBe(0);
    expect(same.out).toContain(`✓ test already ran ${world.current('test')}`);
    await takeUpTo(world, 'qa');
    world.workspace.tree = [{ path: 'infra/main.tf', content: 'module "other" {}' }];
    const closed = await cli.run('apply', 'qa');
    expect(closed.exitCode).toBe(1);
    expect(closed.out).toContain('next: check out the commit of the release, then towpath apply qa\n');
  });

  it('a plan that takes something away ends with 1, until --allow-destroy', async () => {
    const { cli, world } = cliOf(createLadderWorld({ test: { protected: true } }));
    await cli.run('deploy', 'test', '--generate-secrets');
    const losing = () =>
      world.test.terraform.plans.push(planOf(change('delete', 'module.network.aws_vpc.this')));
    losing();
    const refused = await cli.run('apply', 'test');
    expect(refused.exitCode).toBe(1);
    expect(refused.err).toContain('the plan would delete module.network.aws_vpc.this');
    losing();
    expect((await cli.run('apply', 'test', '--allow-destroy')).exitCode).toBe(0);
  });
});

describe('several environments', () => {
  const bringUp = ['deploy', '--all', '--break-glass', 'first bring-up'] as const;
  const breakQa = (world: LadderWorld, error: unknown) =>
    world.at('qa').terraform.applies.push(async () => {
      throw error;
    });
  const noQuota = new TowpathError('TERRAFORM_FAILED', 'terraform apply failed: no quota.', {
    hint: 'ask for more',
  });

  it('tell the outcome of each, and end with 0 when all went well', async () => {
    const { run } = cliOf();
    const { exitCode, out } = await run(...bringUp);
    expect(exitCode).toBe(0);
    for (const name of ['test', 'qa', 'staging', 'prod']) expect(out).toContain(`✓ ${name} now runs r-`);
  });

  it('one that fails is told with its reason, the others stand, the exit code is 1', async () => {
    const { run, world } = cliOf();
    breakQa(world, noQuota);
    const { exitCode, out } = await run(...bringUp);
    expect(exitCode).toBe(1);
    expect(out).toContain('qa\n✗ terraform apply failed: no quota.\n  next: ask for more');
    for (const name of ['test', 'staging', 'prod']) expect(out).toContain(`✓ ${name} now runs r-`);
    expect(out).not.toContain('qa now runs');
  });

  it('are one result for machines', async () => {
    const { run, world } = cliOf();
    breakQa(world, noQuota);
    const { exitCode, json } = await run(...bringUp, '--json');
    expect(exitCode).toBe(1);
    expect(json().at(-1)).toMatchObject({
      type: 'result',
      environments: [
        { environment: 'test', changed: true },
        {
          environment: 'qa',
          error: {
            code: 'TERRAFORM_FAILED',
            message: 'terraform apply failed: no quota.',
            hint: 'ask for more',
          },
        },
        { environment: 'staging', changed: true },
        { environment: 'prod', changed: true },
      ],
    });
  });

  it.each<readonly [what: string, qa: unknown, prod: unknown, exitCode: number]>([
    ['a failure before a usage error', noQuota, new TowpathError('SECRET_MISSING', 'no value'), 1],
    ['a usage error before a failure', new TowpathError('SECRET_MISSING', 'no value'), noQuota, 1],
    ['a bug before a failure', new Error('undefined is not a function'), noQuota, 70],
    ['a bug after a failure', noQuota, new Error('undefined is not a function'), 70],
    ['a question nobody answered', new TowpathError('CONFIRMATION_NEEDED', 'nobody said yes'), undefined, 3],
  ])('end with the worst: %s', async (_what, qa, prod, exitCode) => {
    const { run, world } = cliOf();
    breakQa(world, qa);
    if (prod !== undefined)
      world.at('prod').terraform.applies.push(async () => {
        throw prod;
      });
    expect((await run(...bringUp)).exitCode).toBe(exitCode);
  });

  it('destroy that nobody confirms for one goes on with the others, and tells each', async () => {
    const { cli, run, world } = cliOf();
    await run('deploy', 'test');
    const { exitCode, out } = await cli.run('destroy', 'test', 'qa');
    expect(exitCode).toBe(3);
    expect(out).toContain(
      'test\n✗ test was not destroyed: nobody said yes.\n  next: towpath destroy test --yes',
    );
    expect(out).toContain('qa has nothing to destroy');
    expect(world.current('test')).toBeDefined();
    // prod is protected, which is worse than a question without an answer.
    expect((await cli.run('destroy', '--all')).exitCode).toBe(1);
  });

  it('destroy with --yes leaves a protected one alone and takes the others down', async () => {
    const { cli, run, world } = cliOf();
    await run(...bringUp);
    const { exitCode, json } = await cli.run('destroy', '--all', '--yes', '--json');
    expect(exitCode).toBe(1);
    expect(json().at(-1)).toMatchObject({
      environments: [
        { environment: 'test', destroyed: 3 },
        { environment: 'qa', destroyed: 3 },
        { environment: 'staging', destroyed: 3 },
        { environment: 'prod', error: { code: 'PLAN_NOT_ALLOWED', message: 'prod is protected.' } },
      ],
    });
    expect(world.current('prod')).toBeDefined();
    expect(world.current('staging')).toBeUndefined();
  });
});
