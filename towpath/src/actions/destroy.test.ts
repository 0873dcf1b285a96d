import { beforeEach, describe, expect, it } from 'vitest';
import { REPOSITORY_URI } from '../../test/fakes/memory-images.ts';
import { untilInterrupted } from '../../test/fakes/memory-terraform.ts';
import { createMemoryWorld, type MemoryWorld } from '../../test/fakes/memory-world.ts';
import { sampleEnvironment } from '../../test/fakes/sample-project.ts';
import { givenUpSnapshot, sampleDigest } from '../../test/fakes/sample-snapshot.ts';
import { TowpathError } from '../domain/errors.ts';
import { foldLedger } from '../domain/ledger.ts';
import { deploy } from './deploy.ts';
import { type DestroyOptions, destroy } from './destroy.ts';

const IMAGE = `${REPOSITORY_URI}@${sampleDigest('a')}`;

const options = (changes: Partial<DestroyOptions> = {}): DestroyOptions => ({
  confirmed: true,
  allowDestroy: false,
  signal: new AbortController().signal,
  ...changes,
});

const deployOptions = () => ({
  generateSecrets: true,
  allowDestroy: false,
  breakGlass: undefined,
  signal: new AbortController().signal,
});

const stateOf = (world: MemoryWorld) => foldLedger([...world.test.ledger.values()]);

let world: MemoryWorld;
beforeEach(async () => {
  world = createMemoryWorld();
  await deploy(world.ports, 'test', deployOptions());
  world.journal.length = 0;
});

describe('destroy', () => {
  it('plans and applies the destruction, removes the secrets, and records the end', async () => {
    expect(await destroy(world.ports, 'test', options())).toEqual({ environment: 'test', destroyed: 3 });
    expect(world.journal).toEqual([
      'lock (destroy)',
      'terraform init',
      `terraform plan -destroy ${IMAGE}`,
      'terraform apply (destroy)',
      'ledger environment.destroyed',
      'unlock',
    ]);
    expect(world.test.secrets.size).toBe(0);
    expect(stateOf(world).current).toBeUndefined();
    expect(world.test.bootstrap).toEqual({ bucket: 'ours', table: 'ours', repository: 'ours' });
    expect(world.prompter.asked).toEqual([]);
  });

  it('never gives Terraform a secret', async () => {
    world.test.terraform.secretsSeen.splice(0);
    await destroy(world.ports, 'test', options());
    expect(world.test.terraform.secretsSeen.map(({ names }) => names)).toEqual([[], []]);
  });

  it('twice does nothing the second time', async () => {
    await destroy(world.ports, 'test', options());
    const before = world.test.payloads();
    expect(await destroy(world.ports, 'test', options())).toEqual({ environment: 'test', destroyed: 0 });
    expect(world.test.payloads()).toEqual(before);
  });

  it('of an environment that was never bootstrapped asks nothing and does nothing', async () => {
    world = createMemoryWorld();
    expect(await destroy(world.ports, 'test', options({ confirmed: false }))).toEqual({
      environment: 'test',
      destroyed: 0,
    });
    expect(world.journal).toEqual([]);
    expect(world.prompter.asked).toEqual([]);
  });

  it('lets a new deployment follow', async () => {
    await destroy(world.ports, 'test', options());
    expect((await deploy(world.ports, 'test', deployOptions())).changed).toBe(true);
    expect(stateOf(world).current?.image).toBe(IMAGE);
  });
});

describe('the question before destroy', () => {
  it('names environment, account and region; yes goes on', async () => {
    world.prompter.confirmations.push(true);
    expect((await destroy(world.ports, 'test', options({ confirmed: false }))).destroyed).toBe(3);
    expect(world.prompter.asked).toEqual([expect.stringMatching(/test .*123456789012.*us-east-1/)]);
  });

  it.each([
    ['no', [false]],
    ['no answer, as without a terminal', []],
  ])('with %s destroys nothing', async (_what, answers) => {
    world.prompter.confirmations.push(...answers);
    await expect(destroy(world.ports, 'test', options({ confirmed: false }))).rejects.toMatchObject({
      code: 'CONFIRMATION_NEEDED',
      exitCode: 3,
      hint: 'towpath destroy test --yes',
    });
    expect(world.journal).toEqual([]);
    expect(world.test.secrets.size).toBe(1);
  });
});

describe('destroy of a protected environment', () => {
  const protectedWorld = async () => {
    world = createMemoryWorld({ environments: [{ ...sampleEnvironment('test', 0), protected: true }] });
    await deploy(world.ports, 'test', deployOptions());
    world.journal.length = 0;
  };

  it('is refused, whatever was confirmed', async () => {
    await protectedWorld();
    await expect(destroy(world.ports, 'test', options())).rejects.toMatchObject({
      code: 'PLAN_NOT_ALLOWED',
      hint: 'towpath destroy test --allow-destroy',
    });
    expect(world.journal).toEqual([]);
  });

  it('with an explicit yes takes the deletion protection off before it applies', async () => {
    await protectedWorld();
    await destroy(world.ports, 'test', options({ allowDestroy: true }));
    expect(world.journal.indexOf('load balancer: deletion protection off')).toBe(
      world.journal.indexOf('terraform apply (destroy)') - 1,
    );
  });
});

describe('destroy that does not come to its end', () => {
  it.each([
    [
      'an error',
      async () => Promise.reject(new TowpathError('TERRAFORM_FAILED', 'in use')),
      'TERRAFORM_FAILED',
    ],
    ['an interrupt', () => untilInterrupted(AbortSignal.abort()), 'ABORTED'],
  ])('because of %s records no end, keeps the secrets, gives the lock back', async (_what, step, code) => {
    world.test.terraform.applies.push(step);
    await expect(destroy(world.ports, 'test', options())).rejects.toMatchObject({ code });
    expect(stateOf(world).current).toBeDefined();
    expect(world.test.secrets.size).toBe(1);
    expect(world.test.lock.holder).toBeUndefined();
    expect((await destroy(world.ports, 'test', options())).destroyed).toBe(3);
    expect(stateOf(world).current).toBeUndefined();
  });

  it('because another holds the environment touches nothing', async () => {
    const held = await world.test.cloud.lock.acquire('deploy');
    await expect(destroy(world.ports, 'test', options())).rejects.toMatchObject({ code: 'LOCK_HELD' });
    expect(world.journal.filter((line) => line.startsWith('terraform'))).toEqual([]);
    await held.release();
  });
});

describe('destroy of what never ran', () => {
  it('is recorded too when it took something down', async () => {
    world = createMemoryWorld();
    world.test.terraform.applies.push(async ({ finish }) => {
      finish();
      world.test.service.play(givenUpSnapshot(sampleDigest('a')));
    });
    await expect(deploy(world.ports, 'test', deployOptions())).rejects.toMatchObject({
      code: 'DEPLOYMENT_FAILED',
    });
    await destroy(world.ports, 'test', options());
    expect(world.test.payloads().at(-1)).toEqual({ type: 'environment.destroyed' });
  });

  it('settles a deployment whose command was killed, and says what may be left of it', async () => {
    const { last, current } = stateOf(world);
    if (!current) throw new Error('a current deployment expected');
    const { release, image } = current;
    await world.test.cloud.ledger.append(last, {
      type: 'deployment.started',
      deployment: 'd-killed',
      release,
      image,
      kind: 'deploy',
    });
    await destroy(world.ports, 'test', options());
    expect(world.test.payloads().slice(-2)).toEqual([
      { type: 'deployment.aborted', deployment: 'd-killed', cause: expect.any(String) },
      { type: 'environment.destroyed' },
    ]);
    expect(stateOf(world).open).toBeUndefined();
    const left = { type: 'warning', text: expect.stringMatching(/d-killed was cut short.*not destroyed/) };
    expect(world.events).toContainEqual({ ...left, hint: expect.stringContaining('towpath deploy test') });
    // It is told once: afterwards the environment counts as destroyed.
    world.events.length = 0;
    await destroy(world.ports, 'test', options());
    expect(world.events.filter(({ type }) => type === 'warning')).toEqual([]);
  });
});
