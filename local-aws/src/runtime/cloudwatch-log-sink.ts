/** Writes log lines of tasks to CloudWatch Logs of the embedded AWS. */
import { AwsError, type Clock, type ControlPlane } from '../contract.ts';
import { type LogLine, type LogSink, MissingLogGroupError } from './log-sink.ts';

const MAX_ATTEMPTS = 4;
const FIRST_RETRY_MS = 100;

export class CloudWatchLogSink implements LogSink {
  readonly #control: ControlPlane;
  readonly #clock: Pick<Clock, 'sleep'>;
  readonly #delivered: (group: string, lines: readonly LogLine[]) => void;

  /** @param options.delivered hears of lines that a group has taken; must not throw */
  constructor(options: {
    control: ControlPlane;
    clock: Pick<Clock, 'sleep'>;
    delivered?: (group: string, lines: readonly LogLine[]) => void;
  }) {
    this.#control = options.control;
    this.#clock = options.clock;
    this.#delivered = options.delivered ?? (() => undefined);
  }

  async openStream(group: string, stream: string): Promise<void> {
    try {
      await this.#call('CreateLogStream', { logGroupName: group, logStreamName: stream });
    } catch (error) {
      if (!(error instanceof AwsError)) throw error;
      if (error.code === 'ResourceNotFoundException') throw new MissingLogGroupError(group);
      if (error.code !== 'ResourceAlreadyExistsException') throw error;
    }
  }

  async put(group: string, stream: string, lines: readonly LogLine[]): Promise<void> {
    if (lines.length === 0) return;
    await this.#call('PutLogEvents', { logGroupName: group, logStreamName: stream, logEvents: lines });
    this.#delivered(group, lines);
  }

  /** Tries again what may pass: an AWS error below 500 is an answer, not a failure. */
  async #call(action: string, payload: object): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        await this.#control.json('logs', action, payload);
        return;
      } catch (error) {
        const final = error instanceof AwsError && error.status < 500 && error.code !== 'ThrottlingException';
        if (final || attempt === MAX_ATTEMPTS) throw error;
        await this.#clock.sleep(FIRST_RETRY_MS * 2 ** (attempt - 1));
      }
    }
  }
}
