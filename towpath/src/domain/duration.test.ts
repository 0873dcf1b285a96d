/** Durations as people write them. */
import { expect, it } from 'vitest';
import { parseDuration } from './duration.ts';

it.each([
  ['0s', 0],
  ['45s', 45],
  ['10m', 600],
  ['2h', 7200],
  ['1h30m', 5400],
  ['2d', 172_800],
  ['1d1h1m1s', 90_061],
])('%j is %i seconds', (text, seconds) => {
  expect(parseDuration(text)).toBe(seconds);
});

it.each(['', 's', '10', '10 m', '-1s', '1.5h', '30m1h', '10M', '1m ', '10min'])('%j is none', (text) => {
  expect(parseDuration(text)).toBeUndefined();
});
