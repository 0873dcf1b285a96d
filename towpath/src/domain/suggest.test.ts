/** Suggestions for misspelt words. */
import { expect, it } from 'vitest';
import { closest } from './suggest.ts';

it.each([
  ['memry', 'memory'],
  ['CPU', 'cpu'],
  ['helthCheck', 'healthCheck'],
  ['regoin', 'region'],
  ['regions', 'region'],
  ['zzz', undefined],
  ['', undefined],
  ['healthiness', undefined],
])('%j means %j', (word, expected) => {
  expect(closest(word, ['region', 'cpu', 'memory', 'healthCheck'])).toBe(expected);
});
