/** Where the log lines of tasks go. */

export interface LogLine {
  /** Milliseconds since the epoch. */
  readonly timestamp: number;
  readonly message: string;
}

/** A batch that CloudWatch Logs takes in one call. Each event counts 26 bytes more than its message. */
export const MAX_BATCH_BYTES = 1_048_576;
export const MAX_BATCH_LINES = 10_000;
export const EVENT_OVERHEAD_BYTES = 26;

export interface LogSink {
  /**
   * Makes the stream, or takes the one that is there.
   * @throws MissingLogGroupError when the group does not exist
   */
  openStream(group: string, stream: string): Promise<void>;
  /** Delivers lines in order of time; at most {@link MAX_BATCH_LINES} and {@link MAX_BATCH_BYTES}. */
  put(group: string, stream: string, lines: readonly LogLine[]): Promise<void>;
}

export class MissingLogGroupError extends Error {
  readonly group: string;
  constructor(group: string) {
    super(`The specified log group does not exist: ${group}. Create it before a task writes to it.`);
    this.name = 'MissingLogGroupError';
    this.group = group;
  }
}
