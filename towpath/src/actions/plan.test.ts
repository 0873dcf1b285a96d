import { describe, expect, it } from 'vitest';
import { REPOSITORY_URI } from '../../test/fakes/memory-images.ts';
import { change, planOf, SERVICE_ADDRESS } from '../../test/fakes/memory-terraform.ts';
import { createMemoryWorld, type MemoryWorld } from '../../test/fakes/memory-world.ts';
import { sampleDigest } from '../../test/fakes/sample-snapshot.ts';
import { TowpathError } from '../domain/errors.ts';
import { deploy } from './deploy.ts';
import { plan } from './plan.ts';

const IMAGE_A = `${REPOSITORY_URI}@${sampleDigest('a')}`;
const IMAGE_B = `${REPOSITORY_URI}@${sampleDigest('b')}`;
const signal = new AbortController().signal;

async function deployed(): Promise<MemoryWorld> {
  const world = createMemoryWorld();
  await deploy(world.ports, 'test', {
    generateSecrets: true,
    allowDestroy: false,
    breakGlass: undefined,
    signal,
  });
  world.source.digest = sampleDigest('b');
  world.journal.length = 0;
  return world;
}

describe('plan', () => {
  it('of what runs builds nothing, and is empty without a rendering', async () => {
    const world = await deployed();
    expect(await plan(world.ports, 'test', { fromSource: false, signal })).toMatchObject({
      image: IMAGE_A,
      summary: { empty: true },
      text: '',
    });
    expect(world.journal).toEqual(['terraform init', `terraform plan ${IMAGE_A}`]);
  });

  it('from the source builds it, and shows the rendering of Terraform', async () => {
    const world = await deployed();
    const result = await plan(world.ports, 'test', { fromSource: true, signal });
    expect(result).toMatchObject({ image: IMAGE_B, summary: { empty: false } });
    expect(result.text).toContain('module.ecs.aws_ecs_task_definition.this');
    expect(world.journal).toContain('build');
  });

  it('leaves the mark of a deployment that was cut short, and says that it means nothing', async () => {
    const world = await deployed();
    world.test.terraform.tainted.add(SERVICE_ADDRESS);
    await plan(world.ports, 'test', { fromSource: false, signal });
    expect(world.journal).toEqual(['terraform init', `terraform plan ${IMAGE_A}`, 'terraform show']);
    expect(world.events).toContainEqual({
      type: 'note',
      text: expect.stringMatching(/aws_ecs_service\.this started: a deployment updates it in place/),
    });
  });

  it('changes nothing: no lock, no ledger, no apply', async () => {
    const world = await deployed();
    const before = world.test.payloads();
    world.test.terraform.plans.push(planOf(change('delete', 'module.network.aws_vpc.this')));
    await plan(world.ports, 'test', { fromSource: true, signal });
    expect(world.test.payloads()).toEqual(before);
    expect(world.journal.some((line) => /^(lock|ledger|terraform apply)/.test(line))).toBe(false);
  });

  it('builds when nothing runs yet', async () => {
    const world = createMemoryWorld();
    Object.assign(world.test.bootstrap, { bucket: 'ours', table: 'ours', repository: 'ours' });
    expect((await plan(world.ports, 'test', { fromSource: false, signal })).image).toBe(IMAGE_A);
  });

  it('before bootstrap names the command that comes first', async () => {
    const world = createMemoryWorld();
    await expect(plan(world.ports, 'test', { fromSource: false, signal })).rejects.toMatchObject({
      code: 'NOT_BOOTSTRAPPED',
      hint: 'towpath bootstrap test',
    });
    expect(world.journal).toEqual([]);
  });

  it('passes the error of Terraform on', async () => {
    const world = await deployed();
    world.test.terraform.plans.push(new TowpathError('STATE_LOCKED', 'locked by another'));
    await expect(plan(world.ports, 'test', { fromSource: false, signal })).rejects.toMatchObject({
      code: 'STATE_LOCKED',
    });
  });
});
