/**
 * Log lines in the journal: the newest of each group are kept, and many small calls become few large ones,
 * as a replay takes its time by calls. Pure.
 */
import { type Effect, readJson } from './describe-effect.ts';
import type { JournalRecord } from './journal-record.ts';

/** Of each log group, counted in bytes of the calls. Older lines are gone after the next start. */
const keptLogBytesPerGroup = 2 * 1024 * 1024;
/** Of each log group, those with the newest lines: every start of a task makes another one. */
export const keptStreamsPerGroup = 50;
/** Limits of PutLogEvents. */
const maxMergedBytes = 900 * 1024;
const maxMergedEvents = 10_000;

interface LogEvent {
  readonly timestamp: number;
  readonly message: string;
}

/** @returns positions of log calls that are too old, or whose group or stream is gone */
export function decideOldLogs(
  records: readonly JournalRecord[],
  effects: readonly Effect[],
  keptBytes = keptLogBytesPerGroup,
): ReadonlySet<number> {
  const dropped = new Set<number>();
  const ended = new Set<string>();
  const bytes = new Map<string, number>();
  const full = new Set<string>();
  const kept = new Set<string>();
  const streams = new Map<string, number>();
  for (let index = effects.length - 1; index >= 0; index -= 1) {
    const effect = effects[index];
    if (effect?.kind === 'log-end') ended.add(nameOf(effect.group, effect.stream));
    if (effect?.kind !== 'log' && effect?.kind !== 'log-stream') continue;
    const { group, stream } = effect;
    const name = nameOf(group, stream);
    if (ended.has(nameOf(group, undefined)) || ended.has(name)) dropped.add(index);
    else if (effect.kind === 'log-stream') {
      // A stream without lines stays while nothing of its group is too old.
      if (full.has(group) && !kept.has(name)) dropped.add(index);
    } else if (full.has(group) || (!kept.has(name) && (streams.get(group) ?? 0) >= keptStreamsPerGroup)) {
      full.add(group);
      dropped.add(index);
    } else {
      if (!kept.has(name)) streams.set(group, (streams.get(group) ?? 0) + 1);
      const total = (bytes.get(group) ?? 0) + sizeOf(records[index]);
      bytes.set(group, total);
      kept.add(name);
      if (total >= keptBytes) full.add(group);
    }
  }
  return dropped;
}

function nameOf(group: string, stream: string | undefined): string {
  return JSON.stringify(stream === undefined ? [group] : [group, stream]);
}

function sizeOf(record: JournalRecord | undefined): number {
  if (record === undefined) return 0;
  return Buffer.isBuffer(record.body) ? record.body.length : record.body.bytes;
}

interface Batch {
  /** Position of the newest call, where the joined one stands. */
  readonly last: number;
  /** Newest call first. */
  readonly calls: (readonly LogEvent[])[];
  bytes: number;
  events: number;
}

/**
 * Joins the calls for one stream; the joined one stands where the last of them stood.
 * @param dropped positions that count as gone
 * @returns the records to keep instead, by position; undefined means that the call went into a later one
 */
export function mergeLogs(
  records: readonly JournalRecord[],
  effects: readonly Effect[],
  dropped: ReadonlySet<number>,
): ReadonlyMap<number, JournalRecord | undefined> {
  const replaced = new Map<number, JournalRecord | undefined>();
  const open = new Map<string, Batch>();
  const batches: Batch[] = [];
  for (let index = records.length - 1; index >= 0; index -= 1) {
    const effect = effects[index];
    const record = records[index];
    if (effect?.kind !== 'log' || record === undefined || dropped.has(index)) continue;
    const name = nameOf(effect.group, effect.stream);
    const events = readJson(record)?.logEvents as readonly LogEvent[] | undefined;
    const batch = open.get(name);
    if (events === undefined) open.delete(name);
    else if (batch !== undefined && fits(batch, sizeOf(record), events.length)) {
      batch.calls.push(events);
      batch.bytes += sizeOf(record);
      batch.events += events.length;
      replaced.set(index, undefined);
    } else {
      const started = { last: index, calls: [events], bytes: sizeOf(record), events: events.length };
      open.set(name, started);
      batches.push(started);
    }
  }
  for (const batch of batches) {
    if (batch.calls.length > 1)
      replaced.set(batch.last, withEvents(records[batch.last], batch.calls.reverse()));
  }
  return replaced;
}

function fits(batch: Batch, bytes: number, events: number): boolean {
  return batch.bytes + bytes <= maxMergedBytes && batch.events + events <= maxMergedEvents;
}

function withEvents(
  record: JournalRecord | undefined,
  calls: readonly (readonly LogEvent[])[],
): JournalRecord | undefined {
  if (record === undefined) return undefined;
  const logEvents = calls.flat().sort((a, b) => a.timestamp - b.timestamp);
  return { ...record, body: Buffer.from(JSON.stringify({ ...readJson(record), logEvents })) };
}
