/**
 * What a task's way through its states means to whoever keeps the service's books.
 */
import type { StopCause, TaskRecord } from '../model.ts';

export interface TaskObserver {
  registered(task: TaskRecord, targetGroupArn: string): void;
  draining(task: TaskRecord): void;
  deregistered(task: TaskRecord, targetGroupArn: string): void;
  /** SIGTERM goes out now. */
  stopping(task: TaskRecord): void;
  /** The task is STOPPED. */
  ended(task: TaskRecord, cause: StopCause): void;
}
