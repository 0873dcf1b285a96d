/** Wall-clock time in a time zone, from the zone data that Node has. Pure. */

export interface LocalTime {
  readonly year: number;
  /** 1 to 12. */
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  /** 1 = Sunday. */
  readonly weekday: number;
  /** Of that month. */
  readonly daysInMonth: number;
}

export function isTimezone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en-US', { timeZone: name }).format(0) !== '';
  } catch {
    return false;
  }
}

export function localTimeAt(moment: number, timezone: string): LocalTime {
  const local = new Date(shownAt(moment, timezone));
  const [year, month] = [local.getUTCFullYear(), local.getUTCMonth() + 1];
  return {
    year,
    month,
    day: local.getUTCDate(),
    hour: local.getUTCHours(),
    minute: local.getUTCMinutes(),
    weekday: local.getUTCDay() + 1,
    daysInMonth: new Date(Date.UTC(year, month, 0)).getUTCDate(),
  };
}

/**
 * The moment at which a clock in the zone shows `local`, given as if it were UTC. A time that a change of the clock
 * leaves out counts as the one that much later.
 */
export function momentOf(local: number, timezone: string): number {
  const guess = local - (shownAt(local, timezone) - local);
  return local - (shownAt(guess, timezone) - guess);
}

/** What a clock in the zone shows, as if it were UTC. */
function shownAt(moment: number, timeZone: string): number {
  const format = new Intl.DateTimeFormat('en-US', {
    ...{ timeZone, hourCycle: 'h23', year: 'numeric', month: 'numeric', day: 'numeric' },
    ...{ hour: 'numeric', minute: 'numeric', second: 'numeric' },
  });
  const parts = Object.fromEntries(
    format.formatToParts(moment).map(({ type, value }) => [type, Number(value)]),
  );
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = parts;
  return Date.UTC(year, month - 1, day, hour, minute, second) + (((moment % 1_000) + 1_000) % 1_000);
}
