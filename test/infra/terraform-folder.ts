/**
 * A copy of `infra/` in a temporary folder, and Terraform run there: offline where a provider mirror is found,
 * without credentials, and without leaving anything in the repository.
 */
import { spawn } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findProviderMirror, renderCliConfig } from '../../towpath/src/adapters/terraform/provider-mirror.ts';

export const INFRA = fileURLToPath(new URL('../../infra', import.meta.url));

/** One command of Terraform; the slowest is the root's `terraform test`. */
const COMMAND_LIMIT_MS = 150_000;

export interface TerraformResult {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface TerraformFolder {
  readonly path: string;
  /** @param folder relative to `infra/` */
  run(folder: string, args: readonly string[]): Promise<TerraformResult>;
  remove(): void;
}

/** Folders of `infra/modules`, relative to `infra/`. */
export function moduleFolders(): readonly string[] {
  return readdirSync(join(INFRA, 'modules')).map((name) => `modules/${name}`);
}

export async function copyInfra(): Promise<TerraformFolder> {
  const base = realpathSync(mkdtempSync(join(tmpdir(), 'towpath-infra-')));
  const path = join(base, 'infra');
  const cliConfig = join(base, 'terraform.rc');
  cpSync(INFRA, path, {
    recursive: true,
    filter: (source) => !['.terraform', '.terraform.lock.hcl'].includes(basename(source)),
  });
  writeFileSync(cliConfig, renderCliConfig(await findProviderMirror(process.env, homedir())));
  const env = { ...withoutAwsSettings(process.env), TF_CLI_CONFIG_FILE: cliConfig, TF_IN_AUTOMATION: '1' };
  return {
    path,
    run: (folder, args) => runTerraform(join(path, folder), args, env),
    remove: () => rmSync(base, { recursive: true, force: true }),
  };
}

/** Nothing here may reach an account: credentials, profiles and Terraform's own variables stay outside. */
function withoutAwsSettings(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !/^(?:AWS|TF)_/.test(name)));
}

function runTerraform(
  cwd: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<TerraformResult> {
  return new Promise((resolve, reject) => {
    const child = spawn('terraform', args, {
      cwd,
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: COMMAND_LIMIT_MS,
    });
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
    child.once('error', reject);
    child.once('close', (exitCode) =>
      resolve({
        exitCode,
        stdout: Buffer.concat(stdout).toString('utf8'),
        stderr: Buffer.concat(stderr).toString('utf8'),
      }),
    );
  });
}
