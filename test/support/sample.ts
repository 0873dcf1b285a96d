/**
 * Many alike cases that each take seconds: `npm run sweep` tries all of them, `npm test` as many as there is time for.
 * Chance chooses, and `SAMPLE_SEED` repeats its choice, so that runs one after the other come round to every case.
 */
import { seededRandom } from './seeded-random.ts';

/** Set by `npm run sweep` (scripts/lib/run-suite.mjs). */
const SWEEP = process.env.SWEEP === 'all';
export const SAMPLE_SEED = Number(process.env.SAMPLE_SEED ?? Date.now() % 1_000_000);

/** @returns so many of the cases, in their own order; all of them in a sweep */
export function sample<T>(cases: readonly T[], count: number): readonly T[] {
  if (SWEEP) return cases;
  const random = seededRandom(SAMPLE_SEED);
  const left = cases.map((_case, index) => index);
  while (left.length > count) left.splice(Math.floor(random() * left.length), 1);
  return left.flatMap((index) => cases.slice(index, index + 1));
}

/** For the titles of tests: what a sample of so many is, and how to have the same again. */
export function sampleTitle(cases: readonly unknown[], count: number): string {
  return SWEEP ? `all ${cases.length}` : `${count} of ${cases.length} (SAMPLE_SEED=${SAMPLE_SEED})`;
}
