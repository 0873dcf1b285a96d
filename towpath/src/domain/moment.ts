/** Moments as people write them: a duration back from now (`10m`, `1h30m`) or ISO 8601. Pure. */
import { parseDuration } from './duration.ts';

const ISO = /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d{1,3})?)?)(Z|[+-]\d{2}:?\d{2})?)?$/i;

/**
 * A time without a zone is UTC, as every time that Towpath shows.
 * @param now milliseconds since the epoch @returns the same; undefined when `text` is no moment
 */
export function parseMoment(text: string, now: number): number | undefined {
  const seconds = parseDuration(text);
  if (seconds !== undefined) return now - seconds * 1_000;
  const [matched, day, time = '00:00', zone = 'Z'] = ISO.exec(text) ?? [];
  if (matched === undefined) return undefined;
  const at = Date.parse(`${day}T${time}${zone.toUpperCase()}`);
  return Number.isNaN(at) ? undefined : at;
}
