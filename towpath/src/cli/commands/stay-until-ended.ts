/** What `npm start` and `npm run dev` do once all is up: nothing, until a person ends it, here or in another terminal. */
import type { TowpathError } from '../../domain/errors.ts';

/** Where the end was asked for. */
export type EndedFrom = 'here' | 'elsewhere';

/**
 * @param ended resolves with the reason when what was started has ended, or undefined when somebody has asked it to
 * @param died the error for one that has ended by itself
 */
export async function stayUntilEnded(
  signal: AbortSignal,
  ended: Promise<string | undefined>,
  died: (reason: string) => TowpathError,
): Promise<EndedFrom> {
  const here = new Promise<'here'>((resolve) => {
    if (signal.aborted) resolve('here');
    signal.addEventListener('abort', () => resolve('here'), { once: true });
  });
  const elsewhere = ended.then((reason) => {
    if (reason !== undefined) throw died(reason);
    return 'elsewhere' as const;
  });
  // A pending promise does not keep Node running; the timer does.
  const keepAlive = setInterval(() => undefined, 60_000);
  try {
    return await Promise.race([here, elsewhere]);
  } finally {
    clearInterval(keepAlive);
  }
}

/** @param down the command that may have been used elsewhere */
export function renderEnd(what: string, down: string, from: EndedFrom): string {
  const how = from === 'here' ? 'has stopped' : `was stopped from elsewhere, by ${down} or a signal`;
  return `${what} ${how}; nothing is left running`;
}
