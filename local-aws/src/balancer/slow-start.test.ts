import { expect, it } from 'vitest';
import { decideShare, decideWarming, takeTurn } from './slow-start.ts';

const warm = { warmingSince: undefined };

it.each([
  [0, 0.01],
  [25, 0.25],
  [99, 0.99],
  [100, 1],
  [500, 1],
])('a share grows linearly: %i of 100 ms give %f', (now, share) => {
  expect(decideShare({ warmingSince: 0 }, now, 100)).toBe(share);
});

it('begins only where another target carries the load, and where it is asked for', () => {
  expect(decideWarming([warm], 7, 100)).toEqual({ warmingSince: 7 });
  expect(decideWarming([{ warmingSince: -200 }], 7, 100)).toEqual({ warmingSince: 7 });
  expect(decideWarming([], 7, 100)).toEqual(warm);
  expect(decideWarming([{ warmingSince: 5 }], 7, 100)).toEqual(warm);
  expect(decideWarming([warm], 7, 0)).toEqual(warm);
  expect(decideShare(warm, 7, 100)).toBe(1);
});

it('turns follow the shares, evenly spread', () => {
  const credits: number[] = [];
  const turns = Array.from({ length: 10 }, () => takeTurn([1, 0.25], credits)).join('');
  expect(turns).toBe('0010000100');
});
