/** A deployment after a first one that failed: the service is updated in place, and what failed before is no verdict. */
import { describe, expect, it } from 'vitest';
import { REPOSITORY_URI } from '../../test/fakes/memory-images.ts';
import { change, planOf, SERVICE_ADDRESS, untilInterrupted } from '../../test/fakes/memory-terraform.ts';
import { createMemoryWorld, type MemoryWorld } from '../../test/fakes/memory-world.ts';
import { sampleEnvironment } from '../../test/fakes/sample-project.ts';
import { givenUpSnapshot, sampleDigest, stableSnapshot } from '../../test/fakes/sample-snapshot.ts';
import { deploy } from './deploy.ts';

const A = sampleDigest('a');
const B = sampleDigest('b');
const IMAGE_A = `${REPOSITORY_URI}@${A}`;
const IMAGE_B = `${REPOSITORY_URI}@${B}`;

const options = {
  generateSecrets: true,
  allowDestroy: false,
  breakGlass: undefined,
  signal: new AbortController().signal,
};

/** A protected environment whose first release, A, crashed at start: Terraform's wait was interrupted. */
async function failedA(): Promise<MemoryWorld> {
  const world = createMemoryWorld({
    environments: [{ ...sampleEnvironment('test', 0), protected: true }, sampleEnvironment('qa', 1)],
  });
  const { terraform, service } = world.test;
  terraform.applies.push(async ({ signal }) => {
    terraform.applied = IMAGE_A;
    terraform.tainted.add(SERVICE_ADDRESS);
    service.play(givenUpSnapshot(A));
    await untilInterrupted(signal);
  });
  await expect(deploy(world.ports, 'test', options)).rejects.toMatchObject({ code: 'DEPLOYMENT_FAILED' });
  world.journal.length = 0;
  world.events.length = 0;
  return world;
}

const effects = ({ journal }: MemoryWorld) =>
  journal.filter((line) => /^(terraform (plan|apply|untaint)|ledger|service:)/.test(line));

/** Its new deployment, while AWS still lists the one that it gave up. */
const replacing = () => {
  const stable = stableSnapshot(B);
  const before = givenUpSnapshot(A).deployments.map((each) => ({ ...each, status: 'ACTIVE' }));
  return {
    ...stable,
    deployments: [...stable.deployments.map((d) => ({ ...d, id: 'ecs-svc/2' })), ...before],
  };
};

describe('a deployment after a first one that failed', () => {
  it('updates the service in place, in a protected environment, too', async () => {
    const world = await failedA();
    world.source.digest = B;
    world.test.terraform.applies.push(async ({ finish }) => {
      await new Promise((resolve) => setImmediate(resolve));
      world.test.service.play(replacing());
      await new Promise((resolve) => setImmediate(resolve));
      finish();
    });
    expect(await deploy(world.ports, 'test', options)).toMatchObject({ changed: true, image: IMAGE_B });
    expect(effects(world)).toEqual([
      `terraform plan ${IMAGE_B}`,
      `terraform untaint ${SERVICE_ADDRESS}`,
      `terraform plan ${IMAGE_B}`,
      'ledger deployment.started',
      `terraform apply ${IMAGE_B}`,
      'ledger deployment.succeeded',
    ]);
    expect(world.events).toContainEqual({
      type: 'note',
      text: expect.stringMatching(/aws_ecs_service\.this started: it is updated in place/),
    });
    // How the first attempt ended explains nothing about this one.
    expect(world.events.filter(({ type }) => type === 'warning')).toEqual([]);
  });

  it('of the same release makes ECS start its tasks, which it had given up', async () => {
    const world = await failedA();
    world.test.service.afterStart = [stableSnapshot(A, {})];
    expect(await deploy(world.ports, 'test', options)).toMatchObject({ changed: true, image: IMAGE_A });
    expect(effects(world)).toEqual([
      `terraform plan ${IMAGE_A}`,
      `terraform untaint ${SERVICE_ADDRESS}`,
      `terraform plan ${IMAGE_A}`,
      'ledger deployment.started',
      'service: start anew',
      'ledger deployment.succeeded',
    ]);
  });

  it('of the same release fails again with what is wrong now', async () => {
    const world = await failedA();
    await expect(deploy(world.ports, 'test', options)).rejects.toMatchObject({
      code: 'DEPLOYMENT_FAILED',
      message: expect.stringContaining('exit code 1'),
    });
    expect(world.test.payloads().at(-1)).toMatchObject({ type: 'deployment.failed', restored: false });
  });

  it('goes on where a killed one had taken the mark off', async () => {
    const world = await failedA();
    await world.test.terraform.untaint({ file: '', summary: planOf() }, [SERVICE_ADDRESS]);
    world.test.service.afterStart = [stableSnapshot(A)];
    expect(await deploy(world.ports, 'test', options)).toMatchObject({ changed: true });
    expect(world.journal).toContain('service: start anew');
  });

  it('lets ECS go on that has not given up', async () => {
    const world = await failedA();
    world.test.service.play(stableSnapshot(A));
    await deploy(world.ports, 'test', options);
    expect(world.journal).not.toContain('service: start anew');
  });

  it('still replaces, and asks, where something else calls for it', async () => {
    const world = await failedA();
    world.source.digest = B;
    const tainted = { ...change('replace', SERVICE_ADDRESS), tainted: true } as const;
    world.test.terraform.plans.push(planOf(tainted), planOf(change('replace', SERVICE_ADDRESS)));
    await expect(deploy(world.ports, 'test', options)).rejects.toMatchObject({ code: 'PLAN_NOT_ALLOWED' });
  });

  it('replaces whatever else is marked', async () => {
    const world = await failedA();
    world.source.digest = B;
    world.test.terraform.tainted.clear();
    const gateway = { ...change('replace', 'module.network.aws_nat_gateway.this'), tainted: true } as const;
    world.test.terraform.plans.push(planOf(gateway));
    await deploy(world.ports, 'test', { ...options, allowDestroy: true });
    expect(effects(world).filter((line) => line.includes('untaint'))).toEqual([]);
  });
});
