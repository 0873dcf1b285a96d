/** The project's files on this computer: `infra/envs/`, the Terraform tree, the source's commit. */
import { randomUUID } from 'node:crypto';
import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { EnvironmentFiles } from '../../domain/environment-files.ts';
import type { WorkspacePort } from '../../ports.ts';
import { readSourceCommit } from './git.ts';
import { readIfThere, readTerraformTree } from './terraform-tree.ts';

/** @param root folder of the configuration */
export function createWorkspace(root: string): WorkspacePort {
  const environments = join(root, 'infra', 'envs');
  return {
    readEnvironmentFiles: (environment) => readEnvironmentFiles(join(environments, environment)),
    writeEnvironmentFiles: (environment, files) =>
      writeEnvironmentFiles(join(environments, environment), files),
    strayEnvironments: (names) => strayFolders(environments, names),
    terraformTree: () => readTerraformTree(root),
    sourceCommit: () => readSourceCommit(root),
  };
}

async function readEnvironmentFiles(folder: string): Promise<Partial<EnvironmentFiles>> {
  const [backend, variables] = await Promise.all([
    readIfThere(join(folder, 'backend.hcl')),
    readIfThere(join(folder, 'terraform.tfvars.json')),
  ]);
  return {
    ...(backend === undefined ? {} : { 'backend.hcl': backend }),
    ...(variables === undefined ? {} : { 'terraform.tfvars.json': variables }),
  };
}

async function writeEnvironmentFiles(folder: string, files: EnvironmentFiles): Promise<void> {
  await mkdir(folder, { recursive: true });
  await replaceFile(join(folder, 'backend.hcl'), files['backend.hcl']);
  await replaceFile(join(folder, 'terraform.tfvars.json'), files['terraform.tfvars.json']);
}

/** A reader sees the old file or the new one, and a kill leaves one of them. */
async function replaceFile(path: string, content: string): Promise<void> {
  const temporary = `${path}.${randomUUID()}.tmp`;
  try {
    await writeFile(temporary, content);
    await rename(temporary, path);
  } finally {
    await rm(temporary, { force: true });
  }
}

async function strayFolders(folder: string, names: readonly string[]): Promise<readonly string[]> {
  try {
    const entries = await readdir(folder, { withFileTypes: true });
    const folders = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
    return folders.filter((name) => !names.includes(name)).sort();
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw error;
  }
}
