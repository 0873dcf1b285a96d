/** Runs a named part of an action, and tells when it began, how it ended and how long it took. */
import type { Ports } from '../ports.ts';

export type StagePorts = Pick<Ports, 'clock' | 'notifier'>;

export async function stage<T>(
  ports: StagePorts,
  name: string,
  work: () => Promise<T>,
  detail?: (result: T) => string | undefined,
): Promise<T> {
  const started = ports.clock.now().getTime();
  const elapsed = () => ports.clock.now().getTime() - started;
  ports.notifier.notify({ type: 'stage.start', stage: name });
  try {
    const result = await work();
    ports.notifier.notify({
      type: 'stage.end',
      stage: name,
      ms: elapsed(),
      outcome: 'done',
      detail: detail?.(result),
    });
    return result;
  } catch (error) {
    ports.notifier.notify({ type: 'stage.end', stage: name, ms: elapsed(), outcome: 'failed' });
    throw error;
  }
}
