/**
 * Checks for what npm can't bring: Node itself, Terraform, and a way to run moto.
 * Everything that is missing is named at once, each with the command that installs it on this system.
 */
import { spawnSync } from 'node:child_process';
import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { SetupError } from './setup-error.mjs';

const NODE_AT_LEAST = [20, 12];
const TERRAFORM_AT_LEAST = [1, 11];
/** What is proposed for installation: the version that everything is tested with. */
const TERRAFORM_PROPOSED = '1.11.4';
const PROBE_LIMIT_MS = 20_000;

/** @param version as `process.versions.node` */
export function requireNode(version) {
  if (isAtLeast(version, NODE_AT_LEAST)) return;
  throw new SetupError(
    `Node ${version} is too old: Towpath needs ${NODE_AT_LEAST.join('.')} or newer.\n` +
      `  install it with: ${process.platform === 'darwin' ? 'brew install node@22' : 'npx --yes n lts    (or your version manager: nvm install 22, fnm install 22)'}`,
  );
}

/** @param names `terraform`, `moto` */
export function requireTools(names) {
  const probes = { terraform: missingTerraform, moto: missingMoto };
  const system = describeSystem();
  const missing = names.map((name) => probes[name](system)).filter((finding) => finding !== undefined);
  if (missing.length === 0) return;
  throw new SetupError(
    missing.map(({ what, install }) => `${what}\n  install it with: ${install}`).join('\n'),
  );
}

function missingTerraform(system) {
  const install = terraformInstallation(system);
  if (findOnPath('terraform') === undefined) return { what: 'Terraform was not found on the PATH.', install };
  const { stdout, status } = spawnSync('terraform', ['version', '-json'], {
    encoding: 'utf8',
    timeout: PROBE_LIMIT_MS,
    // Its own look for a newer version would go to the network.
    env: { ...process.env, CHECKPOINT_DISABLE: '1' },
  });
  const version = status === 0 ? parseTerraformVersion(stdout) : undefined;
  if (version === undefined) {
    return { what: `Terraform is at ${findOnPath('terraform')}, but \`terraform version\` failed.`, install };
  }
  if (isAtLeast(version, TERRAFORM_AT_LEAST)) return undefined;
  return {
    what: `Terraform ${version} is too old: ${TERRAFORM_AT_LEAST.join('.')} or newer is needed.`,
    install,
  };
}

/** @returns the version, or undefined when the text is not what `terraform version -json` prints */
export function parseTerraformVersion(text) {
  try {
    const version = JSON.parse(text).terraform_version;
    return typeof version === 'string' ? version : undefined;
  } catch {
    return undefined;
  }
}

/** moto_server itself, or a Python that can make a virtual environment: `local-aws` then installs it there. */
function missingMoto(system) {
  if (findOnPath('moto_server') !== undefined) return undefined;
  const python = findOnPath('python3');
  if (python !== undefined) {
    const probe = spawnSync(python, ['-c', 'import venv, ensurepip'], {
      timeout: PROBE_LIMIT_MS,
      stdio: 'ignore',
    });
    if (probe.status === 0) return undefined;
  }
  const lacking =
    python === undefined ? 'no python3 is there to install it' : 'python3 can make no virtual environment';
  return {
    what: `moto_server was not found on the PATH, and ${lacking}.`,
    install: pythonInstallation(system),
  };
}

/** @returns `platform` and `arch` as Node names them, and the package manager that is there */
export function describeSystem() {
  const manager = ['brew', 'apt-get', 'dnf', 'apk', 'pacman', 'zypper'].find(
    (name) => findOnPath(name) !== undefined,
  );
  return { platform: process.platform, arch: process.arch, manager };
}

export function terraformInstallation({ platform, arch, manager }) {
  if (manager === 'brew') return 'brew install hashicorp/tap/terraform';
  if (manager === 'apk') return 'sudo apk add terraform';
  const file = `terraform_${TERRAFORM_PROPOSED}_${platform}_${arch === 'x64' ? 'amd64' : arch}.zip`;
  const url = `https://releases.hashicorp.com/terraform/${TERRAFORM_PROPOSED}/${file}`;
  return `curl -fsSLo terraform.zip ${url} && sudo unzip -o terraform.zip terraform -d /usr/local/bin`;
}

export function pythonInstallation({ manager }) {
  const commands = {
    brew: 'brew install python@3.12',
    'apt-get': 'sudo apt-get install -y python3-venv',
    dnf: 'sudo dnf install -y python3',
    apk: 'sudo apk add python3',
    pacman: 'sudo pacman -S --noconfirm python',
    zypper: 'sudo zypper install -y python3',
  };
  return commands[manager] ?? 'your package manager (python3 with its venv module)';
}

/** @param version dotted; @param least major and minor */
export function isAtLeast(version, [major, minor]) {
  const [actualMajor = 0, actualMinor = 0] = version.split('.').map(Number);
  return actualMajor > major || (actualMajor === major && actualMinor >= minor);
}

function findOnPath(name) {
  for (const directory of (process.env.PATH ?? '').split(delimiter)) {
    const path = join(directory, name);
    try {
      accessSync(path, constants.X_OK);
      if (statSync(path).isFile()) return path;
    } catch {
      // Not here; the next directory may have it.
    }
  }
  return undefined;
}
