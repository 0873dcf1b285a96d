import { describe, expect, it } from 'vitest';
import { parseMoment } from './moment.ts';

const NOW = Date.parse('2026-11-25T12:00:00.000Z');

describe('a moment', () => {
  it.each([
    ['10m', '2026-11-25T11:50:00.000Z'],
    ['1h30m', '2026-11-25T10:30:00.000Z'],
    ['2d', '2026-11-23T12:00:00.000Z'],
    ['0s', '2026-11-25T12:00:00.000Z'],
    ['2026-11-24', '2026-11-24T00:00:00.000Z'],
    ['2026-11-24T08:15', '2026-11-24T08:15:00.000Z'],
    ['2026-11-24 08:15:30', '2026-11-24T08:15:30.000Z'],
    ['2026-11-24T08:15:30.250Z', '2026-11-24T08:15:30.250Z'],
    ['2026-11-24T08:15:30+02:00', '2026-11-24T06:15:30.000Z'],
  ])('%s is %s', (text, expected) => {
    expect(new Date(parseMoment(text, NOW) ?? 0).toISOString()).toBe(expected);
  });

  it.each(['', '10', 'm', '-10m', 'yesterday', '2026-13-01', '2026-11-24T25:00', '12:00', '10 m'])(
    '%j is none',
    (text) => expect(parseMoment(text, NOW)).toBeUndefined(),
  );
});
