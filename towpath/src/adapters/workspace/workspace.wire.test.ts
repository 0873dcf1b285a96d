/** The workspace on real folders and a real git repository. */
import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { WorkspacePort } from '../../ports.ts';
import { createWorkspace } from './workspace.ts';

let root: string;
let workspace: WorkspacePort;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'towpath-workspace-'));
  workspace = createWorkspace(root);
});

afterEach(async () => {
  await rm(root, { recursive: true, force: true });
});

async function write(path: string, content = path): Promise<void> {
  await mkdir(dirname(join(root, path)), { recursive: true });
  await writeFile(join(root, path), content);
}

function git(...args: string[]): string {
  const identity = ['-c', 'user.name=t', '-c', 'user.email=t@example.com', '-c', 'commit.gpgsign=false'];
  return execFileSync('git', [...identity, ...args], { cwd: root, encoding: 'utf8' }).trim();
}

describe('environment files', () => {
  const files = { 'backend.hcl': 'a', 'terraform.tfvars.json': '{}' };

  it('reads what it wrote, and leaves nothing else behind', async () => {
    expect(await workspace.readEnvironmentFiles('test')).toEqual({});
    await workspace.writeEnvironmentFiles('test', { ...files, 'backend.hcl': 'old' });
    await workspace.writeEnvironmentFiles('test', files);
    expect(await workspace.readEnvironmentFiles('test')).toEqual(files);
    expect((await readdir(join(root, 'infra/envs/test'))).sort()).toEqual(Object.keys(files));
  });

  it('reads the one that is there', async () => {
    await write('infra/envs/test/backend.hcl', 'x');
    expect(await workspace.readEnvironmentFiles('test')).toEqual({ 'backend.hcl': 'x' });
  });

  it('lists folders that no environment owns', async () => {
    expect(await workspace.strayEnvironments(['test'])).toEqual([]);
    await workspace.writeEnvironmentFiles('test', files);
    await workspace.writeEnvironmentFiles('old', files);
    await write('infra/envs/README.md');
    expect(await workspace.strayEnvironments(['test'])).toEqual(['old']);
  });
});

describe('terraformTree', () => {
  const paths = async () => (await workspace.terraformTree()).map(({ path }) => path);

  it('holds the Terraform that reaches AWS, and nothing else', async () => {
    expect(await paths()).toEqual([]);
    await write('infra/main.tf', 'main');
    for (const path of [
      'infra/modules/ecs/main.tf',
      'infra/modules/ecs/dashboard.tftpl',
      'infra/extra.tf.json',
      'infra/README.md',
      'infra/tests/all.tftest.hcl',
      'infra/tests/setup/main.tf',
      'infra/ci/main.tf',
      'infra/modules/ecs/tests/main.tf',
      'infra/.terraform/modules/x/main.tf',
      'infra/envs/test/backend.hcl',
      'infra/plan.tfplan',
      'app/main.tf',
    ]) {
      await write(path);
    }
    expect(await paths()).toEqual([
      'infra/extra.tf.json',
      'infra/main.tf',
      'infra/modules/ecs/dashboard.tftpl',
      'infra/modules/ecs/main.tf',
    ]);
    expect((await workspace.terraformTree())[1]?.content).toBe('main');
  });

  it('holds what links lead to, since Terraform reads that', async () => {
    await write('shared/main.tf', 'main');
    await write('shared/modules/ecs/main.tf', 'ecs');
    await mkdir(join(root, 'infra'));
    await symlink('../shared/main.tf', join(root, 'infra/main.tf'));
    await symlink('../shared/modules', join(root, 'infra/modules'));
    await symlink('../nowhere', join(root, 'infra/gone'));
    expect(await workspace.terraformTree()).toEqual([
      { path: 'infra/main.tf', content: 'main' },
      { path: 'infra/modules/ecs/main.tf', content: 'ecs' },
    ]);
    await symlink('..', join(root, 'shared/modules/circle'));
    await expect(workspace.terraformTree()).rejects.toThrow('more than 8 folders');
  });

  it('holds the provider lock file only where git tracks it', async () => {
    await write('infra/main.tf');
    await write('infra/.terraform.lock.hcl', 'lock');
    expect(await paths()).toEqual(['infra/main.tf']);
    git('init', '-q');
    expect(await paths()).toEqual(['infra/main.tf']);
    git('add', 'infra');
    expect(await paths()).toEqual(['infra/.terraform.lock.hcl', 'infra/main.tf']);
  });
});

describe('sourceCommit', () => {
  it('is none outside git and before the first commit', async () => {
    expect(await workspace.sourceCommit()).toBe('none');
    git('init', '-q');
    expect(await workspace.sourceCommit()).toBe('none');
  });

  it('is the commit, and says when files differ from it', async () => {
    git('init', '-q');
    await write('.gitignore', 'ignored\n');
    await write('app/server.ts');
    git('add', '.');
    git('commit', '-q', '-m', 'first');
    const commit = git('rev-parse', 'HEAD');
    expect(commit).toMatch(/^[0-9a-f]{40}$/);
    await write('ignored');
    expect(await workspace.sourceCommit()).toBe(commit);
    await write('app/new.ts');
    expect(await workspace.sourceCommit()).toBe(`${commit}-dirty`);
    await rm(join(root, 'app/new.ts'));
    await write('app/server.ts', 'changed');
    expect(await workspace.sourceCommit()).toBe(`${commit}-dirty`);
  });
});
