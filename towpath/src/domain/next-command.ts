/** Which command is the next one where it depends on the environment's place on the ladder. Pure. */
import type { Environment } from './project.ts';

type Place = Pick<Environment, 'name' | 'position'>;

/** Brings a release to an environment that runs none: only the first takes new ones. */
export function commandToFill({ name, position }: Place): string {
  return position === 0 ? `towpath deploy ${name}` : `towpath promote ${name}`;
}

/** Has the release that runs there started with what has changed around it. */
export function commandToRenew({ name, position }: Place): string {
  return position === 0 ? `towpath deploy ${name}` : `towpath apply ${name}`;
}
