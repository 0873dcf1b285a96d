/**
 * The health check of a task definition: a command in the container, run again and again as Docker does it.
 * What its verdict means to the service is said in `health.ts`.
 */
import type { Clock, RunningTask } from '../../contract.ts';
import type { TaskRecord } from '../model.ts';
import type { ContainerDefinition } from './task-definition.ts';

export type HealthCheck = NonNullable<ContainerDefinition['healthCheck']>;

const quote = (word: string): string => `'${word.replaceAll("'", `'\\''`)}'`;

/** @returns the command line; undefined for `["NONE"]` and for nothing to run */
function healthCommand([kind, ...words]: readonly string[]): string | undefined {
  if (kind === undefined || kind === 'NONE') return undefined;
  if (kind === 'CMD-SHELL') return words[0] === undefined ? undefined : `/bin/sh -c ${quote(words[0])}`;
  // Without a kind AWS takes the words for a command as well.
  const command = kind === 'CMD' ? words : [kind, ...words];
  return command.length === 0 ? undefined : command.map(quote).join(' ');
}

async function passes(
  running: RunningTask,
  command: string,
  timeoutMs: number,
  clock: Clock,
): Promise<boolean> {
  const started = running.execute(command);
  // Nobody reads the output; unread it would stop the command.
  started.stdout.resume();
  started.stderr?.resume();
  const over = new AbortController();
  const timeout = clock.sleep(timeoutMs, over.signal).then(
    () => started.kill(),
    () => undefined,
  );
  const { exitCode } = await started.exited;
  over.abort();
  await timeout;
  return exitCode === 0;
}

/**
 * Checks until the task has ended. Failures within the start period do not count, until the first success.
 * @param log told when a check can't be made at all; that counts as failed
 */
export async function watchContainerHealth(
  task: TaskRecord,
  check: HealthCheck,
  clock: Clock,
  log: (line: string) => void,
): Promise<void> {
  const { running } = task;
  const command = healthCommand(check.command);
  if (!running || command === undefined) return;
  task.containerHealth = 'UNKNOWN';
  const ended = new AbortController();
  void running.exited.then(() => ended.abort());
  const begun = clock.now();
  let failures = 0;
  while (!ended.signal.aborted) {
    await clock.sleep(clock.scaled(check.interval * 1_000), ended.signal).catch(() => undefined);
    if (ended.signal.aborted || task.stopCause) return;
    const good = await passes(running, command, clock.scaled(check.timeout * 1_000), clock).catch(
      (error: unknown) => {
        log(`health check of task ${task.id}: ${error instanceof Error ? error.message : String(error)}`);
        return false;
      },
    );
    const starting =
      task.containerHealth === 'UNKNOWN' && clock.now() - begun < clock.scaled(check.startPeriod * 1_000);
    if (good) failures = 0;
    else if (!starting) failures += 1;
    if (good) task.containerHealth = 'HEALTHY';
    else if (failures >= check.retries) task.containerHealth = 'UNHEALTHY';
  }
}
