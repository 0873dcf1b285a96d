import { expect, it } from 'vitest';
import { renderSparkline } from './sparkline.ts';

it.each([
  [[0, 50, 100], 100, '▁▅█'],
  [[1, undefined, 2], 2, '▅ █'],
  [[0, 0], 0, '▁▁'],
  [[200, -5], 100, '█▁'],
  [[], 1, ''],
])('%j of %d is %j', (values, highest, expected) => {
  expect(renderSparkline(values, highest)).toBe(expected);
});
