/** What an attempt that was cut short left in AWS, and the next one finds there. */
import { describe, expect, it } from 'vitest';
import { change, planOf, SERVICE_ADDRESS } from '../../test/fakes/memory-terraform.ts';
import { createMemoryWorld, type MemoryWorld } from '../../test/fakes/memory-world.ts';
import { sampleEnvironment } from '../../test/fakes/sample-project.ts';
import { TowpathError } from '../domain/errors.ts';
import { deploy } from './deploy.ts';

const ROLE = 'module.ecs.aws_iam_role.task';
const LOG_GROUP = 'module.ecs.aws_cloudwatch_log_group.this';

const options = {
  generateSecrets: true,
  allowDestroy: false,
  breakGlass: undefined,
  signal: new AbortController().signal,
};

function world(...existing: readonly string[]): MemoryWorld {
  const made = createMemoryWorld({
    environments: [{ ...sampleEnvironment('test', 0), protected: true }, sampleEnvironment('qa', 1)],
  });
  for (const address of existing) made.test.terraform.existing.add(address);
  const creates = [ROLE, LOG_GROUP, SERVICE_ADDRESS].map((address) => change('create', address));
  made.test.terraform.plans.push(planOf(...creates), planOf(change('create', SERVICE_ADDRESS)));
  return made;
}

const effects = ({ journal }: MemoryWorld) =>
  journal
    .filter((line) => /^terraform (plan|apply|import)/.test(line))
    .map((line) => line.split(' ', 3).join(' '));

describe('what exists already', () => {
  it('is taken over, the rest is planned again, and the deployment ends well', async () => {
    const made = world(ROLE, LOG_GROUP);
    await expect(deploy(made.ports, 'test', options)).resolves.toMatchObject({ changed: true });
    expect(effects(made).filter((line) => line.includes('import'))).toEqual([
      `terraform import ${ROLE}`,
      `terraform import ${LOG_GROUP}`,
    ]);
    expect(effects(made).map((line) => line.split(' ')[1])).toEqual([
      'plan',
      'apply',
      'plan',
      'apply',
      'import',
      'import',
    ]);
    const told = made.events.flatMap((event) => (event.type === 'note' ? [event.text] : []));
    expect(told).toContainEqual(expect.stringContaining(`had created ${ROLE}: taken over`));
  });

  it('and is not ours ends the deployment, and stays as it is', async () => {
    const made = world(ROLE);
    made.test.terraform.foreign.add(ROLE);
    await expect(deploy(made.ports, 'test', options)).rejects.toMatchObject({ code: 'RESOURCE_EXISTS' });
    expect(effects(made).some((line) => line.includes('import'))).toBe(false);
  });

  it('is judged again: what the next plan would lose is not lost', async () => {
    const made = world(ROLE);
    made.test.terraform.plans[1] = planOf(change('replace', ROLE), change('create', SERVICE_ADDRESS));
    await expect(deploy(made.ports, 'test', options)).rejects.toMatchObject({ code: 'PLAN_NOT_ALLOWED' });
    expect(effects(made).at(-1)).toMatch(/^terraform plan/);
  });

  it('and turns up again and again is given up', async () => {
    const roles = Array.from({ length: 7 }, (_, index) => `module.ecs.aws_iam_role.number_${index}`);
    const made = world(...roles);
    made.test.terraform.plans.splice(0, 2, ...roles.map((role) => planOf(change('create', role))));
    await expect(deploy(made.ports, 'test', options)).rejects.toMatchObject({ code: 'RESOURCE_EXISTS' });
    expect(effects(made).filter((line) => line.includes('import')).length).toBe(5);
  });
});

const VPC = 'module.network.aws_vpc.this';

describe('what AWS would create a second time without a word', () => {
  /** A world in which AWS has a VPC that the state does not know, after a deployment that ended with `error`. */
  async function after(error: TowpathError): Promise<MemoryWorld> {
    const made = world();
    const { plans, applies, existing } = made.test.terraform;
    const create = planOf(change('create', VPC), change('create', SERVICE_ADDRESS));
    plans.splice(0, plans.length, create, create, planOf(change('create', SERVICE_ADDRESS)));
    applies.push(() => Promise.reject(error));
    await expect(deploy(made.ports, 'test', options)).rejects.toBe(error);
    existing.add(VPC);
    return made;
  }

  it.each(['ABORTED', 'TERRAFORM_FAILED'] as const)(
    'is taken over after an attempt that ended with %s',
    async (code) => {
      const made = await after(new TowpathError(code, 'cut short'));
      await expect(deploy(made.ports, 'test', options)).resolves.toMatchObject({ changed: true });
      expect(effects(made)).toContain(`terraform import ${VPC}`);
    },
  );

  it('is not looked for in a first attempt', async () => {
    const made = world();
    made.test.terraform.plans.splice(0, 2, planOf(change('create', VPC), change('create', SERVICE_ADDRESS)));
    made.test.terraform.existing.add(VPC);
    await expect(deploy(made.ports, 'test', options)).resolves.toMatchObject({ changed: true });
    expect(effects(made).some((line) => line.includes('import'))).toBe(false);
  });
});
