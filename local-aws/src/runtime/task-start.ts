/** What every driver says when a task can't start, and how long it waits for one to stop. Pure. */
import { type Clock, TaskStartError } from '../contract.ts';

/**
 * `speed` shortens waits of AWS, while a program drains in real time: a scaled stop timeout does not go
 * below this, unless the task definition itself asks for less.
 */
const MIN_STOP_TIMEOUT_MS = 3000;

export function decideStopTimeoutMs(timeoutSeconds: number, clock: Pick<Clock, 'scaled'>): number {
  const askedMs = timeoutSeconds * 1000;
  return Math.min(askedMs, Math.max(clock.scaled(askedMs), MIN_STOP_TIMEOUT_MS));
}

export function cannotStart(message: string): TaskStartError {
  return new TaskStartError('CannotStartContainerError', message);
}
