/**
 * Segments: an index over the ledger, so that thousands of events need a few reads. A segment holds the
 * events of one full stretch as lines, as they stand in their own objects, which remain the authority.
 * A segment is believed only as far as the chain proves it: the single event after the stretch names the hash of
 * the stretch's last event, and so on back to its first. Pure.
 */
import { canonicalJson, GENESIS, hashEvent, type LedgerEvent } from '../../domain/ledger.ts';
import { parseLedgerObject, renderLedgerObject, type Stretch } from './ledger-object.ts';

/** Events in a segment: about 250 KB. */
export const SEGMENT_EVENTS = 500;

/** @param index of the stretch, from 0 */
export function stretchAt(index: number, segmentEvents: number): Stretch {
  return { first: index * segmentEvents + 1, last: (index + 1) * segmentEvents };
}

/** Index of a stretch; undefined for one that no writer of ours makes. */
export function indexOfStretch({ first, last }: Stretch, segmentEvents: number): number | undefined {
  const aligned = (first - 1) % segmentEvents === 0 && last === first + segmentEvents - 1;
  return aligned && first > 0 ? (first - 1) / segmentEvents : undefined;
}

export function renderSegment(events: readonly LedgerEvent[]): string {
  return events.map(renderLedgerObject).join('');
}

/** The events in a segment; undefined when it is none. */
export function parseSegment(body: string): readonly LedgerEvent[] | undefined {
  const lines = body.split('\n').filter((line) => line !== '');
  const events: LedgerEvent[] = [];
  for (const line of lines) {
    const event = parseLedgerObject(line);
    if (event === undefined) return undefined;
    events.push(event);
  }
  return events;
}

/** Whether an event is what its hash says, at the place where it stands. */
export function isWhole(event: LedgerEvent, sequence: number): boolean {
  return event.sequence === sequence && hashEvent(event) === event.hash;
}

/** Whether events are a stretch that holds in itself; that it is the one that was written, the event after it tells. */
export function isChain(events: readonly LedgerEvent[], { first, last }: Stretch): boolean {
  if (events.length !== last - first + 1) return false;
  let previous = first === 1 ? GENESIS : events[0]?.previous;
  return events.every((event, index) => {
    const fits = event.previous === previous && isWhole(event, first + index);
    previous = event.hash;
    return fits;
  });
}

export function sameEvent(a: LedgerEvent | undefined, b: LedgerEvent | undefined): boolean {
  return a !== undefined && b !== undefined && canonicalJson(a) === canonicalJson(b);
}
