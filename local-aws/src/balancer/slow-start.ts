/**
 * Slow start: a target that has just become healthy gets a share that grows linearly to a full one. As on AWS it
 * begins only where another healthy target carries the load, and ends early when the target falls ill. Pure.
 */

export interface Warming {
  /** When it became healthy, milliseconds of a monotonic clock; undefined when it gets its full share. */
  readonly warmingSince: number | undefined;
}

/** Even a target that is healthy for no time at all takes part. */
const SMALLEST_SHARE = 0.01;

/** @returns from 0.01 to 1 */
export function decideShare(target: Warming, now: number, durationMs: number): number {
  if (target.warmingSince === undefined || durationMs <= 0) return 1;
  const elapsedMs = now - target.warmingSince;
  return elapsedMs >= durationMs ? 1 : Math.max(SMALLEST_SHARE, elapsedMs / durationMs);
}

/** @param others the healthy targets of the group without this one */
export function decideWarming(others: readonly Warming[], now: number, durationMs: number): Warming {
  const carried = others.some((other) => decideShare(other, now, durationMs) === 1);
  return { warmingSince: durationMs > 0 && carried ? now : undefined };
}

/**
 * The turn among targets of unequal shares, spread evenly: each earns its share, the richest pays for all.
 * @param credits changed in place; one for each share
 */
export function takeTurn(shares: readonly number[], credits: number[]): number {
  let total = 0;
  let best = 0;
  for (let i = 0; i < shares.length; i += 1) {
    const share = shares[i] ?? 0;
    total += share;
    credits[i] = (credits[i] ?? 0) + share;
    if ((credits[i] ?? 0) > (credits[best] ?? 0)) best = i;
  }
  credits[best] = (credits[best] ?? 0) - total;
  return best;
}
