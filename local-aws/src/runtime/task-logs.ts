/** The way of a task's lines to its log group, opened before the task starts, as the awslogs driver does. */
import { type Clock, type TaskSpec, TaskStartError } from '../contract.ts';
import { LogQueue } from './log-queue.ts';
import { type LogSink, MissingLogGroupError } from './log-sink.ts';

export interface TaskLogsOptions {
  readonly logs: LogSink;
  readonly clock: Pick<Clock, 'now'>;
  readonly log: (line: string) => void;
}

/** @throws TaskStartError `ResourceInitializationError` as the awslogs driver fails on Fargate */
export async function openTaskLogs(
  spec: Pick<TaskSpec, 'taskId' | 'log'>,
  { logs, clock, log }: TaskLogsOptions,
): Promise<LogQueue | undefined> {
  const { log: target } = spec;
  if (target === undefined) return undefined;
  try {
    await logs.openStream(target.group, target.stream);
  } catch (error) {
    const cause =
      error instanceof MissingLogGroupError
        ? 'ResourceNotFoundException: The specified log group does not exist.'
        : error instanceof Error
          ? error.message
          : String(error);
    throw new TaskStartError(
      'ResourceInitializationError',
      `failed to validate logger args: create stream has been retried 1 times: failed to create Cloudwatch ` +
        `log stream: ${cause} (log group ${target.group}) : exit status 1`,
    );
  }
  return new LogQueue({
    put: (lines) => logs.put(target.group, target.stream, lines),
    now: () => clock.now(),
    onLost: (error, lines) =>
      log(
        `${lines} log lines of task ${spec.taskId} are lost, ${target.group} did not take them: ${String(error)}`,
      ),
  });
}
