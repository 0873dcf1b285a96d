import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { REPOSITORY_URI } from '../../test/fakes/memory-images.ts';
import { untilInterrupted } from '../../test/fakes/memory-terraform.ts';
import { createMemoryWorld, type MemoryWorld } from '../../test/fakes/memory-world.ts';
import {
  givenUpSnapshot,
  sampleDigest,
  sampleTarget,
  sampleTask,
  stableSnapshot,
  startingSnapshot,
} from '../../test/fakes/sample-snapshot.ts';
import { TowpathError } from '../domain/errors.ts';
import { deploy } from './deploy.ts';

const A = sampleDigest('a');
const B = sampleDigest('b');
const IMAGE_A = `${REPOSITORY_URI}@${A}`;
const IMAGE_B = `${REPOSITORY_URI}@${B}`;

const options = (signal = new AbortController().signal) => ({
  generateSecrets: true,
  allowDestroy: false,
  breakGlass: undefined,
  signal,
});

/** A world that runs A, whose source now makes B. */
async function runningA(): Promise<MemoryWorld> {
  const world = createMemoryWorld();
  await deploy(world.ports, 'test', options());
  world.source.digest = B;
  world.journal.length = 0;
  world.events.length = 0;
  return world;
}

/** A new deployment that finds no room beside the one task of the old. */
const deadlockedSnapshot = () => {
  const old = stableSnapshot(A);
  const [running] = old.deployments;
  if (!running) throw new Error('a stable service has a deployment');
  const waiting = { ...running, id: 'ecs-svc/2', rolloutState: 'IN_PROGRESS', running: 0, pending: 0 };
  const message =
    '(service web) was unable to stop or start tasks during a deployment because of the configuration.';
  const events = [{ id: 'blocked', time: '2099-01-01T00:00:00.000Z', message }];
  return { ...old, deployments: [waiting, { ...running, status: 'ACTIVE' }], events };
};

const lastPayload = (world: MemoryWorld) => world.test.payloads().at(-1);
const effects = (world: MemoryWorld) =>
  world.journal.filter((line) => /^(terraform (plan|apply)|ledger|unlock)/.test(line));

describe('an apply that fails by itself', () => {
  it('is an errored deployment, with its cause, and nothing is restored', async () => {
    const world = await runningA();
    world.test.terraform.applies.push(async () => {
      throw new TowpathError('TERRAFORM_FAILED', 'terraform apply failed: no quota.');
    });
    await expect(deploy(world.ports, 'test', options())).rejects.toMatchObject({ code: 'TERRAFORM_FAILED' });
    expect(lastPayload(world)).toMatchObject({
      type: 'deployment.errored',
      cause: 'terraform apply failed: no quota.',
    });
    expect(effects(world)).toEqual([
      `terraform plan ${IMAGE_B}`,
      'ledger deployment.started',
      `terraform apply ${IMAGE_B}`,
      'ledger deployment.errored',
      'unlock',
    ]);
    expect(world.events).toContainEqual(
      expect.objectContaining({ type: 'stage.end', stage: 'apply', outcome: 'failed' }),
    );
  });

  it('is made good by the same command', async () => {
    const world = await runningA();
    world.test.terraform.applies.push(async () => {
      throw new TowpathError('TERRAFORM_FAILED', 'terraform apply failed: no quota.');
    });
    await deploy(world.ports, 'test', options()).catch(() => undefined);
    expect(await deploy(world.ports, 'test', options())).toMatchObject({ changed: true, image: IMAGE_B });
    expect(lastPayload(world)).toMatchObject({ type: 'deployment.succeeded' });
  });
});

describe('an interrupt', () => {
  it('during the apply is an aborted deployment, and the lock is given back', async () => {
    const world = await runningA();
    const interrupt = new AbortController();
    world.test.terraform.applies.push(async ({ signal }) => {
      setImmediate(() => interrupt.abort(new Error('received SIGINT')));
      await untilInterrupted(signal);
    });
    await expect(deploy(world.ports, 'test', options(interrupt.signal))).rejects.toMatchObject({
      code: 'ABORTED',
    });
    expect(lastPayload(world)).toMatchObject({ type: 'deployment.aborted' });
    expect(world.test.lock.holder).toBeUndefined();
  });

  it('while it waits for the rollout is an aborted deployment, too', async () => {
    const world = await runningA();
    const interrupt = new AbortController();
    world.test.terraform.applies.push(async ({ finish }) => {
      finish();
      world.test.service.play(startingSnapshot(B));
      interrupt.abort(new Error('received SIGTERM'));
    });
    await expect(deploy(world.ports, 'test', options(interrupt.signal))).rejects.toThrow('received SIGTERM');
    expect(lastPayload(world)).toMatchObject({ type: 'deployment.aborted', cause: 'received SIGTERM' });
  });

  it('before the intent leaves the ledger as it was', async () => {
    const world = await runningA();
    const before = world.test.payloads();
    await expect(deploy(world.ports, 'test', options(AbortSignal.abort()))).rejects.toThrow();
    expect(world.test.payloads()).toEqual(before);
    expect(world.test.lock.holder).toBeUndefined();
  });
});

describe('a release that does not start', () => {
  it('ends the apply of a first deployment early, and says why with the last log lines', async () => {
    const world = createMemoryWorld();
    world.source.digest = B;
    world.test.service.logs.set(sampleTask(9, B).id, ['boot', 'Error: no such module']);
    world.test.terraform.applies.push(async ({ signal }) => {
      world.test.service.play(startingSnapshot(B), givenUpSnapshot(B));
      await untilInterrupted(signal);
    });
    await expect(deploy(world.ports, 'test', options())).rejects.toMatchObject({
      code: 'DEPLOYMENT_FAILED',
      message: expect.stringMatching(
        /does not run in test: the container crashes at start \(exit code 1; .*no such module.*No earlier release/,
      ),
      context: ['boot', 'Error: no such module'],
      hint: expect.stringContaining('towpath deploy test'),
    });
    expect(lastPayload(world)).toMatchObject({ type: 'deployment.failed', restored: false });
    expect(effects(world)).toEqual([
      `terraform plan ${IMAGE_B}`,
      'ledger deployment.started',
      `terraform apply ${IMAGE_B}`,
      'ledger deployment.failed',
      'unlock',
    ]);
  });

  it('gives way to the release before: its image is planned, applied and serves', async () => {
    const world = await runningA();
    let interrupted: boolean | undefined;
    world.test.terraform.applies.push(async ({ finish, signal }) => {
      finish();
      world.test.service.play(startingSnapshot(B), givenUpSnapshot(B));
      await waitFor(() => world.events.some((event) => isRolloutOf(event, 'FAILED')));
      interrupted = signal?.aborted;
      world.test.service.play(stableSnapshot(A, { stopped: givenUpSnapshot(B).stopped }));
    });
    await expect(deploy(world.ports, 'test', options())).rejects.toMatchObject({
      code: 'DEPLOYMENT_FAILED',
      message: expect.stringMatching(/exit code 1.*serves on/),
    });
    // ECS rolls back by itself, so Terraform is left to finish.
    expect(interrupted).toBe(false);
    expect(lastPayload(world)).toMatchObject({ type: 'deployment.failed', restored: true });
    expect(effects(world)).toEqual([
      `terraform plan ${IMAGE_B}`,
      'ledger deployment.started',
      `terraform apply ${IMAGE_B}`,
      `terraform plan ${IMAGE_A}`,
      `terraform apply ${IMAGE_A}`,
      'ledger deployment.failed',
      'unlock',
    ]);
    expect(world.test.terraform.applied).toBe(IMAGE_A);
  });

  it('is told from an error of Terraform that only says that the wait was over', async () => {
    const world = await runningA();
    world.test.terraform.applies.push(async ({ finish }) => {
      finish();
      world.test.service.play(givenUpSnapshot(B));
      await waitFor(() => world.events.some((event) => isRolloutOf(event, 'FAILED')));
      throw new TowpathError('TERRAFORM_FAILED', 'terraform apply failed: waiting for ECS service.');
    });
    await expect(deploy(world.ports, 'test', options())).rejects.toMatchObject({ code: 'DEPLOYMENT_FAILED' });
    expect(lastPayload(world)).toMatchObject({ type: 'deployment.failed' });
  });

  it('that can never go on is a failed release, explained, although Terraform only says that it waited', async () => {
    const world = await runningA();
    world.test.service.configure({ minimumHealthyPercent: 100, maximumPercent: 150 });
    world.test.terraform.applies.push(async ({ finish }) => {
      finish();
      world.test.service.play(deadlockedSnapshot());
      await waitFor(() => world.events.some((event) => event.type === 'warning'));
      world.test.service.play(stableSnapshot(A));
      throw new TowpathError('TERRAFORM_FAILED', 'terraform apply failed: timeout while waiting for state.');
    });
    const failing = deploy(world.ports, 'test', options());
    await expect(failing).rejects.toMatchObject({
      code: 'DEPLOYMENT_FAILED',
      message: expect.stringContaining('serves on'),
    });
    expect(lastPayload(world)).toMatchObject({ type: 'deployment.failed', restored: true });
  });

  it('leaves a warning when the release before cannot be put back, and says so in the ledger', async () => {
    const world = await runningA();
    world.test.terraform.applies.push(
      async ({ finish }) => {
        finish();
        world.test.service.play(stableSnapshot(A));
      },
      async () => {
        throw new TowpathError('TERRAFORM_FAILED', 'terraform apply failed: no quota.');
      },
    );
    await expect(deploy(world.ports, 'test', options())).rejects.toMatchObject({ code: 'DEPLOYMENT_FAILED' });
    expect(lastPayload(world)).toMatchObject({ type: 'deployment.failed', restored: false });
    expect(world.events).toContainEqual({
      type: 'warning',
      text: expect.stringContaining('no quota'),
      hint: expect.stringContaining('towpath deploy test'),
    });
  });
});

describe('a success that is none', () => {
  it('[breaker.not-green] is a service that is stable on the old image', async () => {
    const world = await runningA();
    world.test.terraform.applies.push(async ({ finish }) => {
      finish();
      world.test.service.play(stableSnapshot(A, { count: 2 }));
    });
    await expect(deploy(world.ports, 'test', options())).rejects.toMatchObject({
      code: 'DEPLOYMENT_FAILED',
      message: expect.stringContaining(`2 of 2 running tasks run ${A} instead of ${B}`),
    });
    expect(lastPayload(world)).toMatchObject({ type: 'deployment.failed', restored: true });
  });

  it.each([
    [500, '500 Internal Server Error'],
    [undefined, 'connection refused'],
  ])('is a health check that answers %s', async (status, detail) => {
    const world = createMemoryWorld();
    world.test.service.answer(status, detail);
    await expect(deploy(world.ports, 'test', options())).rejects.toMatchObject({
      code: 'DEPLOYMENT_FAILED',
      message: expect.stringContaining(detail),
      hint: 'towpath status test',
    });
    expect(lastPayload(world)).toMatchObject({ type: 'deployment.failed' });
  });

  it('is a service that does not become stable in time: the unhealthy target is the cause', async () => {
    const world = createMemoryWorld();
    world.test.terraform.applies.push(async () => {
      const unhealthy = sampleTarget('10.0.0.7', { state: 'unhealthy', description: 'got 404' });
      world.test.service.play(stableSnapshot(A, { targets: [unhealthy] }));
    });
    const before = world.clock.now().getTime();
    await expect(deploy(world.ports, 'test', options())).rejects.toMatchObject({
      message: expect.stringContaining('10.0.0.7:5000 is unhealthy: got 404'),
    });
    expect(world.clock.now().getTime() - before).toBeGreaterThanOrEqual(300_000);
    expect(world.clock.now().getTime() - before).toBeLessThan(310_000);
  });

  it('is an apply after which there is no service', async () => {
    const world = createMemoryWorld();
    world.test.terraform.applies.push(async () => undefined);
    await expect(deploy(world.ports, 'test', options())).rejects.toMatchObject({
      message: expect.stringContaining('does not exist'),
    });
    expect(lastPayload(world)).toMatchObject({ type: 'deployment.failed' });
  });
});

describe('looks at the service during the apply', () => {
  it('that fail are told once and change nothing', async () => {
    const world = createMemoryWorld();
    world.test.terraform.applies.push(async ({ finish }) => {
      world.test.service.play(new Error('throttled'));
      await waitFor(() => world.events.some(({ type }) => type === 'warning'));
      await delay(5);
      finish();
    });
    await deploy(world.ports, 'test', options());
    expect(world.events.filter(({ type }) => type === 'warning')).toEqual([
      { type: 'warning', text: 'could not look at the service: throttled' },
    ]);
  });
});

describe('preparations that fail', () => {
  it('are waited for before the lock is given back: none of them works on without it', async () => {
    const world = createMemoryWorld();
    world.source.broken = new TowpathError('BUILD_FAILED', 'npm run build ended with 1.');
    world.test.terraform.beforeInit = async (signal) => {
      await untilInterrupted(signal, 'init').catch(() => undefined);
      await delay(5);
      world.journal.push('terraform init has ended');
    };
    await expect(deploy(world.ports, 'test', options())).rejects.toMatchObject({ code: 'BUILD_FAILED' });
    expect(world.journal.slice(-2)).toEqual(['terraform init has ended', 'unlock']);
  });

  it('report the one that failed first', async () => {
    const world = createMemoryWorld();
    world.test.terraform.failInit = new TowpathError('TERRAFORM_FAILED', 'terraform init failed.');
    await expect(deploy(world.ports, 'test', options())).rejects.toMatchObject({ code: 'TERRAFORM_FAILED' });
    expect(world.test.payloads()).toEqual([]);
  });
});

function isRolloutOf(event: { readonly type: string }, state: string): boolean {
  return event.type === 'rollout' && JSON.stringify(event).includes(`"rolloutState":"${state}"`);
}

const WAIT_LIMIT_TURNS = 200;

/** Gives the background its turns until something has happened. */
async function waitFor(happened: () => boolean): Promise<void> {
  for (let turn = 0; turn < WAIT_LIMIT_TURNS; turn += 1) {
    if (happened()) return;
    await new Promise((resolve) => setImmediate(resolve));
  }
  throw new Error(`it did not happen within ${WAIT_LIMIT_TURNS} turns`);
}
