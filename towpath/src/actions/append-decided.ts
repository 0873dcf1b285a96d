/** Writing to a ledger that others write to as well: losing a race means reading again and deciding again. */
import { TowpathError } from '../domain/errors.ts';
import type { LedgerEvent, LedgerPayload } from '../domain/ledger.ts';
import type { Cloud } from '../ports.ts';

/** Lost races in a row before it is said that the ledger is too busy. */
const RACE_ATTEMPTS = 8;
/** Events that one decision may take; more means that others keep undoing it. */
const MAX_EVENTS = 16;

/**
 * Appends what `decide` says until it has nothing more to say. Losing a race to another writer means reading
 * and deciding again.
 */
export async function appendDecided(
  cloud: Pick<Cloud, 'ledger'>,
  decide: (events: readonly LedgerEvent[]) => LedgerPayload | undefined,
): Promise<readonly LedgerEvent[]> {
  let events = await cloud.ledger.load();
  for (let appended = 0; appended < MAX_EVENTS; appended += 1) {
    if (decide(events) === undefined) return events;
    events = await appendOnce(cloud, decide, events);
  }
  throw tooBusy(MAX_EVENTS);
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
  throw tooBusy(RACE_ATTEMPTS);
}

function tooBusy(attempts: number): TowpathError {
  return new TowpathError(
    'LEDGER_RACE',
    `Others kept writing to the ledger; ${attempts} attempts were made.`,
    { hint: 'run the same command again' },
  );
}
