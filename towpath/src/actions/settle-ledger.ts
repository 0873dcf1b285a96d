/** Gives a deployment whose command was killed its outcome, so that the ledger tells the truth before it goes on. */
import { foldLedger, type LedgerEvent } from '../domain/ledger.ts';
import type { Cloud, Ports } from '../ports.ts';
import { appendOnce } from './append-decided.ts';

/**
 * To be called by the holder of the environment's lock: a deployment without an outcome is then over.
 * @returns all events, the outcome included
 */
export async function settleLedger(
  ports: Pick<Ports, 'notifier'>,
  cloud: Pick<Cloud, 'ledger'>,
): Promise<readonly LedgerEvent[]> {
  return appendOnce(cloud, (events) => {
    const { open } = foldLedger(events);
    if (!open) return undefined;
    const cause = 'the command ended without recording an outcome';
    ports.notifier.notify({
      type: 'note',
      text: `deployment ${open.id} of ${open.release.id} (${open.actor}, ${open.startedAt}) never ended; recorded as aborted`,
    });
    return { type: 'deployment.aborted', deployment: open.id, cause };
  });
}
