/** Finds the Terraform program and makes sure that it is new enough. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { TowpathError } from '../../domain/errors.ts';
import { findExecutable } from '../process/find-executable.ts';

/** Write-only arguments and the S3 lock file need it. */
export const MINIMUM_VERSION = [1, 11] as const;
const VERSION_TIMEOUT_MS = 10_000;

export interface TerraformProgram {
  readonly path: string;
  readonly version: string;
}

export async function findTerraform(
  env: Readonly<Record<string, string | undefined>>,
): Promise<TerraformProgram> {
  const path = findExecutable('terraform', env.PATH);
  if (path === undefined) {
    throw new TowpathError('TERRAFORM_NOT_FOUND', 'Terraform is not on the PATH.', { hint: installHint() });
  }
  const version = await readVersion(path);
  if (!isNewEnough(version)) {
    throw new TowpathError(
      'TERRAFORM_TOO_OLD',
      `Terraform ${version} at ${path} is too old: ${MINIMUM_VERSION.join('.')} or newer is needed.`,
      { hint: installHint() },
    );
  }
  return { path, version };
}

export function isNewEnough(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map((part) => Number.parseInt(part, 10));
  const [needMajor, needMinor] = MINIMUM_VERSION;
  return major > needMajor || (major === needMajor && minor >= needMinor);
}

async function readVersion(path: string): Promise<string> {
  try {
    const { stdout } = await promisify(execFile)(path, ['version', '-json'], {
      timeout: VERSION_TIMEOUT_MS,
      env: { PATH: process.env.PATH, HOME: process.env.HOME, CHECKPOINT_DISABLE: '1' },
    });
    const parsed = JSON.parse(stdout) as { terraform_version?: string };
    return parsed.terraform_version ?? '0';
  } catch (cause) {
    throw new TowpathError('TERRAFORM_NOT_FOUND', `${path} does not answer \`terraform version -json\`.`, {
      hint: installHint(),
      cause,
    });
  }
}

function installHint(): string {
  return process.platform === 'darwin'
    ? 'brew install hashicorp/tap/terraform'
    : 'install Terraform 1.11 or newer: https://developer.hashicorp.com/terraform/install';
}
