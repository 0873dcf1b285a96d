/** CI's way into an account: formatted with the rest, valid, its tests pass, and it reaches the names that are made. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { defaultLockTable, defaultStateBucket, environmentNames } from '../../towpath/src/domain/names.ts';
import { expectTestsPass, expectValid, initialise } from './terraform-checks.ts';
import { copyInfra, INFRA, type TerraformFolder } from './terraform-folder.ts';

const PROJECT = 'devops-app';
const ENVIRONMENT = 'qa';

let infra: TerraformFolder;
beforeAll(async () => {
  infra = await copyInfra();
});
afterAll(() => infra.remove());

describe('infra/ci', () => {
  it('is valid without a warning, and passes its tests', async () => {
    await initialise(infra, 'ci');
    await expectValid(infra, 'ci');
    await expectTestsPass(infra, 'ci');
  });

  it('describes every input and output in its README', () => {
    const read = (file: string) => readFileSync(join(INFRA, 'ci', file), 'utf8');
    const declared = [
      ...(read('variables.tf') + read('outputs.tf')).matchAll(/^(?:variable|output) "(\w+)"/gm),
    ];
    const readme = read('README.md');
    expect(declared.map((match) => match[1]).filter((name) => !readme.includes(`\n| \`${name}\` |`))).toEqual(
      [],
    );
  });
});

describe('infra/ci/environment', () => {
  it('passes its tests, and names what Towpath names', async () => {
    const tests = join(infra.path, 'ci', 'environment', 'tests');
    const given = readFileSync(join(tests, 'environment.tftest.hcl'), 'utf8');
    // Mocks and variables of the tests that are there, and one more run.
    writeFileSync(join(tests, 'names.tftest.hcl'), given.slice(0, given.indexOf('\nrun ')) + namesRun());
    await initialise(infra, 'ci/environment');
    await expectTestsPass(infra, 'ci/environment');
  });
});

function namesRun(): string {
  const names = environmentNames(PROJECT, ENVIRONMENT);
  const endings = {
    'local.arn.cluster': `:cluster/${names.cluster}`,
    'local.arn.services': `:service/${names.cluster}/*`,
    'local.arn.task_definition': `:task-definition/${names.taskFamily}:*`,
    'local.arn.parameters': `:parameter${names.parameterPath}/*`,
    'local.arn.log_groups[0]': `:log-group:${names.logGroup}`,
    'local.arn.bucket': `:::${defaultStateBucket(PROJECT, ENVIRONMENT)}`,
    'local.arn.table': `:table/${defaultLockTable(ENVIRONMENT)}`,
    'local.role_arns.execution': `:role/${names.executionRole}`,
    'local.role_arns.task': `:role/${names.taskRole}`,
    'local.service_statements[0].Resource[0]': `:loadbalancer/app/${names.loadBalancer}/*`,
    'local.service_statements[0].Resource[3]': `:targetgroup/${names.targetGroup}/*`,
  };
  const asserts = Object.entries(endings).map(
    ([expression, ending]) => `
  assert {
    condition     = endswith(${expression}, ${JSON.stringify(ending)})
    error_message = "\${${expression}} does not end in ${ending}, as towpath/src/domain/names.ts has it."
  }`,
  );
  return `\nrun "names" {${asserts.join('\n')}\n}\n`;
}
