/** The six fields of AWS's cron expressions: minute, hour, day, month, day of the week (1 = SUN), year. Pure. */
import type { LocalTime } from './local-time.ts';

type Matcher = (time: LocalTime) => boolean;
export type CronFields = readonly Matcher[];

const months = 'JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC'.split(' ');
const weekdays = 'SUN MON TUE WED THU FRI SAT'.split(' ');

/** @returns undefined for what is not a cron expression of AWS */
export function parseCron(text: string): CronFields | undefined {
  const fields = text.trim().split(/\s+/);
  const [minute = '', hour = '', day = '', month = '', weekday = '', year = ''] = fields;
  // One of the two says nothing, so that they can't contradict each other.
  if (fields.length !== 6 || (day === '?') === (weekday === '?')) return undefined;
  const matchers = [
    parseNumbers(minute, 0, 59, (time) => time.minute),
    parseNumbers(hour, 0, 23, (time) => time.hour),
    parseDay(day),
    parseNumbers(named(month, months), 1, 12, (time) => time.month),
    parseWeekday(named(weekday, weekdays)),
    parseNumbers(year, 1970, 2199, (time) => time.year),
  ];
  return matchers.every((matcher) => matcher !== undefined) ? matchers : undefined;
}

export function matchesCron(fields: CronFields, time: LocalTime): boolean {
  return fields.every((matches) => matches(time));
}

function named(text: string, names: readonly string[]): string {
  return text.replace(/[A-Z]{3}/gi, (name) => {
    const index = names.indexOf(name.toUpperCase());
    return index < 0 ? name : String(index + 1);
  });
}

/** Lists of numbers, ranges and steps: `0,30`, `8-17`, `0/5`, `8-17/2`. */
function parseNumbers(
  text: string,
  lowest: number,
  highest: number,
  of: (time: LocalTime) => number,
): Matcher | undefined {
  const parts = text.split(',').map((part) => {
    const [, first = '', last, step] = /^(\*|\d+)(?:-(\d+))?(?:\/(\d+))?$/.exec(part) ?? [];
    if (first === '' || (first === '*' && last !== undefined) || step === '0') return undefined;
    const from = first === '*' ? lowest : Number(first);
    const open = first === '*' || step !== undefined ? highest : from;
    const to = last === undefined ? open : Number(last);
    if (from < lowest || to > highest || from > to) return undefined;
    return { from, to, step: step === undefined ? 1 : Number(step) };
  });
  if (!parts.every((part) => part !== undefined)) return undefined;
  return (time) =>
    parts.some(({ from, to, step }) => of(time) >= from && of(time) <= to && (of(time) - from) % step === 0);
}

function parseDay(text: string): Matcher | undefined {
  if (text === '?') return () => true;
  if (text === 'L') return ({ day, daysInMonth }) => day === daysInMonth;
  const [, near] = /^(\d{1,2})W$/.exec(text) ?? [];
  if (near === undefined) return parseNumbers(text, 1, 31, ({ day }) => day);
  const wanted = Number(near);
  return wanted >= 1 && wanted <= 31 ? (time) => time.day === nearestWorkday(time, wanted) : undefined;
}

/** The Monday to Friday that is next to a day, within its month. */
function nearestWorkday({ day, weekday, daysInMonth }: LocalTime, wanted: number): number {
  const target = Math.min(wanted, daysInMonth);
  const weekdayOfTarget = (((weekday - 1 + target - day) % 7) + 7) % 7;
  if (weekdayOfTarget === 6) return target > 1 ? target - 1 : target + 2;
  if (weekdayOfTarget === 0) return target < daysInMonth ? target + 1 : target - 2;
  return target;
}

function parseWeekday(text: string): Matcher | undefined {
  if (text === '?') return () => true;
  if (text === 'L') return ({ weekday }) => weekday === 7;
  const [, last] = /^([1-7])L$/.exec(text) ?? [];
  if (last !== undefined)
    return ({ weekday, day, daysInMonth }) => weekday === Number(last) && day > daysInMonth - 7;
  const [, of, nth] = /^([1-7])#([1-5])$/.exec(text) ?? [];
  if (of !== undefined)
    return ({ weekday, day }) => weekday === Number(of) && Math.ceil(day / 7) === Number(nth);
  return parseNumbers(text, 1, 7, ({ weekday }) => weekday);
}
