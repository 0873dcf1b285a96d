/** Tests of the temporary copy of the repository, of the command line run there, and of Terraform run by hand. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cleanEnvironment, ROOT, runCli } from './run-cli.ts';
import { runCommand } from './run-command.ts';
import { type TempProject, tempProject } from './temp-project.ts';
import { terraformByHand } from './terraform-by-hand.ts';

let project: TempProject;
beforeAll(() => {
  project = tempProject();
});
afterAll(() => project.remove());

describe('tempProject', () => {
  it('holds the files of the repository, packages linked, as a clean git tree', async () => {
    for (const file of [
      'towpath.config.ts',
      'package.json',
      'infra/main.tf',
      'app/build.mjs',
      'node_modules/vitest',
    ]) {
      expect(existsSync(join(project.path, file)), file).toBe(true);
    }
    const options = { cwd: project.path, env: cleanEnvironment(), timeoutMs: 20_000 };
    expect(await runCommand('git', ['status', '--porcelain'], options)).toMatchObject({
      exitCode: 0,
      stdout: '',
    });
  });

  it('can be changed without a change to the repository', () => {
    const before = readFileSync(join(ROOT, 'towpath.config.ts'), 'utf8');
    writeFileSync(join(project.path, 'towpath.config.ts'), 'changed');
    expect(readFileSync(join(ROOT, 'towpath.config.ts'), 'utf8')).toBe(before);
  });

  it('runs the built command line', async () => {
    const result = await runCli(['--help'], { root: project.path, timeoutMs: 20_000 });
    expect(result).toMatchObject({ exitCode: 0, timedOut: false });
    expect(result.stdout).toContain('towpath');
  });
});

describe('cleanEnvironment', () => {
  it('keeps nothing that points at an account or a project', () => {
    const env = {
      PATH: 'p',
      AWS_PROFILE: 'x',
      TF_LOG: 'x',
      TOWPATH_TARGET: 'x',
      TOWPATH_PROVIDER_MIRROR: 'm',
    };
    expect(cleanEnvironment(env)).toEqual({ PATH: 'p', TOWPATH_PROVIDER_MIRROR: 'm' });
  });
});

describe('terraformByHand', () => {
  it('runs Terraform with endpoint, keys and region, and finds the provider', async () => {
    const cwd = mkdtempSync(join(tmpdir(), 'towpath-hand-'));
    const terraform = terraformByHand({ cwd, endpoint: 'http://127.0.0.1:1' });
    try {
      writeFileSync(
        join(cwd, 'main.tf'),
        'terraform {\n  required_providers {\n    aws = {\n      source = "hashicorp/aws"\n    }\n  }\n}\n',
      );
      expect(await terraform.run(['init', '-no-color'])).toMatchObject({ exitCode: 0 });
      expect(terraform.env.AWS_ENDPOINT_URL).toBe('http://127.0.0.1:1');
    } finally {
      terraform.remove();
      rmSync(cwd, { recursive: true, force: true });
    }
  });
});
