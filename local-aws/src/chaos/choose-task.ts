/** Which task, or whose tasks, a chaos action means. Pure. */
import type { LocalEnvironment } from '../contract.ts';
import { ChaosError } from './chaos-error.ts';
import { suggestFrom } from './closest.ts';

export interface TaskSelection {
  /** Id, ARN or the beginning of an id. */
  readonly task?: string | undefined;
  /** As `local status` shows it, or the name of the cluster. */
  readonly environment?: string | undefined;
  readonly service?: string | undefined;
}

/** @throws ChaosError `not-found` with the names that there are */
export function chooseServices(
  environments: readonly LocalEnvironment[],
  { environment, service }: TaskSelection,
): readonly LocalEnvironment[] {
  const inEnvironment =
    environment === undefined
      ? environments
      : environments.filter(({ name, cluster }) => name === environment || cluster === environment);
  if (environment !== undefined && inEnvironment.length === 0) {
    const known = [...new Set(environments.map(({ name }) => name))].sort();
    throw new ChaosError(
      'not-found',
      `No environment ${JSON.stringify(environment)} runs here${suggestFrom(environment, known)}`,
    );
  }
  if (service === undefined) return inEnvironment;
  const found = inEnvironment.filter((one) => one.service === service);
  if (found.length > 0) return found;
  const known = [...new Set(inEnvironment.map((one) => one.service))].sort();
  throw new ChaosError(
    'not-found',
    `No service ${JSON.stringify(service)} runs here${suggestFrom(service, known)}`,
  );
}

/**
 * A running task of the chosen services: the one whose id begins so, else one by chance.
 * @returns its id
 * @throws ChaosError
 */
export function chooseTask(
  environments: readonly LocalEnvironment[],
  selection: TaskSelection,
  random: () => number,
): string {
  const services = chooseServices(environments, selection);
  const tasks = services
    .flatMap((one) => one.tasks)
    .filter(({ lastStatus }) => lastStatus === 'RUNNING')
    // By zone first: ids are new in every rehearsal, zones are not.
    .sort((a, b) => a.zone.localeCompare(b.zone) || a.id.localeCompare(b.id));
  const start = selection.task?.split('/').at(-1)?.toLowerCase();
  const candidates = start === undefined ? tasks : tasks.filter(({ id }) => id.startsWith(start));
  if (start !== undefined && candidates.length > 1)
    throw new ChaosError(
      'invalid',
      `${candidates.length} running tasks begin with "${start}". Give more digits.`,
    );
  const chosen = candidates[Math.min(candidates.length - 1, Math.floor(random() * candidates.length))];
  if (chosen !== undefined) return chosen.id;
  const where = selection.environment ?? selection.service ?? 'the embedded AWS';
  if (start !== undefined && tasks.length > 0)
    throw new ChaosError(
      'not-found',
      `No running task of ${where} begins with "${start}"${suggestFrom(
        start,
        tasks.map(({ id }) => id.slice(0, 12)),
      )}`,
    );
  throw new ChaosError('refused', `No task of ${where} runs now.`);
}
