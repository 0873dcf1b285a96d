import { describe, expect, it } from 'vitest';
import { REPOSITORY_URI } from '../../test/fakes/memory-images.ts';
import { change, planOf } from '../../test/fakes/memory-terraform.ts';
import { createMemoryWorld, type MemoryWorld } from '../../test/fakes/memory-world.ts';
import { sampleEnvironment, sampleService } from '../../test/fakes/sample-project.ts';
import { SAMPLE_URL, sampleDigest, sampleTask, stableSnapshot } from '../../test/fakes/sample-snapshot.ts';
import { TowpathError } from '../domain/errors.ts';
import { foldLedger, nextEvent } from '../domain/ledger.ts';
import { makeRelease } from '../domain/release.ts';
import { Secret } from '../domain/secret.ts';
import { type DeployOptions, deploy } from './deploy.ts';
import { plan } from './plan.ts';
import { setSecret } from './secrets.ts';

const IMAGE_A = `${REPOSITORY_URI}@${sampleDigest('a')}`;
const IMAGE_B = `${REPOSITORY_URI}@${sampleDigest('b')}`;

const options = (changes: Partial<DeployOptions> = {}): DeployOptions => ({
  generateSecrets: true,
  allowDestroy: false,
  breakGlass: undefined,
  signal: new AbortController().signal,
  ...changes,
});

const types = (world: MemoryWorld, environment = 'test') =>
  world
    .at(environment)
    .payloads()
    .map(({ type }) => type);

describe('deploy of a new environment', () => {
  it('bootstraps, sets the secrets, builds, and records intent before and outcome after the effect', async () => {
    const world = createMemoryWorld();
    const result = await deploy(world.ports, 'test', options());
    expect(result).toMatchObject({ environment: 'test', image: IMAGE_A, url: SAMPLE_URL, changed: true });
    expect(world.journal).toEqual([
      'lock (deploy)',
      'build',
      'terraform init',
      `terraform plan ${IMAGE_A}`,
      'ledger deployment.started',
      `terraform apply ${IMAGE_A}`,
      'ledger deployment.succeeded',
      'unlock',
    ]);
    const [started, succeeded] = world.test.payloads();
    expect(started).toEqual({
      type: 'deployment.started',
      deployment: expect.stringMatching(/^d-id-/),
      release: result.release,
      image: IMAGE_A,
      kind: 'deploy',
    });
    expect(succeeded).toEqual({
      type: 'deployment.succeeded',
      deployment: started?.type === 'deployment.started' ? started.deployment : '',
    });
    expect(world.test.bootstrap).toEqual({ bucket: 'ours', table: 'ours', repository: 'ours' });
    expect(world.test.lock.holder).toBeUndefined();
  });

  it('tells where it goes first, then each stage with its time', async () => {
    const world = createMemoryWorld();
    await deploy(world.ports, 'test', options());
    expect(world.events[0]).toMatchObject({
      type: 'target',
      environment: 'test',
      account: '123456789012',
      identity: 'arn:aws:iam::123456789012:user/developer',
    });
    const ended = world.events.flatMap((event) => (event.type === 'stage.end' ? [event] : []));
    expect(ended.map(({ stage }) => stage).sort()).toEqual(
      ['bootstrap', 'build', 'terraform init', 'plan', 'apply', 'verify'].sort(),
    );
    expect(ended.every(({ outcome, ms }) => outcome === 'done' && ms > 0)).toBe(true);
    expect(ended.at(-1)?.detail).toBe(`${sampleDigest('a').slice(0, 19)} in every task`);
    expect(world.events.filter(({ type }) => type === 'release')).toHaveLength(1);
    expect(world.events.some(({ type }) => type === 'rollout')).toBe(true);
  });

  it('probes the health check through the load balancer', async () => {
    const world = createMemoryWorld();
    await deploy(world.ports, 'test', options());
    expect(world.test.service.probed).toEqual([`${SAMPLE_URL}/readyz`]);
  });
});

describe('deploy again', () => {
  it('of the same source changes nothing and records nothing, but looks whether it is well', async () => {
    const world = createMemoryWorld();
    await deploy(world.ports, 'test', options());
    const before = world.test.payloads();
    const again = await deploy(world.ports, 'test', options());
    expect(again).toMatchObject({ changed: false, url: SAMPLE_URL, image: IMAGE_A });
    expect(world.test.payloads()).toEqual(before);
    expect(world.test.service.probed).toHaveLength(2);
    expect(world.journal.filter((line) => line.startsWith('terraform apply'))).toHaveLength(1);
  });

  it('of another commit with the same image is a deployment without an apply', async () => {
    const world = createMemoryWorld();
    const first = await deploy(world.ports, 'test', options());
    world.workspace.commit = 'd'.repeat(40);
    const second = await deploy(world.ports, 'test', options());
    expect(second.changed).toBe(true);
    expect(second.release.id).not.toBe(first.release.id);
    expect(second.release.imageDigest).toBe(first.release.imageDigest);
    expect(types(world)).toEqual([
      'deployment.started',
      'deployment.succeeded',
      'deployment.started',
      'deployment.succeeded',
    ]);
    expect(world.journal.filter((line) => line.startsWith('terraform apply'))).toHaveLength(1);
  });

  it('of another image replaces the one that runs', async () => {
    const world = createMemoryWorld();
    await deploy(world.ports, 'test', options());
    world.source.digest = sampleDigest('b');
    expect(await deploy(world.ports, 'test', options())).toMatchObject({ changed: true, image: IMAGE_B });
    expect(foldLedger([...world.test.ledger.values()]).current?.image).toBe(IMAGE_B);
  });

  it('of the release that runs, after something drifted, is applied and recorded', async () => {
    const world = createMemoryWorld();
    await deploy(world.ports, 'test', options());
    world.test.terraform.plans.push(planOf(change('update', 'module.network.aws_vpc.this')));
    expect((await deploy(world.ports, 'test', options())).changed).toBe(true);
    expect(types(world).slice(2)).toEqual(['deployment.started', 'deployment.succeeded']);
  });
});

describe('what keeps a deployment from starting', () => {
  it('is an unknown environment', async () => {
    const world = createMemoryWorld();
    await expect(deploy(world.ports, 'tset', options())).rejects.toMatchObject({
      code: 'UNKNOWN_ENVIRONMENT',
      hint: 'did you mean "test"?',
    });
    expect(world.journal).toEqual([]);
  });

  it('is an environment that takes only verified releases', async () => {
    const world = createMemoryWorld();
    await expect(deploy(world.ports, 'prod', options())).rejects.toMatchObject({
      code: 'NOT_THE_FIRST_ENVIRONMENT',
      message: expect.stringContaining('new ones go to test'),
      hint: expect.stringContaining('--break-glass'),
    });
    expect(world.journal).toEqual([]);
    expect(world.at('prod').bootstrap.bucket).toBe('absent');
  });

  it('is a folder of environment files that says something else than the configuration', async () => {
    const world = createMemoryWorld();
    world.workspace.environments.set('test', { 'backend.hcl': 'bucket = "other"' });
    await expect(deploy(world.ports, 'test', options())).rejects.toMatchObject({
      code: 'ENVIRONMENT_FILES_STALE',
      hint: 'towpath sync',
    });
    expect(world.journal).toEqual([]);
    expect(world.test.bootstrap.bucket).toBe('absent');
  });

  it('is a lock that another holds: nothing is built or planned', async () => {
    const world = createMemoryWorld();
    await deploy(world.ports, 'test', options());
    const held = await world.test.cloud.lock.acquire('destroy');
    world.journal.length = 0;
    await expect(deploy(world.ports, 'test', options())).rejects.toMatchObject({
      code: 'LOCK_HELD',
      message: expect.stringContaining(held.info.since),
    });
    expect(world.journal).toEqual([]);
    expect(world.test.lock.holder?.id).toBe(held.info.id);
    await held.release();
  });

  it('is a build that fails: no intent, and the lock is given back', async () => {
    const world = createMemoryWorld();
    world.source.broken = new TowpathError('BUILD_FAILED', 'npm run build ended with 1.');
    await expect(deploy(world.ports, 'test', options())).rejects.toMatchObject({ code: 'BUILD_FAILED' });
    expect(world.test.payloads()).toEqual([]);
    expect(world.journal.at(-1)).toBe('unlock');
  });

  it('is a plan that a protected environment does not allow, named resource by resource', async () => {
    const world = createMemoryWorld({
      environments: [{ ...sampleEnvironment('test', 0), protected: true }],
    });
    const losses = () =>
      world.test.terraform.plans.push(
        planOf(
          change('replace', 'module.network.aws_vpc.this'),
          change('replace', 'module.ecs.aws_ecs_task_definition.this'),
          change('delete', 'module.load_balancer.aws_lb.this'),
          change('update', 'module.ecs.aws_ecs_service.this'),
        ),
      );
    losses();
    await expect(deploy(world.ports, 'test', options())).rejects.toMatchObject({
      code: 'PLAN_NOT_ALLOWED',
      message:
        'test is protected, and the plan would replace module.network.aws_vpc.this, delete module.load_balancer.aws_lb.this.',
      context: ['replace module.network.aws_vpc.this', 'delete module.load_balancer.aws_lb.this'],
      hint: expect.stringContaining('--allow-destroy'),
    });
    expect(world.test.payloads()).toEqual([]);
    losses();
    expect((await deploy(world.ports, 'test', options({ allowDestroy: true }))).changed).toBe(true);
  });

  it('is not a loss in an environment that is not protected', async () => {
    const world = createMemoryWorld();
    world.test.terraform.plans.push(planOf(change('replace', 'module.network.aws_vpc.this')));
    expect((await deploy(world.ports, 'test', options())).changed).toBe(true);
  });
});

describe('deploy past the ladder', () => {
  it('is recorded with its reason, and makes the repository in the first environment', async () => {
    const world = createMemoryWorld();
    await deploy(world.ports, 'prod', options({ breakGlass: 'customers wait for the fix' }));
    expect(world.at('prod').payloads()[0]).toMatchObject({
      type: 'deployment.started',
      kind: 'break-glass',
      reason: 'customers wait for the fix',
    });
    expect(world.test.bootstrap).toEqual({ bucket: 'absent', table: 'absent', repository: 'ours' });
    expect(world.at('prod').bootstrap).toEqual({ bucket: 'ours', table: 'ours', repository: 'absent' });
  });
});

describe('secrets of a deployment', () => {
  const twoSecrets = () =>
    createMemoryWorld({
      environments: [
        {
          ...sampleEnvironment('test', 0),
          service: { ...sampleService, secrets: ['app-secret', 'db-password'] },
        },
      ],
    });

  it('are generated when asked to, once, and stay as they are the second time', async () => {
    const world = createMemoryWorld();
    await deploy(world.ports, 'test', options());
    const first = world.test.secrets.get('app-secret');
    expect(first).toMatchObject({ version: 1 });
    await deploy(world.ports, 'test', options());
    expect(world.test.secrets.get('app-secret')).toBe(first);
    expect(world.prompter.asked).toEqual([]);
    expect(world.test.terraform.secretsSeen.every(({ names }) => names.includes('app-secret'))).toBe(true);
  });

  it('are asked for at a terminal, those that are missing', async () => {
    const world = twoSecrets();
    await world.ports.cloud(world.test.environment).secrets.set('app-secret', world.ports.random.secret(8));
    world.prompter.secrets.push('swordfish-1');
    await deploy(world.ports, 'test', options({ generateSecrets: false }));
    expect(world.prompter.asked).toEqual([expect.stringContaining('db-password')]);
    expect(world.test.secrets.get('db-password')?.value.reveal()).toBe('swordfish-1');
    expect(JSON.stringify(world.events)).not.toContain('swordfish-1');
  });

  it('are all named when nobody gives them, before anything is locked or built', async () => {
    const world = twoSecrets();
    await expect(deploy(world.ports, 'test', options({ generateSecrets: false }))).rejects.toMatchObject({
      code: 'SECRET_MISSING',
      message: expect.stringContaining('app-secret, db-password'),
      hint: expect.stringContaining('towpath secret set test app-secret'),
    });
    expect(world.journal).toEqual([]);
  });
});

describe('a secret with a new value', () => {
  const NEW = new Secret('hunter-23');
  /** Runs in `test` with tasks that were created now. */
  const deployed = async () => {
    const world = createMemoryWorld();
    const { release } = await deploy(world.ports, 'test', options());
    playTasksCreatedNow(world);
    return { world, release };
  };
  const playTasksCreatedNow = (world: MemoryWorld) =>
    world.test.service.play(
      stableSnapshot(sampleDigest('a'), {
        tasks: [sampleTask(0, sampleDigest('a'), { createdAt: world.clock.now().toISOString() })],
      }),
    );

  it('reaches the tasks by a deployment of the same source, which is recorded', async () => {
    const { world, release } = await deployed();
    world.clock.advance(1_000);
    await setSecret(world.ports, 'test', 'app-secret', NEW);
    // Whoever plans first hears of it, and changes nothing.
    const { signal } = options();
    expect((await plan(world.ports, 'test', { fromSource: false, signal })).summary.empty).toBe(true);
    const planned = {
      type: 'note',
      text: expect.stringMatching(/replaces all tasks.* value of app-secret$/),
    };
    expect(world.events).toContainEqual(planned);
    world.journal.length = 0;
    world.events.length = 0;
    const result = await deploy(world.ports, 'test', options());
    expect(result).toMatchObject({ release, changed: true });
    expect(world.journal.filter((line) => /start anew|apply|ledger/.test(line))).toEqual([
      'ledger deployment.started',
      'service: start anew',
      'ledger deployment.succeeded',
    ]);
    expect(world.events).toContainEqual({ type: 'note', text: expect.stringContaining('app-secret') });
  });

  it('that the tasks have read already starts none', async () => {
    const { world } = await deployed();
    world.clock.advance(1_000);
    await setSecret(world.ports, 'test', 'app-secret', NEW);
    world.clock.advance(1_000);
    playTasksCreatedNow(world);
    expect(await deploy(world.ports, 'test', options())).toMatchObject({ changed: false });
    expect(world.journal).not.toContain('service: start anew');
  });

  it('reaches them also where Terraform changes something else, and once only where it starts tasks itself', async () => {
    const { world } = await deployed();
    world.clock.advance(1_000);
    await setSecret(world.ports, 'test', 'app-secret', NEW);
    world.test.terraform.plans.push(planOf(change('update', 'aws_cloudwatch_metric_alarm.this')));
    world.test.terraform.applies.push(async () => undefined);
    await deploy(world.ports, 'test', options());
    expect(world.journal.filter((line) => line === 'service: start anew')).toHaveLength(1);
    world.test.terraform.plans.push(planOf(change('replace', 'aws_ecs_task_definition.this')));
    world.test.terraform.applies.push(async () => {
      world.clock.advance(1_000);
      playTasksCreatedNow(world);
    });
    await deploy(world.ports, 'test', options());
    expect(world.journal.filter((line) => line === 'service: start anew')).toHaveLength(1);
  });
});

describe('a deployment of a command that was killed', () => {
  it('is recorded as aborted by the next one, before that one begins', async () => {
    const world = createMemoryWorld();
    const release = makeRelease({
      imageDigest: sampleDigest('e'),
      terraformHash: 'f'.repeat(64),
      sourceCommit: 'none',
    });
    const open = nextEvent(undefined, {
      time: '2025-12-31T00:00:00.000Z',
      actor: 'arn:aws:iam::123456789012:user/other',
      payload: {
        type: 'deployment.started',
        deployment: 'd-killed',
        release,
        image: `${REPOSITORY_URI}@${sampleDigest('e')}`,
        kind: 'deploy',
      },
    });
    world.test.ledger.set(1, open);
    await deploy(world.ports, 'test', options());
    expect(types(world)).toEqual([
      'deployment.started',
      'deployment.aborted',
      'deployment.started',
      'deployment.succeeded',
    ]);
    expect(world.test.payloads()[1]).toMatchObject({ deployment: 'd-killed' });
    expect(world.events).toContainEqual({
      type: 'note',
      text: expect.stringMatching(/d-killed of r-.*user\/other.*recorded as aborted/),
    });
  });
});
