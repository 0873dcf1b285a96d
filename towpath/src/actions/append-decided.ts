/** Writing to a ledger that others write to as well: losing a race means reading again and deciding again. */
import { TowpathError } from '../domain/errors.ts';
import type { LedgerEvent, LedgerPayload } from '../domain/ledger.ts';
import type { Cloud } from '../ports.ts';

/** Lost races in a row before it is said that the ledger is too busy. */
const RACE_ATTEMPTS = 8;

/**
 * Appends what `decide` says until it has nothing more to say. Losing a race to another writer means reading
 * and deciding again.
 */
export async function appendDecided(
  cloud: Pick<Cloud, 'ledger'>,
  decide: (events: readonly LedgerEvent[]) => LedgerPayload | undefined,
): Promise<readonly LedgerEvent[]> {
  let events = await cloud.ledger.load();
  while (decide(events) !== undefined) {
    events = await appendOnce(cloud, (soFar) => decide(soFar), events);
  }
  return events;
}

/**
 * Appends one event, decided on everything before it.
 * @param decide undefined for nothing to append; throws what must not be
 */
export async function appendOnce(
  cloud: Pick<Cloud, 'ledger'>,
  decide: (events: readonly LedgerEvent[]) => LedgerPayload | undefined,
  known?: readonly LedgerEvent[],
): Promise<readonly LedgerEvent[]> {
  let events = known ?? (await cloud.ledger.load());
  for (let attempt = 0; attempt < RACE_ATTEMPTS; attempt += 1) {
    const payload = decide(events);
    if (payload === undefined) return events;
    try {
      return [...events, await cloud.ledger.append(events.at(-1), payload)];
    } catch (error) {
      if (!(error instanceof TowpathError) || error.code !== 'LEDGER_RACE') throw error;
      events = await cloud.ledger.load();
    }
  }
  throw new TowpathError(
    'LEDGER_RACE',
    `Others kept writing to the ledger; ${RACE_ATTEMPTS} attempts were made.`,
    { hint: 'run the same command again' },
  );
}
