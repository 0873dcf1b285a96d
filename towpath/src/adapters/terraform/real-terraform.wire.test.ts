/** What only the real Terraform can show, without AWS: the mark of a creation that was cut short, and a plan that is stale. */
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createTerraform } from './terraform.ts';

/** Made first, and then waited for: the wait is the provisioner, which fails. Only what can be made once has a trigger. */
const CONFIGURATION = `
terraform {
  backend "local" {}
}

variable "image" { type = string }

variable "secrets" {
  type      = map(string)
  ephemeral = true
}

resource "terraform_data" "service" {
  input            = var.image
  triggers_replace = "fixed"

  provisioner "local-exec" {
    command = "exit 1"
  }
}
`;

const variables = (image: string) => ({ image, secrets: new Map() });
const ADDRESS = 'terraform_data.service';

let base: string;
beforeEach(() => {
  base = realpathSync(mkdtempSync(join(tmpdir(), 'taint-')));
  mkdirSync(join(base, 'infra', 'envs', 'test'), { recursive: true });
  writeFileSync(join(base, 'infra', 'main.tf'), CONFIGURATION);
  writeFileSync(
    join(base, 'infra', 'envs', 'test', 'backend.hcl'),
    `path = ${JSON.stringify(join(base, 'state'))}\n`,
  );
  writeFileSync(join(base, 'infra', 'envs', 'test', 'terraform.tfvars.json'), '{}');
});
afterEach(() => rmSync(base, { recursive: true, force: true }));

async function open() {
  const terraform = createTerraform({
    infra: join(base, 'infra'),
    environment: 'test',
    dataDir: join(base, 'data'),
    awsEnvironment: async () => ({}),
    isolated: true,
    readStateLock: async () => undefined,
    notifier: { notify: () => undefined },
  });
  await terraform.init();
  return terraform;
}

it('[backend.once] a plan that was applied is not applied again', async () => {
  const made = CONFIGURATION.replace('exit 1', 'true');
  writeFileSync(join(base, 'infra', 'main.tf'), made);
  const terraform = await open();
  const plan = await terraform.plan(variables('a'));
  const copy = { ...plan, file: join(base, 'copy.tfplan') };
  copyFileSync(plan.file, copy.file);
  await terraform.apply(plan, variables('a'));
  expect(existsSync(plan.file)).toBe(false);
  await expect(terraform.apply(copy, variables('a'))).rejects.toMatchObject({
    code: 'TERRAFORM_FAILED',
    message: expect.stringContaining('Saved plan is stale'),
  });
  expect((await terraform.plan(variables('a'))).summary.empty).toBe(true);
});

it('a plan says what it replaces only because the creation was cut short; without the mark it updates', async () => {
  const terraform = await open();
  const first = await terraform.plan(variables('a'));
  await expect(terraform.apply(first, variables('a'))).rejects.toMatchObject({ code: 'TERRAFORM_FAILED' });

  const marked = await terraform.plan(variables('b'));
  const change = { address: ADDRESS, type: 'terraform_data' };
  expect(marked.summary.changes).toEqual([{ ...change, action: 'replace', tainted: true }]);
  await terraform.untaint(marked, [ADDRESS]);
  const unmarked = await terraform.plan(variables('b'));
  expect(unmarked.summary.changes).toEqual([{ ...change, action: 'update' }]);
  await expect(terraform.untaint(unmarked, [ADDRESS])).rejects.toMatchObject({
    code: 'TERRAFORM_FAILED',
    context: expect.arrayContaining([expect.stringContaining('not currently tainted')]),
  });
  await terraform.apply(unmarked, variables('b'));
});
