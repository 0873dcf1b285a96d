/** Names and contents of the objects that hold a ledger. Pure. */
import type { LedgerEvent } from '../../domain/ledger.ts';

/** Folder of the ledger in the state bucket. */
export const LEDGER_PREFIX = 'ledger/';
const SEQUENCE_DIGITS = 8;

/** `ledger/00000042.json`: in the order of the alphabet, which is the order S3 lists in. */
export function keyOfSequence(sequence: number): string {
  return `${LEDGER_PREFIX}${String(sequence).padStart(SEQUENCE_DIGITS, '0')}.json`;
}

/** Undefined for keys that are none of the ledger's, such as the folder marker of the S3 console. */
export function sequenceOfKey(key: string): number | undefined {
  const digits = /^ledger\/(\d{8})\.json$/.exec(key)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

/** The event in an object; undefined when it is none. Whether it is the right one, `verifyChain` tells by its hash. */
export function parseLedgerObject(body: string): LedgerEvent | undefined {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const { sequence, previous, hash, time, actor, payload } = value as Record<string, unknown>;
  const texts = [previous, hash, time, actor].every((entry) => typeof entry === 'string');
  const typed =
    typeof payload === 'object' && payload !== null && 'type' in payload && typeof payload.type === 'string';
  return typeof sequence === 'number' && texts && typed ? (value as LedgerEvent) : undefined;
}
