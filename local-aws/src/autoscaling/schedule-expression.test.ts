import { expect, test } from 'vitest';
import { isScheduleDue, parseSchedule } from './schedule-expression.ts';

const minuteMs = 60_000;

function isDue(text: string, moment: string, changes: object = {}): boolean {
  const schedule = parseSchedule(text);
  if (schedule === undefined) throw new Error(`not a schedule: ${text}`);
  const to = Date.parse(moment);
  const question = {
    ...{ schedule, timezone: 'UTC', start: undefined, end: undefined, created: 0 },
    scaled: (ms: number) => ms,
    ...changes,
  };
  return isScheduleDue(question, to - 1_000, to);
}

test.each([
  ['cron(0 22 * * ? *)', '2026-11-25T22:00:00Z', true],
  ['cron(0 22 * * ? *)', '2026-11-25T22:01:00Z', false],
  ['cron(0/15 8-17 ? * MON-FRI *)', '2026-11-25T17:45:00Z', true],
  ['cron(0/15 8-17 ? * MON-FRI *)', '2026-11-28T09:00:00Z', false],
  ['cron(0 9 ? * 1 *)', '2026-11-29T09:00:00Z', true],
  ['cron(0 9 L * ? *)', '2026-11-30T09:00:00Z', true],
  ['cron(0 9 L * ? *)', '2026-11-29T09:00:00Z', false],
  ['cron(0 9 1W * ? *)', '2026-08-03T09:00:00Z', true],
  ['cron(0 9 15W * ? *)', '2026-11-16T09:00:00Z', true],
  ['cron(0 9 ? * 6#4 *)', '2026-11-27T09:00:00Z', true],
  ['cron(0 9 ? * FRI#3 *)', '2026-11-27T09:00:00Z', false],
  ['cron(0 9 ? * 6L *)', '2026-11-27T09:00:00Z', true],
  ['cron(0 9 * JAN,NOV ? 2026)', '2026-11-25T09:00:00Z', true],
  ['cron(0 9 * JAN,NOV ? 2027)', '2026-11-25T09:00:00Z', false],
  ['at(2026-11-25T22:00:00)', '2026-11-25T22:00:00Z', true],
  ['at(2026-11-25T22:00:00)', '2026-11-25T22:00:02Z', false],
])('%s at %s: %s', (text, moment, expected) => {
  expect(isDue(text, moment)).toBe(expected);
});

test('times of day are those of the time zone, through changes of the clock', () => {
  const timezone = 'Europe/Berlin';
  expect(isDue('cron(0 8 * * ? *)', '2026-07-01T06:00:00Z', { timezone })).toBe(true);
  expect(isDue('cron(0 8 * * ? *)', '2026-12-01T07:00:00Z', { timezone })).toBe(true);
  expect(isDue('at(2026-07-01T08:00:00)', '2026-07-01T06:00:00Z', { timezone })).toBe(true);
});

test('a rate counts from its start, at the speed of the embedded AWS', () => {
  const start = Date.parse('2026-11-25T10:00:00Z');
  expect(isDue('rate(5 minutes)', '2026-11-25T10:00:00Z', { start })).toBe(true);
  expect(isDue('rate(5 minutes)', '2026-11-25T10:04:00Z', { start })).toBe(false);
  expect(isDue('rate(5 minutes)', '2026-11-25T10:05:00Z', { start })).toBe(true);
  const scaled = (ms: number) => ms / 10;
  expect(isDue('rate(5 minutes)', '2026-11-25T10:00:30Z', { start, scaled })).toBe(true);
  expect(isDue('rate(1 day)', '2026-11-26T10:00:00Z', { created: start })).toBe(true);
  expect(isDue('rate(1 day)', '2026-11-25T10:00:00Z', { created: start })).toBe(false);
});

test('outside of start and end nothing is due', () => {
  const [start, end] = [Date.parse('2026-11-25T22:00:00Z'), Date.parse('2026-11-26T22:00:00Z')];
  expect(isDue('cron(0 22 * * ? *)', '2026-11-24T22:00:00Z', { start, end })).toBe(false);
  expect(isDue('cron(0 22 * * ? *)', '2026-11-25T22:00:00Z', { start, end })).toBe(true);
  expect(isDue('cron(0 22 * * ? *)', '2026-11-27T22:00:00Z', { start, end })).toBe(false);
});

test('what was missed during a pause is run once', () => {
  const schedule = parseSchedule('cron(0 * * * ? *)');
  const to = Date.parse('2026-11-25T12:30:00Z');
  const question = {
    timezone: 'UTC',
    start: undefined,
    end: undefined,
    created: 0,
    scaled: (ms: number) => ms,
  };
  if (schedule === undefined) throw new Error('not a schedule');
  expect(isScheduleDue({ ...question, schedule }, to - 180 * minuteMs, to)).toBe(true);
});

test.each([
  'cron(0 22 * * * *)',
  'cron(0 22 ? * ? *)',
  'cron(60 22 * * ? *)',
  'cron(0 22 * * ?)',
  'cron(0 22 * FOO ? *)',
  'cron(0 5-3 * * ? *)',
  'rate(0 minutes)',
  'rate(5 weeks)',
  'at(tomorrow)',
  'every day',
])('refused: %s', (text) => {
  expect(parseSchedule(text)).toBeUndefined();
});
