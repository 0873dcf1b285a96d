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

/** Folder of the segments; in the alphabet it comes after all single events. */
export const SEGMENT_PREFIX = `${LEDGER_PREFIX}segments/`;

/** First and last sequence of the stretch that a segment holds. */
export interface Stretch {
  readonly first: number;
  readonly last: number;
}

/** `ledger/segments/00000001-00000500.json`. */
export function keyOfSegment({ first, last }: Stretch): string {
  const [from, to] = [first, last].map((sequence) => String(sequence).padStart(SEQUENCE_DIGITS, '0'));
  return `${SEGMENT_PREFIX}${from}-${to}.json`;
}

export function stretchOfKey(key: string): Stretch | undefined {
  const [, first, last] = /^ledger\/segments\/(\d{8})-(\d{8})\.json$/.exec(key) ?? [];
  return first === undefined || last === undefined ? undefined : { first: Number(first), last: Number(last) };
}

/** What is written for an event; one line. */
export function renderLedgerObject(event: LedgerEvent): string {
  return `${JSON.stringify(event)}\n`;
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
