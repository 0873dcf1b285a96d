/** Gives a deployment whose command was killed its outcome, so that the ledger tells the truth before it goes on. */
import { type DeploymentRecord, foldLedger, type LedgerEvent } from '../domain/ledger.ts';
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
  let settled: DeploymentRecord | undefined;
  const events = await appendOnce(cloud, (soFar) => {
    const { open } = foldLedger(soFar);
    settled = open;
    const cause = 'the command ended without recording an outcome';
    return open && { type: 'deployment.aborted', deployment: open.id, cause };
  });
  if (settled) {
    const { id, kind, release, actor, startedAt } = settled;
    ports.notifier.notify({
      type: 'note',
      text: `deployment ${id} of ${release.id} (${kind} by ${actor}, ${startedAt}) never ended; recorded as aborted`,
    });
  }
  return events;
}
