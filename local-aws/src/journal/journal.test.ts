import {
  appendFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Journal, type JournalOptions, openJournal } from './journal.ts';
import { type JournalRecord, maxInlineBodyBytes } from './journal-record.ts';

let folder = '';
const opened: Journal[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'journal-'));
});
afterEach(() => {
  for (const journal of opened.splice(0)) journal.close();
  rmSync(folder, { recursive: true, force: true });
});

function open(options: Partial<JournalOptions> = {}): Journal {
  const journal = openJournal({
    folder,
    region: 'us-east-1',
    accountId: '123456789012',
    now: () => 1_800_000_000_000,
    log: () => undefined,
    ...options,
  });
  opened.push(journal);
  return journal;
}

function append(journal: Journal, call: Partial<JournalRecord> = {}): JournalRecord {
  const record = {
    sequence: journal.nextSequence(),
    at: 1_800_000_000_000,
    service: 'ec2',
    action: 'CreateVpc',
    method: 'POST',
    url: '/',
    headers: [],
    body: Buffer.from('x'.repeat(100)),
    ...call,
  };
  journal.append(record);
  return record;
}

test('what was appended is there for the next one, which counts on', () => {
  const first = open();
  expect(first.takeRecords()).toEqual([]);
  const records = [append(first), append(first)];
  // No close: the process was killed.
  const second = open();
  expect(second.takeRecords()).toEqual(records);
  expect(second.nextSequence()).toBe(3);
});

test('it tells how many calls the next start makes, also after a compaction', () => {
  const put = { service: 's3', action: '', method: 'PUT', url: '/bucket/key' };
  const journal = open({ maxSegmentBytes: 1_000, compactAfterBytes: 3_000 });
  append(journal, { ...put, url: '/bucket' });
  expect(journal.size().calls).toBe(1);
  const small = journal.size().bytes;
  for (let i = 0; i < 100; i += 1) append(journal, put);
  expect(journal.size().bytes).toBeGreaterThan(small);
  // Those of the open segments are not compacted yet.
  expect(journal.size().calls).toBeLessThan(30);
  journal.close();
  const next = open();
  expect(next.size().calls).toBe(next.takeRecords().length);
  expect(next.size().calls).toBe(2);
});

test('segments follow each other, and become one', () => {
  const journal = open({ maxSegmentBytes: 1_000 });
  const records = Array.from({ length: 30 }, () => append(journal));
  expect(readdirSync(folder).length).toBeGreaterThan(3);
  expect(open().takeRecords()).toEqual(records);
  expect(readdirSync(folder).filter((name) => name.endsWith('.journal'))).toHaveLength(2);
  expect(open().takeRecords()).toEqual(records);
});

test('it is compacted while it grows', () => {
  const journal = open({ maxSegmentBytes: 1_000, compactAfterBytes: 5_000 });
  const bucket = append(journal, { service: 's3', action: '', method: 'PUT', url: '/b' });
  const puts = Array.from({ length: 200 }, () =>
    append(journal, { service: 's3', action: '', method: 'PUT', url: '/b/key' }),
  );
  const bytes = readdirSync(folder)
    .filter((name) => name.endsWith('.journal'))
    .reduce((sum, name) => sum + readFileSync(join(folder, name)).length, 0);
  expect(bytes).toBeLessThan(8_000);
  expect(open().takeRecords()).toEqual([bucket, puts.at(-1)]);
});

test('segments that a compaction was killed before removing are skipped', () => {
  const journal = open({ maxSegmentBytes: 1_000 });
  const records = Array.from({ length: 20 }, () => append(journal));
  const names = readdirSync(folder).filter((name) => name.endsWith('.journal'));
  const contents = names.map((name) => readFileSync(join(folder, name)));
  open();
  // Back again, beside the compacted one.
  names.forEach((name, index) => {
    if (!existsSync(join(folder, name))) writeFileSync(join(folder, name), contents[index] ?? '');
  });
  expect(open().takeRecords()).toEqual(records);
});

test('an unfinished end is dropped, damage is refused', () => {
  const journal = open();
  const records = [append(journal), append(journal)];
  const file = join(folder, '00000001.journal');
  appendFileSync(file, readFileSync(file).subarray(0, 50).subarray(3));
  expect(open().takeRecords()).toEqual(records);
  const whole = readFileSync(file);
  whole[whole.length - 130] = (whole[whole.length - 130] ?? 0) ^ 1;
  const damaged = Buffer.concat([whole, whole.subarray(-10)]);
  writeFileSync(file, damaged);
  expect(() => open()).toThrow(/is damaged at byte \d+ of \d+/);
});

test('another version, region or account is refused with a way out', () => {
  append(open());
  const hint = /towpath local down --purge/;
  expect(() => open({ region: 'eu-west-1' })).toThrow(
    expect.objectContaining({
      code: 'LOCAL_STATE_UNUSABLE',
      message: expect.stringContaining('belongs to region us-east-1'),
      hint: expect.stringMatching(hint),
    }),
  );
  expect(() => open({ accountId: '1' })).toThrow(/account 1\./);
});

test('large bodies are files, kept as long as a call refers to them', async () => {
  const journal = open();
  const content = Buffer.alloc(maxInlineBodyBytes + 1, 7);
  const small = await journal.bodies.take(Readable.from([Buffer.from('ab'), Buffer.from('c')]));
  expect(small.content).toEqual(Buffer.from('abc'));
  const unused = await journal.bodies.take(Readable.from([content, Buffer.from('other')]));
  const held = await journal.bodies.take(Readable.from([content.subarray(0, 10), content.subarray(10)]));
  append(journal, { service: 's3', action: '', method: 'PUT', url: '/b/large', body: held.content });
  for (const body of [small, unused, held]) body.release();
  const next = open();
  const [record] = next.takeRecords();
  if (record === undefined || Buffer.isBuffer(record.body)) throw new Error('no reference');
  expect(Buffer.concat(await next.bodies.read(record.body).toArray()).equals(content)).toBe(true);
  expect(readdirSync(join(folder, 'bodies'))).toEqual([record.body.sha256]);
});
