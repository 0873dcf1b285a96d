/**
 * The bytes of a journal segment: frames with length and checksum, the first of them the header.
 * A frame that a killed process could not finish is told apart from damage. Pure.
 */
import { crc32 } from 'node:zlib';
import type { BodyReference, JournalRecord, SegmentHeader } from './journal-record.ts';

/** `TWJ1`: where a frame begins. Frame: mark, length of the payload, its CRC-32, payload. */
const frameMark = Buffer.from('TWJ1');
const frameHeadBytes = frameMark.length + 8;
/** Inline body, headers and URL together stay far below this. */
const maxPayloadBytes = 16 * 1024 * 1024;

export function encodeHeader(header: SegmentHeader): Buffer {
  return encodeFrame(Buffer.from(JSON.stringify(header)));
}

/** Payload of a record: length of its head, the head as JSON, the body when it is inline. */
export function encodeRecord(record: JournalRecord): Buffer {
  const { body, ...head } = record;
  const inline = Buffer.isBuffer(body) ? body : Buffer.alloc(0);
  const json = Buffer.from(JSON.stringify(Buffer.isBuffer(body) ? head : { ...head, reference: body }));
  const length = Buffer.alloc(4);
  length.writeUInt32BE(json.length);
  return encodeFrame(Buffer.concat([length, json, inline]));
}

function encodeFrame(payload: Buffer): Buffer {
  const head = Buffer.alloc(frameHeadBytes);
  frameMark.copy(head);
  head.writeUInt32BE(payload.length, frameMark.length);
  head.writeUInt32BE(crc32(payload), frameMark.length + 4);
  return Buffer.concat([head, payload]);
}

export interface DecodedSegment {
  /** undefined when not even the header is whole. */
  readonly header: SegmentHeader | undefined;
  readonly records: readonly JournalRecord[];
  /** Bytes up to the end of the last whole frame. */
  readonly wholeBytes: number;
  /**
   * `whole`; `torn`: the last frame is unfinished, as a killed process leaves it;
   * `damaged`: something is wrong before the last frame.
   */
  readonly state: 'whole' | 'torn' | 'damaged';
}

export function decodeSegment(content: Buffer): DecodedSegment {
  let header: SegmentHeader | undefined;
  const records: JournalRecord[] = [];
  let offset = 0;
  while (offset < content.length) {
    const payload = readFrame(content, offset);
    if (payload === undefined) {
      const state = hasFrameAfter(content, offset) ? 'damaged' : 'torn';
      return { header, records, wholeBytes: offset, state };
    }
    if (header === undefined) header = JSON.parse(payload.toString('utf8')) as SegmentHeader;
    else records.push(decodeRecord(payload));
    offset += frameHeadBytes + payload.length;
  }
  return { header, records, wholeBytes: offset, state: 'whole' };
}

function readFrame(content: Buffer, offset: number): Buffer | undefined {
  const start = offset + frameHeadBytes;
  if (start > content.length) return undefined;
  if (!content.subarray(offset, offset + frameMark.length).equals(frameMark)) return undefined;
  const length = content.readUInt32BE(offset + frameMark.length);
  if (length > maxPayloadBytes || start + length > content.length) return undefined;
  const payload = content.subarray(start, start + length);
  return crc32(payload) === content.readUInt32BE(offset + frameMark.length + 4) ? payload : undefined;
}

/** A whole frame behind the unreadable place means that it is not merely the unfinished end. */
function hasFrameAfter(content: Buffer, offset: number): boolean {
  let at = content.indexOf(frameMark, offset + 1);
  while (at >= 0) {
    if (readFrame(content, at) !== undefined) return true;
    at = content.indexOf(frameMark, at + 1);
  }
  return false;
}

type RecordHead = Omit<JournalRecord, 'body'> & { readonly reference?: BodyReference };

function decodeRecord(payload: Buffer): JournalRecord {
  const headBytes = payload.readUInt32BE(0);
  const { reference, ...head } = JSON.parse(payload.toString('utf8', 4, 4 + headBytes)) as RecordHead;
  return { ...head, body: reference ?? payload.subarray(4 + headBytes) };
}
