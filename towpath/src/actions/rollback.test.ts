/** `rollback`: which release it chooses, what has to be there for it, and what keeps it from running. */
import { describe, expect, it } from 'vitest';
import { createLadderWorld, type LadderWorld } from '../../test/fakes/ladder-world.ts';
import { change, planOf } from '../../test/fakes/memory-terraform.ts';
import { sampleDigest } from '../../test/fakes/sample-snapshot.ts';
import { TowpathError } from '../domain/errors.ts';
import { destroy } from './destroy.ts';
import { rollback } from './rollback.ts';

const DIGESTS = ['a', 'b', 'c'] as const;

/** One environment that has run as many releases, one after the other. */
async function history(count: number): Promise<{ world: LadderWorld; ids: readonly string[] }> {
  const world = createLadderWorld();
  const ids: string[] = [];
  for (const hexDigit of DIGESTS.slice(0, count)) {
    world.source.digest = sampleDigest(hexDigit);
    const { release } = await world.as('developer').deploy('test');
    ids.push(release.id);
  }
  world.journal.length = 0;
  return { world, ids };
}

describe('rollback without a name', () => {
  it('goes to the release before, with its image, and asks nobody', async () => {
    const { world, ids } = await history(2);
    const result = await world.as('reviewer').rollback('test');
    expect(result).toMatchObject({ changed: true, release: { id: ids[0] } });
    expect(result.image).toContain(sampleDigest('a'));
    expect(world.current('test')).toBe(ids[0]);
    expect(world.journal).toEqual([
      'lock (rollback)',
      'terraform init',
      `terraform plan ${result.image}`,
      'ledger deployment.started',
      `terraform apply ${result.image}`,
      'ledger deployment.succeeded',
      'unlock',
    ]);
    expect(world.test.payloads().at(-2)).toMatchObject({ type: 'deployment.started', kind: 'rollback' });
  });

  it('twice goes on along the line, and does not bring back what was left', async () => {
    const { world, ids } = await history(3);
    await world.as('developer').rollback('test');
    await world.as('developer').rollback('test');
    expect(world.current('test')).toBe(ids[0]);
    await expect(world.as('developer').rollback('test')).rejects.toMatchObject({
      code: 'NO_ROLLBACK_TARGET',
      message: `test has no earlier release that succeeded before ${ids[0]}.`,
      hint: 'towpath history test',
    });
  });

  it('passes over releases that failed', async () => {
    const { world, ids } = await history(2);
    world.source.digest = sampleDigest('d');
    world.test.service.answer(500, '500 Internal Server Error');
    await expect(world.as('developer').deploy('test')).rejects.toMatchObject({ code: 'DEPLOYMENT_FAILED' });
    world.test.service.answer(200, '200 OK');
    expect((await world.as('developer').rollback('test')).release.id).toBe(ids[0]);
  });

  it('goes back to the current release after a deployment that broke half-way', async () => {
    const { world, ids } = await history(2);
    world.source.digest = sampleDigest('d');
    world.test.terraform.applies.push(async () => {
      throw new TowpathError('TERRAFORM_FAILED', 'terraform apply failed: no quota.');
    });
    await expect(world.as('developer').deploy('test')).rejects.toMatchObject({ code: 'TERRAFORM_FAILED' });
    expect((await world.as('developer').rollback('test')).release.id).toBe(ids[1]);
  });

  it.each([
    ['that was never bootstrapped', 0],
    ['that has run one release only', 1],
  ])('of an environment %s has no target', async (_what, count) => {
    const { world } = await history(count);
    await expect(world.as('developer').rollback('test')).rejects.toMatchObject({
      code: 'NO_ROLLBACK_TARGET',
      message: expect.stringContaining('test has no earlier release that succeeded'),
    });
    expect(world.journal).toEqual([]);
  });
});

describe('rollback --to', () => {
  it('goes to any release that succeeded here, back or forth', async () => {
    const { world, ids } = await history(3);
    await world.as('developer').rollback('test', ids[0]);
    expect(world.current('test')).toBe(ids[0]);
    await world.as('developer').rollback('test', ids[2]);
    expect(world.current('test')).toBe(ids[2]);
  });

  it('takes the start of a name', async () => {
    const { world, ids } = await history(3);
    expect((await world.as('developer').rollback('test', ids[0]?.slice(0, 8))).release.id).toBe(ids[0]);
  });

  it('does not guess what the start of several names means', async () => {
    const { world, ids } = await history(3);
    await expect(world.as('developer').rollback('test', 'r-')).rejects.toMatchObject({
      code: 'UNKNOWN_RELEASE',
      message: `r- is the start of several releases that have succeeded in test: ${ids.join(', ')}.`,
      hint: 'name one of them in full',
    });
  });

  it('names those that there are when it knows none of that name', async () => {
    const { world, ids } = await history(2);
    await expect(world.as('developer').rollback('test', 'r-nothing')).rejects.toMatchObject({
      code: 'UNKNOWN_RELEASE',
      message: `No release r-nothing has succeeded in test. Those that have: ${ids.join(', ')}.`,
    });
    await expect(world.as('developer').rollback('qa', 'r-nothing')).rejects.toMatchObject({
      message: 'No release r-nothing has succeeded in qa. Those that have: none.',
    });
  });

  it('does not know a release that failed here', async () => {
    const { world } = await history(1);
    world.source.digest = sampleDigest('b');
    world.test.service.answer(500, '500 Internal Server Error');
    await expect(world.as('developer').deploy('test')).rejects.toThrow();
    const failed = world.test.payloads().at(-2);
    const id = failed?.type === 'deployment.started' ? failed.release.id : '';
    await expect(world.as('developer').rollback('test', id)).rejects.toMatchObject({
      code: 'UNKNOWN_RELEASE',
    });
  });

  it('the current one is refused, and the others are named', async () => {
    const { world, ids } = await history(2);
    await expect(world.as('developer').rollback('test', ids[1])).rejects.toMatchObject({
      code: 'NO_ROLLBACK_TARGET',
      message: `test runs ${ids[1]} already.`,
      hint: `name another one: ${ids[0]}`,
    });
  });
});

describe('what a rollback needs', () => {
  it('is its image in the registry', async () => {
    const { world, ids } = await history(2);
    world.source.pushed.delete(sampleDigest('a'));
    await expect(world.as('developer').rollback('test')).rejects.toMatchObject({
      code: 'NO_ROLLBACK_TARGET',
      message: expect.stringMatching(
        new RegExp(`^${ids[0]} can't run in test again: its image sha256:a+ is gone`),
      ),
      hint: 'towpath rollback test --to another release',
    });
    expect(world.journal).toEqual([]);
  });

  it('is not the image of what it leaves behind', async () => {
    const { world, ids } = await history(2);
    world.source.pushed.delete(sampleDigest('b'));
    expect((await world.as('developer').rollback('test')).release.id).toBe(ids[0]);
  });

  it('are values of its secrets', async () => {
    const { world } = await history(2);
    world.test.secrets.clear();
    await expect(world.as('developer').rollback('test')).rejects.toMatchObject({
      code: 'NO_ROLLBACK_TARGET',
      message: expect.stringContaining('these secrets have no value: app-secret'),
      hint: 'towpath secret set test app-secret',
    });
  });

  it.each([
    ['c'.repeat(40), `git checkout ${'c'.repeat(40)}, then the same command`],
    [
      `${'c'.repeat(40)}-dirty`,
      `git checkout ${'c'.repeat(40)} with the changes that were not committed then, then the same command`,
    ],
    [
      'none',
      expect.stringMatching(
        /^bring infra\/ back to what it was when r-\w+ was built, then the same command$/,
      ),
    ],
  ])('is the Terraform tree of the release, of commit %s', async (commit, hint) => {
    const world = createLadderWorld();
    world.workspace.commit = commit;
    const { release } = await world.as('developer').deploy('test');
    world.workspace.tree = [{ path: 'infra/main.tf', content: 'module "network" { more = true }' }];
    world.source.digest = sampleDigest('b');
    await world.as('developer').deploy('test');
    world.journal.length = 0;
    await expect(world.as('developer').rollback('test')).rejects.toMatchObject({
      code: 'GATE_CLOSED',
      message: expect.stringContaining(`The way back to ${release.id} is closed: the Terraform tree here`),
      hint,
    });
    expect(world.journal).toEqual([]);
  });

  it('is a yes, where a protected environment would lose something', async () => {
    const world = createLadderWorld({ test: { protected: true } });
    const { release } = await world.as('developer').deploy('test');
    world.source.digest = sampleDigest('b');
    await world.as('developer').deploy('test');
    const losing = () =>
      world.test.terraform.plans.push(planOf(change('delete', 'module.load_balancer.aws_lb.this')));
    losing();
    await expect(world.as('developer').rollback('test')).rejects.toMatchObject({ code: 'PLAN_NOT_ALLOWED' });
    expect(world.current('test')).not.toBe(release.id);
    losing();
    await world.as('developer').rollback('test', undefined, { allowDestroy: true });
    expect(world.current('test')).toBe(release.id);
  });
});

describe('rollback of a destroyed environment', () => {
  async function destroyed() {
    const { world, ids } = await history(2);
    const signal = new AbortController().signal;
    await destroy(world.as('developer').ports, 'test', { confirmed: true, allowDestroy: true, signal });
    return { world, ids };
  }

  it('has nothing to go back from; what ran last can be named', async () => {
    const { world, ids } = await destroyed();
    await expect(world.as('developer').rollback('test')).rejects.toMatchObject({
      code: 'NOT_DEPLOYED',
      message: 'test runs nothing that could be rolled back.',
      hint: `towpath rollback test --to ${ids[1]} brings up what ran there last`,
    });
  });

  it('brings up a release that is named, once its secrets are there again', async () => {
    const { world, ids } = await destroyed();
    await expect(world.as('developer').rollback('test', ids[1])).rejects.toMatchObject({
      code: 'NO_ROLLBACK_TARGET',
      hint: 'towpath secret set test app-secret',
    });
    await world.test.cloud.secrets.set('app-secret', world.ports.random.secret(8));
    await world.as('developer').rollback('test', ids[1]);
    expect(world.current('test')).toBe(ids[1]);
  });
});

describe('two people who roll back', () => {
  it('at once: the second is told who holds the environment', async () => {
    const { world, ids } = await history(3);
    let second: unknown;
    world.test.terraform.applies.push(async ({ finish }) => {
      second = await world
        .as('reviewer')
        .rollback('test')
        .catch((error: unknown) => error);
      finish();
    });
    await world.as('developer').rollback('test');
    expect(second).toMatchObject({ code: 'LOCK_HELD' });
    expect(world.current('test')).toBe(ids[1]);
  });

  it('one just before the lock of the other: it does not go back twice', async () => {
    const { world, ids } = await history(3);
    const slow = world.as('developer');
    const { cloud } = slow.ports;
    const late = {
      ...slow.ports,
      cloud: (environment: Parameters<typeof cloud>[0]) => {
        const own = cloud(environment);
        return {
          ...own,
          lock: {
            ...own.lock,
            acquire: async (operation: string) => {
              await world.as('reviewer').rollback('test');
              return own.lock.acquire(operation);
            },
          },
        };
      },
    };

    const options = { generateSecrets: false, allowDestroy: false, signal: new AbortController().signal };
    await expect(rollback(late, 'test', undefined, options)).rejects.toMatchObject({
      code: 'LEDGER_RACE',
      message: expect.stringContaining('somebody else changed what test runs; nothing was done'),
    });
    expect(world.current('test')).toBe(ids[1]);
    expect(world.test.lock.holder).toBeUndefined();
  });
});
