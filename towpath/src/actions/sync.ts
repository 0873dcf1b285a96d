/** `sync`: makes `infra/envs/` say what the configuration says; and the check that it does. */
import { type EnvironmentFiles, renderEnvironmentFiles } from '../domain/environment-files.ts';
import { TowpathError } from '../domain/errors.ts';
import type { Environment, Project } from '../domain/project.ts';
import type { Ports } from '../ports.ts';

export type SyncPorts = Pick<Ports, 'project' | 'workspace' | 'notifier'>;

export interface SyncResult {
  /** Files written, relative to the project's root; none with `check`. */
  readonly written: readonly string[];
  /** Files that differed from the configuration or were missing. */
  readonly stale: readonly string[];
  /** Folders in `infra/envs` that no environment owns. They are reported and left alone. */
  readonly stray: readonly string[];
}

/** With `check` nothing is written; the caller decides what stale files mean. */
export async function sync(ports: SyncPorts, options: { readonly check: boolean }): Promise<SyncResult> {
  const { project, workspace, notifier } = ports;
  const stale: string[] = [];
  for (const environment of project.environments) {
    const paths = await staleFiles(ports, environment);
    stale.push(...paths);
    if (paths.length > 0 && !options.check) {
      await workspace.writeEnvironmentFiles(environment.name, renderEnvironmentFiles(project, environment));
    }
  }
  const stray = (await workspace.strayEnvironments(namesOf(project))).map((name) => `infra/envs/${name}`);
  for (const folder of stray) {
    notifier.notify({
      type: 'warning',
      text: `${folder} belongs to no environment of the configuration`,
      hint: 'remove the folder once that environment is destroyed',
    });
  }
  return { written: options.check ? [] : stale, stale, stray };
}

/** Throws `ENVIRONMENT_FILES_STALE` when Terraform would work with other values than the configuration's. */
export async function assertInSync(ports: SyncPorts, environment: Environment): Promise<void> {
  const stale = await staleFiles(ports, environment);
  if (stale.length === 0) return;
  throw new TowpathError('ENVIRONMENT_FILES_STALE', `${stale.join(' and ')} differ from the configuration`, {
    hint: 'towpath sync',
    problems: stale.map((path) => ({
      path,
      message: 'is missing or differs from what the configuration says',
    })),
  });
}

async function staleFiles(ports: SyncPorts, environment: Environment): Promise<readonly string[]> {
  const wanted = renderEnvironmentFiles(ports.project, environment);
  const found = await ports.workspace.readEnvironmentFiles(environment.name);
  const names = Object.keys(wanted) as (keyof EnvironmentFiles)[];
  return names
    .filter((name) => found[name] !== wanted[name])
    .map((name) => `infra/envs/${environment.name}/${name}`);
}

function namesOf(project: Project): readonly string[] {
  return project.environments.map(({ name }) => name);
}
