/**
 * Minutes as CloudWatch counts them, at the speed of the embedded AWS: at speed 10 one takes 6 real seconds.
 * They are numbered from the epoch, so that all who measure agree on where one ends.
 */
import type { Clock } from '../contract.ts';

const minuteAwsMs = 60_000;
/** Who rounds the end of a minute to whole milliseconds still means that minute. */
const roundingMs = 1;

/** Real milliseconds that one AWS-side minute takes. */
export function minuteWidthMs(clock: Clock): number {
  return clock.scaled(minuteAwsMs);
}

/** The minute that a moment lies in. */
export function minuteAt(clock: Clock, atMs: number): number {
  return Math.floor(atMs / minuteWidthMs(clock));
}

/** The minute that ends at a moment, or that the moment lies in. */
export function minuteEndingAt(clock: Clock, atMs: number): number {
  return Math.ceil((atMs - roundingMs) / minuteWidthMs(clock)) - 1;
}

/** Milliseconds since the epoch. */
export function startOfMinute(clock: Clock, minute: number): number {
  return minute * minuteWidthMs(clock);
}
