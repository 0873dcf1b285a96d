/** Each Terraform module by itself: its tests pass, and it is described. (The root's validation covers them all.) */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectTestsPass, initialise } from './terraform-checks.ts';
import { copyInfra, INFRA, moduleFolders, type TerraformFolder } from './terraform-folder.ts';

let infra: TerraformFolder;
beforeAll(async () => {
  infra = await copyInfra();
});
afterAll(() => infra.remove());

describe.each(moduleFolders())('infra/%s', (folder) => {
  it('passes its tests', async () => {
    await initialise(infra, folder);
    await expectTestsPass(infra, folder);
  });

  it('has variables, outputs, pinned versions and a README', () => {
    const missing = ['main.tf', 'variables.tf', 'outputs.tf', 'versions.tf', 'README.md'].filter(
      (file) => !existsSync(join(INFRA, folder, file)),
    );
    expect(missing).toEqual([]);
  });
});
