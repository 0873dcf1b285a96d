/** Runs one verb for several environments at once, each heard under its own name. */
import { TowpathError } from '../domain/errors.ts';
import type { Project } from '../domain/project.ts';
import type { Ports } from '../ports.ts';
import { selectEnvironment } from './select-environment.ts';

/** A Terraform run needs up to 0.9 GB and most of a core while it plans; most of an apply is waiting. */
const MAX_SIDE_BY_SIDE = 4;

export type Outcome<T> =
  | { readonly environment: string; readonly value: T }
  | { readonly environment: string; readonly error: unknown };

/** The environments a command is about, in the order of the ladder, each once. */
export function selectSeveral(project: Project, names: readonly string[], all: boolean): readonly string[] {
  if (all && names.length > 0) {
    throw new TowpathError('USAGE', `--all and names (${names.join(', ')}) exclude each other.`, {
      hint: 'give one of the two',
    });
  }
  if (!all && names.length === 0) {
    const known = project.environments.map(({ name }) => name).join(', ');
    throw new TowpathError('USAGE', `Which environment? The configuration has: ${known}.`, {
      hint: 'name one or more, or give --all; towpath --help shows more',
    });
  }
  const wanted = new Set(
    all
      ? project.environments.map(({ name }) => name)
      : names.map((name) => selectEnvironment(project, name).name),
  );
  return project.environments.map(({ name }) => name).filter((name) => wanted.has(name));
}

/** Waits for all of them; one that fails does not stop the others. */
export async function sideBySide<T>(
  ports: Ports,
  environments: readonly string[],
  work: (ports: Ports, environment: string) => Promise<T>,
): Promise<readonly Outcome<T>[]> {
  ports.notifier.notify({ type: 'several', environments });
  const outcomes = new Map<string, Outcome<T>>();
  const waiting = [...environments];
  const worker = async () => {
    for (let environment = waiting.shift(); environment !== undefined; environment = waiting.shift()) {
      const name = environment;
      const notifier: Ports['notifier'] = {
        notify: (event) => ports.notifier.notify({ ...event, environment: name }),
      };
      try {
        outcomes.set(name, { environment: name, value: await work({ ...ports, notifier }, name) });
      } catch (error) {
        outcomes.set(name, { environment: name, error });
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(MAX_SIDE_BY_SIDE, environments.length) }, worker));
  return environments.flatMap((environment) => outcomes.get(environment) ?? []);
}
