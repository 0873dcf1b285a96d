/**
 * The journal of changing calls in `DIR/journal`: appended in order, read at the start, compacted when it grows.
 * A call is on disk when `append` returns: it survives the kill of any process, not the loss of power.
 */
import { closeSync, ftruncateSync, openSync, readdirSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { type BodyStore, openBodyStore } from './body-store.ts';
import { compactRecords } from './compact-records.ts';
import { type JournalRecord, journalFormat } from './journal-record.ts';
import { encodeHeader, encodeRecord } from './record-codec.ts';
import {
  findSegments,
  type JournalPlace,
  readSegments,
  replaceSegments,
  segmentFile,
} from './segment-files.ts';

/** A segment that has reached this size is followed by a new one. */
const maxSegmentBytes = 4 * 1024 * 1024;
/** Closed segments are compacted when they have grown by this much since the last time. */
const compactAfterBytes = 16 * 1024 * 1024;

export interface JournalOptions extends JournalPlace {
  readonly now: () => number;
  readonly log: (line: string) => void;
  readonly maxSegmentBytes?: number;
  readonly compactAfterBytes?: number;
}

export interface Journal {
  readonly bodies: BodyStore;
  /** What was on disk at the start, compacted; for the replay, which forgets them afterwards. */
  takeRecords(): readonly JournalRecord[];
  nextSequence(): number;
  /** Writes what could not be written before. @throws the file system's error */
  ensureWritable(): void;
  /** @throws the file system's error; the record is kept in memory then and written before the next one */
  append(record: JournalRecord): void;
  /** What a start would read and make again now. */
  size(): JournalSize;
  close(): void;
}

export interface JournalSize {
  readonly calls: number;
  readonly bytes: number;
}

/** @throws StateUnusableError */
export function openJournal(options: JournalOptions): Journal {
  const bodies = openBodyStore(join(options.folder, 'bodies'));
  const sealed = findSegments(options.folder);
  let records = compactAtStart(options, sealed, bodies);
  const limits = {
    segment: options.maxSegmentBytes ?? maxSegmentBytes,
    compact: options.compactAfterBytes ?? compactAfterBytes,
  };
  let sequence = records.at(-1)?.sequence ?? 0;
  let calls = records.length;
  let ordinal = (sealed.at(-1) ?? 0) + 1;
  let grown = 0;
  let file = openSegment(options, ordinal);
  /** Executed by moto, but not on disk as the disk was full. */
  const backlog: JournalRecord[] = [];

  function writeBacklog(): void {
    for (let record = backlog[0]; record !== undefined; record = backlog[0]) {
      file.write(encodeRecord(record));
      backlog.shift();
    }
  }

  function rotate(): void {
    const next = openSegment(options, ordinal + 1);
    file.close();
    grown += file.bytes();
    sealed.push(ordinal);
    ordinal += 1;
    file = next;
    if (grown < limits.compact) return;
    grown = 0;
    // The new segment has none yet.
    calls = compact(options, sealed, bodies);
  }

  return {
    bodies,
    takeRecords() {
      const taken = records;
      records = [];
      return taken;
    },
    nextSequence() {
      sequence += 1;
      return sequence;
    },
    ensureWritable: writeBacklog,
    append(record) {
      backlog.push(record);
      calls += 1;
      writeBacklog();
      if (file.bytes() < limits.segment) return;
      try {
        rotate();
      } catch (error) {
        // The record itself is on disk; the segment merely grows on.
        options.log(`journal: ${error instanceof Error ? error.message : String(error)}`);
      }
    },
    size: () => ({ calls, bytes: bytesOf(options.folder) + bytesOf(join(options.folder, 'bodies')) }),
    close: () => file.close(),
  };
}

function bytesOf(folder: string): number {
  const files = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isFile());
  // One that a compaction removes meanwhile counts nothing.
  const sizes = files.map(({ name }) => statSync(join(folder, name), { throwIfNoEntry: false })?.size ?? 0);
  return sizes.reduce((sum, size) => sum + size, 0);
}

/** @returns the compacted records; `sealed` names one segment at most afterwards */
function compactAtStart(
  options: JournalOptions,
  sealed: number[],
  bodies: BodyStore,
): readonly JournalRecord[] {
  const read = readSegments(options, sealed);
  const kept = compactRecords(read, options.now());
  if (sealed.length > 1 || kept.length < read.length) {
    replaceSegments(options, sealed, kept, read.at(-1)?.sequence ?? 0);
    sealed.splice(1);
  }
  bodies.keepOnly(referencedBodies(kept));
  return kept;
}

/**
 * While calls go on: bodies are left to the next start, as the open segment refers to some.
 * @returns how many calls are left
 */
function compact(options: JournalOptions, sealed: number[], bodies: BodyStore): number {
  const read = readSegments(options, sealed);
  const kept = compactRecords(read, options.now());
  replaceSegments(options, sealed, kept, read.at(-1)?.sequence ?? 0);
  sealed.splice(1);
  bodies.keepOnly(referencedBodies(kept));
  options.log(`journal: ${read.length} calls compacted to ${kept.length}`);
  return kept.length;
}

function referencedBodies(records: readonly JournalRecord[]): ReadonlySet<string> {
  return new Set(records.flatMap(({ body }) => (Buffer.isBuffer(body) ? [] : [body.sha256])));
}

interface OpenSegment {
  write(frame: Buffer): void;
  bytes(): number;
  close(): void;
}

function openSegment({ folder, region, accountId }: JournalPlace, ordinal: number): OpenSegment {
  const descriptor = openSync(segmentFile(folder, ordinal), 'wx', 0o600);
  let bytes = 0;
  let open = true;
  const write = (frame: Buffer): void => {
    let written = 0;
    try {
      while (written < frame.length)
        written += writeSync(descriptor, frame, written, frame.length - written, bytes + written);
    } catch (error) {
      // Half a frame would count as damage once another follows it.
      ftruncateSync(descriptor, bytes);
      throw error;
    }
    bytes += frame.length;
  };
  write(encodeHeader({ format: journalFormat, region, accountId, through: 0 }));
  return {
    write,
    bytes: () => bytes,
    close() {
      if (open) closeSync(descriptor);
      open = false;
    },
  };
}
