/**
 * When a scheduled action is due: at(...), rate(...) and cron(...) as Application Auto Scaling writes them. Pure.
 * Six fields, days of the week from 1 = SUN, and L, W and #: what npm's cron parsers read differs in each of these.
 */
import { type CronFields, matchesCron, parseCron } from './cron-fields.ts';
import { localTimeAt, momentOf } from './local-time.ts';

const minuteMs = 60_000;
/** After a pause (a computer asleep) this much is made up for: one run at most. */
const maxLookBackMinutes = 1_440;

export type Schedule =
  | { readonly kind: 'at'; readonly local: number }
  | { readonly kind: 'rate'; readonly everyMs: number }
  | { readonly kind: 'cron'; readonly fields: CronFields };

const unitMs: Readonly<Record<string, number>> = {
  minute: minuteMs,
  hour: 60 * minuteMs,
  day: 1_440 * minuteMs,
};

/** @returns undefined for what is not one of the three */
export function parseSchedule(text: string): Schedule | undefined {
  const [, kind, inside = ''] = /^(at|rate|cron)\((.+)\)$/.exec(text.trim()) ?? [];
  if (kind === 'at') {
    const local = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$/.test(inside) ? Date.parse(`${inside}Z`) : Number.NaN;
    return Number.isNaN(local) ? undefined : { kind, local };
  }
  if (kind === 'rate') {
    const [, count = '', unit = ''] = /^([1-9]\d{0,5}) (minute|hour|day)s?$/.exec(inside) ?? [];
    const ms = unitMs[unit];
    return ms === undefined ? undefined : { kind, everyMs: Number(count) * ms };
  }
  const fields = kind === 'cron' ? parseCron(inside) : undefined;
  return fields && { kind: 'cron', fields };
}

export interface DueQuestion {
  readonly schedule: Schedule;
  readonly timezone: string;
  /** Milliseconds since the epoch; `at` does without. */
  readonly start: number | undefined;
  readonly end: number | undefined;
  readonly created: number;
  /** Real milliseconds of an AWS-side interval: a rate is one, a time of day is not. */
  readonly scaled: (awsMs: number) => number;
}

/** Whether it was due after `from` and not after `to`, milliseconds since the epoch. */
export function isScheduleDue(question: DueQuestion, from: number, to: number): boolean {
  const { schedule, timezone, start, end, created, scaled } = question;
  if (schedule.kind === 'at') {
    const at = momentOf(schedule.local, timezone);
    return from < at && at <= to;
  }
  const until = Math.min(to, end ?? to);
  const after = Math.max(from, (start ?? from + 1) - 1);
  if (until <= after) return false;
  if (schedule.kind === 'rate') {
    const everyMs = scaled(schedule.everyMs);
    const base = start ?? created;
    const turn = Math.floor((until - base) / everyMs);
    return turn >= (start === undefined ? 1 : 0) && base + turn * everyMs > after;
  }
  const newest = Math.floor(until / minuteMs) * minuteMs;
  for (let back = 0; back < maxLookBackMinutes; back += 1) {
    const moment = newest - back * minuteMs;
    if (moment <= after) return false;
    if (matchesCron(schedule.fields, localTimeAt(moment, timezone))) return true;
  }
  return false;
}
