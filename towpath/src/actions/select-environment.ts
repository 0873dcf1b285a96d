/** Finds an environment of the project by name, and says where its commands go. */
import { TowpathError } from '../domain/errors.ts';
import type { Environment, Project } from '../domain/project.ts';
import { closest } from '../domain/suggest.ts';
import type { Cloud, Ports, TargetInfo } from '../ports.ts';

export function selectEnvironment(project: Project, name: string): Environment {
  const found = project.environments.find((environment) => environment.name === name);
  if (found) return found;
  const names = project.environments.map((environment) => environment.name);
  const suggestion = closest(name, names);
  throw new TowpathError(
    'UNKNOWN_ENVIRONMENT',
    `There is no environment "${name}". The configuration has: ${names.join(', ')}.`,
    {
      hint: suggestion === undefined ? 'add it to towpath.config.ts' : `did you mean "${suggestion}"?`,
    },
  );
}

/** The environment's cloud, after its identity was checked and shown. */
export async function enter(
  ports: Ports,
  name: string,
): Promise<{ environment: Environment; cloud: Cloud; target: TargetInfo }> {
  const environment = selectEnvironment(ports.project, name);
  const cloud = ports.cloud(environment);
  const target = await cloud.whoami();
  ports.notifier.notify({ type: 'target', environment: environment.name, ...target });
  return { environment, cloud, target };
}
