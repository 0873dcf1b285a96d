/** A moment in a flag. */
import { TowpathError } from '../domain/errors.ts';
import { parseMoment } from '../domain/moment.ts';

/** @param now milliseconds since the epoch @returns the same; undefined without the flag @throws TowpathError `USAGE` */
export function parseWhen(name: string, flag: unknown, now: number): number | undefined {
  if (flag === undefined) return undefined;
  const moment = parseMoment(String(flag), now);
  if (moment !== undefined) return moment;
  throw new TowpathError('USAGE', `${name} is "${flag}"; it must be a duration back from now, or a time.`, {
    hint: `${name} 10m, or ${name} ${new Date(now - 3_600_000).toISOString().slice(0, 16)}Z`,
  });
}
