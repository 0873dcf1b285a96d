/**
 * Proves a ledger from its single objects, read anew, and holds segments and witness against them.
 * Names the object that is at fault, not only the place where the chain breaks.
 */
import { MAX_CHAIN_PROBLEMS, verifyChain } from '../../domain/ledger.ts';
import type { LedgerAudit, LedgerFinding } from '../../ports.ts';
import {
  keyOfSegment,
  keyOfSequence,
  LEDGER_PREFIX,
  SEGMENT_PREFIX,
  type Stretch,
  sequenceOfKey,
  stretchOfKey,
} from './ledger-object.ts';
import { indexOfStretch, parseSegment, sameEvent, stretchAt } from './ledger-segment.ts';
import type { LedgerStore } from './ledger-store.ts';
import type { Testimony } from './ledger-witness.ts';
import { createLedgerCache, type KeyedEvent, type Reading, readSingles } from './load-ledger.ts';

/** What S3's console makes when somebody opens a folder. */
const FOLDER_MARKERS: readonly string[] = [LEDGER_PREFIX, SEGMENT_PREFIX];

export interface AuditSubject {
  readonly store: LedgerStore;
  readonly segmentEvents: number;
  /** Read before the objects are listed, so that everything it names must be among them. */
  readonly testimony: Testimony | undefined;
}

export async function auditLedger({ store, segmentEvents, testimony }: AuditSubject): Promise<LedgerAudit> {
  const listed = await store.list({ prefix: LEDGER_PREFIX });
  const reading = await readSingles(store, createLedgerCache(), listed);
  const finding = (key: string, message: string): LedgerFinding => ({
    object: store.addressOf(key),
    message,
  });
  const singles = judgeSingles(reading, testimony);
  const problems = singles.map(({ sequence, message }) => finding(keyOfSequence(sequence), message));
  const notes: LedgerFinding[] = [];
  const sealed = new Set<number>();
  for (const { key } of listed) {
    if (sequenceOfKey(key) !== undefined || FOLDER_MARKERS.includes(key)) continue;
    const stretch = stretchOfKey(key);
    const index = stretch && indexOfStretch(stretch, segmentEvents);
    if (stretch === undefined || index === undefined) {
      notes.push(finding(key, 'is none of the objects that Towpath writes; it is not read'));
      continue;
    }
    sealed.add(index);
    const message = judgeSegment(await store.get(key), stretch, reading.keyed, singles);
    if (message !== undefined) problems.push(finding(key, message));
  }
  const last = reading.keyed.at(-1)?.key ?? 0;
  for (let index = 0; stretchAt(index, segmentEvents).last < last; index += 1) {
    if (problems.length + notes.length >= MAX_CHAIN_PROBLEMS) break;
    if (sealed.has(index)) continue;
    const message = 'is missing; it is an index only, and the next event that is written puts it back';
    notes.push(finding(keyOfSegment(stretchAt(index, segmentEvents)), message));
  }
  if (testimony === undefined && last > 0) {
    const message =
      'no witness vouches for the newest event: the removal of newest events would not be noticed';
    notes.push(finding(keyOfSequence(last), message));
  }
  return { events: reading.keyed.map(({ event }) => event), problems, notes };
}

interface SingleProblem {
  readonly sequence: number;
  readonly message: string;
}

/** What is wrong with the single objects, each once, in order. Pure. */
export function judgeSingles(
  { keyed, unreadable }: Reading,
  testimony: Testimony | undefined,
): readonly SingleProblem[] {
  const messages = new Map<number, string>();
  const say = (sequence: number, message: string): void => {
    if (!messages.has(sequence)) messages.set(sequence, message);
  };
  for (const sequence of unreadable) say(sequence, 'was changed: it holds no event');
  const found = verifyChain(keyed);
  const byKey = new Map(keyed.map(({ key, event }) => [key, event]));
  for (const { sequence, problem } of found) {
    if (problem === 'changed') say(sequence, 'was changed: its content does not fit its hash');
    if (problem === 'missing') say(sequence, 'is missing');
    if (problem === 'reordered')
      say(sequence, `was reordered: it holds event ${byKey.get(sequence)?.sequence}`);
  }
  const broken = found.flatMap(({ sequence, problem }) => (problem === 'broken link' ? [sequence] : []));
  for (const sequence of broken) {
    const before = sequence - 1;
    if (messages.has(before)) continue;
    // The hash of an event is in the next one: an event that the next one names is the one that was written there.
    if (before > 0 && isVouchedFor(byKey, sequence, testimony)) {
      say(before, `was replaced: event ${sequence} names another hash as the one before it`);
    } else if (before === 0) {
      say(sequence, 'was replaced: it does not begin a ledger');
    } else {
      say(sequence, `does not continue ${keyOfSequence(before)}: one of the two was replaced`);
    }
  }
  judgeEnd(keyed, testimony, messages, say);
  return [...messages]
    .map(([sequence, message]) => ({ sequence, message }))
    .sort((a, b) => a.sequence - b.sequence);
}

function isVouchedFor(
  byKey: ReadonlyMap<number, { readonly hash: string; readonly previous: string }>,
  sequence: number,
  testimony: Testimony | undefined,
): boolean {
  const { hash } = byKey.get(sequence) ?? {};
  if (byKey.get(sequence + 1)?.previous === hash) return true;
  return testimony?.sequence === sequence && testimony.hash === hash;
}

/** Holds the end of the chain against the witness. */
function judgeEnd(
  keyed: readonly KeyedEvent[],
  testimony: Testimony | undefined,
  messages: ReadonlyMap<number, string>,
  say: (sequence: number, message: string) => void,
): void {
  if (testimony === undefined) return;
  const last = keyed.at(-1)?.key ?? 0;
  for (let sequence = last + 1; sequence <= testimony.sequence; sequence += 1) {
    if (messages.size >= MAX_CHAIN_PROBLEMS) return;
    say(sequence, `is missing: event ${testimony.sequence} was written`);
  }
  const witnessed = keyed.find(({ key }) => key === testimony.sequence)?.event;
  if (witnessed !== undefined && witnessed.hash !== testimony.hash)
    say(testimony.sequence, 'was replaced: another event was written here');
}

/** What is wrong with a segment; undefined when it says what the single objects say, as far as those hold. */
function judgeSegment(
  body: string | undefined,
  { first, last }: Stretch,
  keyed: readonly KeyedEvent[],
  singles: readonly SingleProblem[],
): string | undefined {
  const events = body === undefined ? undefined : parseSegment(body);
  if (events === undefined) return 'was changed: it holds no events';
  if (events.length !== last - first + 1)
    return `was changed: it holds ${events.length} events instead of ${last - first + 1}`;
  const byKey = new Map(keyed.map(({ key, event }) => [key, event]));
  const atFault = new Set(singles.map(({ sequence }) => sequence));
  const differing = events.flatMap((event, index) => {
    const sequence = first + index;
    return atFault.has(sequence) || sameEvent(event, byKey.get(sequence)) ? [] : [sequence];
  });
  if (differing.length === 0) return undefined;
  return `was changed: ${differing.length} of its events (the first is ${differing[0]}) differ from their own objects`;
}
