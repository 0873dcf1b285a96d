/** Random numbers that are the same for the same seed, so that a rehearsal can be repeated. Not for secrets. */

export const MAX_SEED = 0xffff_ffff;

/** @returns numbers from 0 to below 1 (mulberry32) */
export function createSeededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b_79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000;
  };
}
