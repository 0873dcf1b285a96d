import { describe, expect, it } from 'vitest';
import { drawReleaseMark } from './release-mark.ts';

describe('drawReleaseMark', () => {
  it('differs from release to release and is stable for one', () => {
    expect(drawReleaseMark('0123456789ab')).toEqual(drawReleaseMark('0123456789ab'));
    expect(drawReleaseMark('0123456789ab').path).not.toBe(drawReleaseMark('0123456789ac').path);
  });

  it('is the same seen in a mirror', () => {
    const cells = [...drawReleaseMark('9f3b27c1d4e8').path.matchAll(/M(\d) (\d)/g)].map(([, x, y]) => [
      Number(x),
      Number(y),
    ]);
    const mirrored = cells.map(([x = 0, y = 0]) => [6 - x, y]);
    expect(new Set(mirrored.map(String))).toEqual(new Set(cells.map(String)));
    expect(cells.length).toBeGreaterThan(0);
  });

  it('is empty without a release', () => {
    expect(drawReleaseMark(null)).toEqual({ path: '', hue: 0 });
  });
});
