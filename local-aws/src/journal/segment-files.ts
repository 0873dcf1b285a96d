/** The segment files of a journal: found, read and checked, replaced by a compacted one. */
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { damaged, otherFormat, otherRegion, unreadable } from './journal-errors.ts';
import { type JournalRecord, journalFormat, type SegmentHeader } from './journal-record.ts';
import { type DecodedSegment, decodeSegment, encodeHeader, encodeRecord } from './record-codec.ts';

export interface JournalPlace {
  readonly folder: string;
  readonly region: string;
  readonly accountId: string;
}

const namePattern = /^(\d{8})\.journal$/;

export function segmentFile(folder: string, ordinal: number): string {
  return join(folder, `${String(ordinal).padStart(8, '0')}.journal`);
}

/** Ascending. Drafts of a compaction that was cut short are removed. */
export function findSegments(folder: string): number[] {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const names = readdirSync(folder);
  for (const name of names) if (name.endsWith('.draft')) rmSync(join(folder, name));
  return names
    .flatMap((name) => namePattern.exec(name)?.[1] ?? [])
    .map(Number)
    .sort((a, b) => a - b);
}

/**
 * Every call of these segments once, in order. An unfinished end of the last one is cut off.
 * @throws StateUnusableError
 */
export function readSegments(place: JournalPlace, ordinals: readonly number[]): JournalRecord[] {
  const records: JournalRecord[] = [];
  let through = 0;
  ordinals.forEach((ordinal, index) => {
    const file = segmentFile(place.folder, ordinal);
    const { header, records: read } = readSegment(place, file, index === ordinals.length - 1);
    for (const record of read) if (record.sequence > through) records.push(record);
    through = Math.max(through, header?.through ?? 0, read.at(-1)?.sequence ?? 0);
  });
  return records;
}

function readSegment(place: JournalPlace, file: string, isLast: boolean): DecodedSegment {
  let content: Buffer;
  try {
    content = readFileSync(file);
  } catch (cause) {
    throw unreadable(file, cause);
  }
  const decoded = decodeSegment(content);
  if (decoded.state === 'damaged' || (decoded.state === 'torn' && !isLast))
    throw damaged(file, decoded.wholeBytes, content.length);
  if (decoded.header !== undefined) checkHeader(place, file, decoded.header);
  if (decoded.state === 'torn') truncateSync(file, decoded.wholeBytes);
  return decoded;
}

function checkHeader(place: JournalPlace, file: string, header: SegmentHeader): void {
  if (header.format !== journalFormat) throw otherFormat(file, header.format, journalFormat);
  if (header.region !== place.region || header.accountId !== place.accountId)
    throw otherRegion(place.folder, header, place);
}

/** The first of the segments takes the place of all: a reader in between skips what it has seen. */
export function replaceSegments(
  place: JournalPlace,
  ordinals: readonly number[],
  records: readonly JournalRecord[],
  through: number,
): number {
  const [first = 1, ...rest] = ordinals;
  const file = segmentFile(place.folder, first);
  const draft = `${file}.draft`;
  const { region, accountId } = place;
  const header = encodeHeader({ format: journalFormat, region, accountId, through });
  const content = Buffer.concat([header, ...records.map(encodeRecord)]);
  writeFileSync(draft, content, { mode: 0o600 });
  renameSync(draft, file);
  for (const ordinal of rest) rmSync(segmentFile(place.folder, ordinal), { force: true });
  return content.length;
}
