/**
 * The arithmetic of a rolling deployment. Pure.
 * Rounding as on AWS: maximum percent down, minimum healthy percent up.
 */

/** Most tasks RUNNING + PENDING. Never below `desired`: a service must be able to exist at all. */
export function maximumTasks(desired: number, maximumPercent: number): number {
  return Math.max(desired, Math.floor((desired * maximumPercent) / 100));
}

/** Fewest healthy RUNNING tasks that the scheduler may leave. */
export function minimumHealthyTasks(desired: number, minimumHealthyPercent: number): number {
  return Math.ceil((desired * minimumHealthyPercent) / 100);
}

const BREAKER_MIN_FAILURES = 3;
const BREAKER_MAX_FAILURES = 200;

/** Consecutive failures at which the circuit breaker gives up: clamp(ceil(0.5 x desired), 3, 200). */
export function breakerThreshold(desired: number): number {
  return Math.min(BREAKER_MAX_FAILURES, Math.max(BREAKER_MIN_FAILURES, Math.ceil(desired * 0.5)));
}

/** Failures in a row that are restarted at once. AWS does not publish its figure: assumption. */
const FREE_FAILURES = 3;
/** First pause, doubled with each further failure. Assumption. */
const THROTTLE_BASE_MS = 10_000;
/** AWS documents 27 minutes as the longest pause between two attempts. */
const THROTTLE_MAX_MS = 27 * 60_000;

/** AWS-side milliseconds to wait before the next start after `failures` consecutive failures. */
export function throttleMs(failures: number): number {
  if (failures <= FREE_FAILURES) return 0;
  return Math.min(THROTTLE_MAX_MS, THROTTLE_BASE_MS * 2 ** Math.min(20, failures - FREE_FAILURES - 1));
}
