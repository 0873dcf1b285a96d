/** Suggestions for misspelt words. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { editDistance, nearestWord } from './edit-distance.ts';

it.each([
  ['', '', 0],
  ['', 'abc', 3],
  ['kitten', 'sitting', 3],
  ['regoin', 'region', 2],
  ['flaw', 'lawn', 2],
])('editDistance(%j, %j) is %i', (a, b, distance) => {
  expect(editDistance(a, b)).toBe(distance);
});

it('is a metric', () => {
  const word = fc.string({ maxLength: 12 });
  fc.assert(
    fc.property(word, word, word, (a, b, c) => {
      expect(editDistance(a, b)).toBe(editDistance(b, a));
      expect(editDistance(a, b) === 0).toBe(a === b);
      expect(editDistance(a, c)).toBeLessThanOrEqual(editDistance(a, b) + editDistance(b, c));
    }),
  );
});

it.each([
  ['memry', 'memory'],
  ['CPU', 'cpu'],
  ['helthCheck', 'healthCheck'],
  ['zzz', undefined],
  ['x'.repeat(101), undefined],
])('nearestWord(%j) is %j', (word, expected) => {
  expect(nearestWord(word, ['cpu', 'memory', 'healthCheck', 'x'.repeat(100)])).toBe(expected);
});
