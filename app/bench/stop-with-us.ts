/** What this process started must not outlive it, whichever way it ends. */
import { constants } from 'node:os';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * @param kill ends at once what was started; called when this process exits or is told to
 * @returns forgets it again, once it has been stopped properly
 */
export function stopWithUs(kill: () => void): () => void {
  const leave = (signal: NodeJS.Signals): void => process.exit(128 + constants.signals[signal]);
  process.once('exit', kill);
  for (const signal of SIGNALS) process.once(signal, leave);
  return () => {
    process.off('exit', kill);
    for (const signal of SIGNALS) process.off(signal, leave);
  };
}
