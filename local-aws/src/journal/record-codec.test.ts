import { expect, test } from 'vitest';
import { type JournalRecord, journalFormat } from './journal-record.ts';
import { decodeSegment, encodeHeader, encodeRecord } from './record-codec.ts';

const header = { format: journalFormat, region: 'us-east-1', accountId: '123456789012', through: 0 };

function record(
  sequence: number,
  body: JournalRecord['body'] = Buffer.from(`{"n":${sequence}}`),
): JournalRecord {
  return {
    sequence,
    at: 1_700_000_000_000 + sequence,
    service: 'ec2',
    action: 'CreateVpc',
    method: 'POST',
    url: '/',
    headers: ['Host', '127.0.0.1:4700'],
    body,
  };
}

const records = [record(1), record(2, Buffer.alloc(0)), record(3, { sha256: 'a'.repeat(64), bytes: 5 })];
const frames = [encodeHeader(header), ...records.map(encodeRecord)];
const content = Buffer.concat(frames);

test('what was written is read', () => {
  expect(decodeSegment(content)).toEqual({
    header,
    records,
    wholeBytes: content.length,
    state: 'whole',
  });
});

test('a segment cut at any byte gives the whole records before it', () => {
  const ends = frames.map((_, index) => Buffer.concat(frames.slice(0, index + 1)).length);
  for (let length = 0; length < content.length; length += 1) {
    const whole = ends.filter((end) => end <= length).length;
    const decoded = decodeSegment(content.subarray(0, length));
    expect(decoded.records).toEqual(records.slice(0, Math.max(0, whole - 1)));
    expect(decoded.wholeBytes).toBe(ends[whole - 1] ?? 0);
    expect(decoded.state).toBe(length === decoded.wholeBytes ? 'whole' : 'torn');
  }
});

test('a changed byte before the last record is damage, in the last one an unfinished end', () => {
  const lastStart = content.length - (frames.at(-1)?.length ?? 0);
  for (let at = 0; at < content.length; at += 7) {
    const changed = Buffer.from(content);
    changed[at] = (changed[at] ?? 0) ^ 0xff;
    expect(decodeSegment(changed).state, `byte ${at}`).toBe(at < lastStart ? 'damaged' : 'torn');
  }
});
