/**
 * Reads a ledger fast: full stretches from their segments, the rest from single objects. What a segment says counts
 * only when the chain proves it; otherwise the stretch is read from its single objects, and the segment is named.
 */
import { type ChainProblem, type LedgerEvent, verifyChain } from '../../domain/ledger.ts';
import {
  keyOfSegment,
  keyOfSequence,
  LEDGER_PREFIX,
  parseLedgerObject,
  SEGMENT_PREFIX,
  type Stretch,
  sequenceOfKey,
  stretchOfKey,
} from './ledger-object.ts';
import { indexOfStretch, isChain, isWhole, parseSegment, sameEvent, stretchAt } from './ledger-segment.ts';
import type { LedgerStore, ListedObject } from './ledger-store.ts';

/** Objects read at a time. */
const PARALLEL_READS = 32;

export interface KeyedEvent {
  readonly key: number;
  readonly event: LedgerEvent;
}

export interface LoadedLedger {
  readonly keyed: readonly KeyedEvent[];
  readonly problems: readonly (ChainProblem | UnreadableEvent)[];
  /** Indices of the stretches that have a segment, good or bad. */
  readonly sealed: ReadonlySet<number>;
  /** Keys of segments that say something else than the single objects. */
  readonly badSegments: readonly string[];
}

export interface UnreadableEvent {
  readonly sequence: number;
  readonly problem: 'unreadable';
}

export interface Reading {
  readonly keyed: readonly KeyedEvent[];
  readonly unreadable: readonly number[];
}

interface CachedSegment {
  readonly etag: string;
  readonly events: readonly LedgerEvent[] | undefined;
  /** Whether they hold in themselves; judged on arrival, while others are still on their way. */
  readonly holds: boolean;
}

/** Objects never change, so that one read of each is enough as long as its ETag stays. */
export interface LedgerCache {
  readonly events: Map<string, { readonly etag: string; readonly event: LedgerEvent }>;
  readonly segments: Map<string, CachedSegment>;
}

export function createLedgerCache(): LedgerCache {
  return { events: new Map(), segments: new Map() };
}

export async function loadLedger(
  store: LedgerStore,
  cache: LedgerCache,
  segmentEvents: number,
): Promise<LoadedLedger> {
  const listed = await listSegments(store, segmentEvents);
  let run = 0;
  // What stands beyond a gap may be anything: events after it are read one by one.
  while (listed.has(run)) run += 1;
  const [segments, tail] = await Promise.all([
    readSegments(store, cache, listed, run),
    readStretch(store, cache, { first: run * segmentEvents + 1, last: Number.POSITIVE_INFINITY }),
  ]);
  const parts: (readonly KeyedEvent[])[] = [tail.keyed];
  const unreadable = [...tail.unreadable];
  const badSegments: string[] = [];
  let doubted = false;
  let next = tail.keyed[0];
  for (let index = run - 1; index >= 0; index -= 1) {
    const stretch = stretchAt(index, segmentEvents);
    const segment = segments[index];
    let keyed = proven(segment, stretch, next);
    if (keyed === undefined) {
      doubted = true;
      const singles = await readStretch(store, cache, stretch);
      keyed = singles.keyed;
      unreadable.push(...singles.unreadable);
      if (differs(segment?.events, singles.keyed, stretch)) badSegments.push(keyOfSegment(stretch));
    }
    next = keyed[0];
    parts.unshift(keyed);
  }
  const keyed = parts.flat();
  // Segments prove themselves back to the first event, so that only what follows them is left to verify.
  const chain =
    doubted || run === 0 ? verifyChain(keyed) : verifyChain(tail.keyed, segments.at(-1)?.events?.at(-1));
  const problems = [
    ...unreadable.map((sequence) => ({ sequence, problem: 'unreadable' as const })),
    ...chain.filter(({ sequence }) => !unreadable.includes(sequence)),
  ].sort((a, b) => a.sequence - b.sequence);
  return { keyed, problems, sealed: new Set(listed.keys()), badSegments };
}

async function listSegments(
  store: LedgerStore,
  segmentEvents: number,
): Promise<ReadonlyMap<number, ListedObject>> {
  const listed = new Map<number, ListedObject>();
  for (const object of await store.list({ prefix: SEGMENT_PREFIX })) {
    const stretch = stretchOfKey(object.key);
    const index = stretch && indexOfStretch(stretch, segmentEvents);
    if (index !== undefined) listed.set(index, object);
  }
  return listed;
}

/** The first `count` segments. */
async function readSegments(
  store: LedgerStore,
  cache: LedgerCache,
  listed: ReadonlyMap<number, ListedObject>,
  count: number,
): Promise<readonly (CachedSegment | undefined)[]> {
  const segments: (CachedSegment | undefined)[] = [];
  for (let start = 0; start < count; start += PARALLEL_READS) {
    const indices = Array.from({ length: Math.min(PARALLEL_READS, count - start) }, (_, i) => start + i);
    segments.push(
      ...(await Promise.all(indices.map((index) => readSegment(store, cache, listed.get(index))))),
    );
  }
  return segments;
}

async function readSegment(
  store: LedgerStore,
  cache: LedgerCache,
  object: ListedObject | undefined,
): Promise<CachedSegment | undefined> {
  if (object === undefined) return undefined;
  const cached = cache.segments.get(object.key);
  if (cached?.etag === object.etag) return cached;
  const body = await store.get(object.key);
  const events = body === undefined ? undefined : parseSegment(body);
  const stretch = stretchOfKey(object.key);
  const holds = events !== undefined && stretch !== undefined && isChain(events, stretch);
  const fresh = { etag: object.etag, events, holds };
  cache.segments.set(object.key, fresh);
  return fresh;
}

function proven(
  segment: CachedSegment | undefined,
  stretch: Stretch,
  next: KeyedEvent | undefined,
): readonly KeyedEvent[] | undefined {
  if (segment?.events === undefined || next?.key !== stretch.last + 1) return undefined;
  if (!segment.holds || segment.events.at(-1)?.hash !== next.event.previous) return undefined;
  // A next event that is spoiled itself proves nothing.
  if (!isWhole(next.event, next.key)) return undefined;
  return segment.events.map((event, index) => ({ key: stretch.first + index, event }));
}

function differs(
  events: readonly LedgerEvent[] | undefined,
  singles: readonly KeyedEvent[],
  { first, last }: Stretch,
): boolean {
  if (events === undefined || events.length !== last - first + 1) return true;
  // Where a single object is the one that is gone or broken, the chain says so.
  return singles.some(({ key, event }) => !sameEvent(event, events[key - first])) || singles.length === 0;
}

/** Single events of a stretch, from the cache where their ETags have not changed. */
export async function readStretch(
  store: LedgerStore,
  cache: LedgerCache,
  { first, last }: Stretch,
): Promise<Reading> {
  const limit = Number.isFinite(last) ? { maxKeys: last - first + 1 } : {};
  const listed = await store.list({
    prefix: LEDGER_PREFIX,
    ...(first > 1 ? { startAfter: keyOfSequence(first - 1) } : {}),
    ...limit,
  });
  return readSingles(store, cache, listed, (sequence) => sequence >= first && sequence <= last);
}

export async function readSingles(
  store: LedgerStore,
  cache: LedgerCache,
  listed: readonly ListedObject[],
  wanted: (sequence: number) => boolean = () => true,
): Promise<Reading> {
  const objects = listed.flatMap((object) => {
    const sequence = sequenceOfKey(object.key);
    return sequence !== undefined && wanted(sequence) ? [{ ...object, sequence }] : [];
  });
  const fresh = objects.filter(({ key, etag }) => cache.events.get(key)?.etag !== etag);
  const unreadable = new Set<number>();
  for (let start = 0; start < fresh.length; start += PARALLEL_READS) {
    await Promise.all(
      fresh.slice(start, start + PARALLEL_READS).map(async ({ key, etag, sequence }) => {
        const body = await store.get(key);
        const event = body === undefined ? undefined : parseLedgerObject(body);
        if (event === undefined) unreadable.add(sequence);
        else cache.events.set(key, { etag, event });
      }),
    );
  }
  const keyed = objects.flatMap(({ key, sequence }) => {
    const found = unreadable.has(sequence) ? undefined : cache.events.get(key);
    return found === undefined ? [] : [{ key: sequence, event: found.event }];
  });
  return { keyed, unreadable: [...unreadable].sort((a, b) => a - b) };
}
