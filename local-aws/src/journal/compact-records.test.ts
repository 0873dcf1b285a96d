/** Replaying a compacted journal leads to the same state as replaying all of it, on a small model of the services. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decideOldLogs, keptStreamsPerGroup } from './compact-logs.ts';
import { compactRecords } from './compact-records.ts';
import { keptVersions } from './decide-superseded.ts';
import { createEffectContext, describeEffect } from './describe-effect.ts';
import type { JournalRecord } from './journal-record.ts';

const now = 1_800_000_000_000;
const hourMs = 3_600_000;

type Call = Pick<JournalRecord, 'service' | 'action'> & {
  readonly method?: string;
  readonly url?: string;
  readonly headers?: readonly string[];
  readonly input?: object;
};

function journal(calls: readonly Call[]): JournalRecord[] {
  return calls.map(({ input, ...call }, index) => ({
    method: 'POST',
    url: '/',
    headers: [],
    ...call,
    sequence: index + 1,
    at: now,
    body: Buffer.from(input === undefined ? '' : JSON.stringify(input)),
  }));
}

const dynamo = (action: string, input: object): Call => ({ service: 'dynamodb', action, input });
const s3 = (method: string, url: string, headers: readonly string[] = [], input = {}): Call => ({
  service: 's3',
  action: '',
  method,
  url,
  headers,
  input,
});

interface Key {
  readonly k: { readonly S: string };
}

interface TableInput {
  readonly TableName: string;
  readonly Item?: Key;
  readonly Key: Key;
  readonly RequestItems: Readonly<Record<string, readonly { readonly PutRequest: { readonly Item: Key } }[]>>;
}

/** Carries calls out as AWS does, as far as the calls below need; a call that AWS refuses throws. */
class Model {
  readonly tables = new Map<string, Map<string, string>>();
  readonly buckets = new Map<string, Map<string, string>>();
  readonly versions = new Map<string, string[]>();

  run(record: JournalRecord): void {
    const input = JSON.parse(record.body.toString() || '{}');
    if (record.service === 'dynamodb') this.#table(record, input);
    else this.#bucket(record, input);
  }

  #table({ action, sequence }: JournalRecord, input: TableInput): void {
    if (action === 'CreateTable') return void this.tables.set(input.TableName, new Map());
    if (action === 'DeleteTable') return void this.tables.delete(input.TableName);
    if (action === 'BatchWriteItem') {
      for (const [name, requests] of Object.entries(input.RequestItems))
        for (const { PutRequest } of requests)
          this.#items(name).set(PutRequest.Item.k.S, `batch ${sequence}`);
      return;
    }
    const items = this.#items(input.TableName);
    const key = (input.Item ?? input.Key).k.S;
    if (action === 'PutItem') items.set(key, `put ${sequence}`);
    if (action === 'DeleteItem') items.delete(key);
    if (action === 'UpdateItem') items.set(key, `${items.get(key) ?? 'new'} + ${sequence}`);
  }

  #items(name: string): Map<string, string> {
    const items = this.tables.get(name);
    if (items === undefined) throw new Error(`no table ${name}`);
    return items;
  }

  #bucket({ method, url, headers, sequence }: JournalRecord, _input: object): void {
    const [path = '', query] = url.split('?');
    const [, bucket = '', key] = path.split('/');
    if (key === undefined) {
      if (query === 'versioning') this.versions.set(bucket, []);
      else if (method === 'PUT') this.buckets.set(bucket, new Map());
      else if (method === 'DELETE') {
        this.buckets.delete(bucket);
        this.versions.delete(bucket);
      }
      return;
    }
    const objects = this.buckets.get(bucket);
    if (objects === undefined) throw new Error(`no bucket ${bucket}`);
    const [, source] = headers;
    if (!key.endsWith('.tflock')) this.versions.get(bucket)?.push(`${key} ${method} ${sequence}`);
    if (query === 'tagging') {
      const before = objects.get(key);
      if (before === undefined) throw new Error(`no object ${key}`);
      objects.set(key, `${before} tagged ${sequence}`);
    } else if (source !== undefined) {
      const copied = objects.get(source.split('/')[1] ?? '');
      if (copied === undefined) throw new Error(`no source ${source}`);
      objects.set(key, copied);
    } else if (method === 'PUT') objects.set(key, `put ${sequence}`);
    else objects.delete(key);
  }
}

/** Calls that AWS refused are in no journal. */
function accepted(calls: readonly Call[]): JournalRecord[] {
  const model = new Model();
  return journal(calls).filter((record) => {
    try {
      model.run(record);
      return true;
    } catch {
      return false;
    }
  });
}

function stateAfter(records: readonly JournalRecord[]): Model {
  const model = new Model();
  for (const record of records) model.run(record);
  return model;
}

const key = fc.constantFrom('a', 'b', 'lock.tflock');
const table = fc.constantFrom('t', 'u');
const bucket = fc.constantFrom('x', 'y');
const call: fc.Arbitrary<Call> = fc.oneof(
  {
    weight: 1,
    arbitrary: table.map((TableName) =>
      dynamo('CreateTable', { TableName, KeySchema: [{ AttributeName: 'k' }] }),
    ),
  },
  { weight: 1, arbitrary: table.map((TableName) => dynamo('DeleteTable', { TableName })) },
  {
    weight: 8,
    arbitrary: fc
      .tuple(fc.constantFrom('PutItem', 'DeleteItem', 'UpdateItem'), table, key)
      .map(([action, TableName, k]) =>
        dynamo(action, { TableName, [action === 'PutItem' ? 'Item' : 'Key']: { k: { S: k } } }),
      ),
  },
  {
    weight: 1,
    arbitrary: fc
      .tuple(table, key)
      .map(([name, k]) =>
        dynamo('BatchWriteItem', { RequestItems: { [name]: [{ PutRequest: { Item: { k: { S: k } } } }] } }),
      ),
  },
  { weight: 1, arbitrary: bucket.map((name) => s3('PUT', `/${name}`)) },
  { weight: 1, arbitrary: bucket.map((name) => s3('DELETE', `/${name}`)) },
  { weight: 1, arbitrary: bucket.map((name) => s3('PUT', `/${name}?versioning`)) },
  {
    weight: 8,
    arbitrary: fc
      .tuple(fc.constantFrom('PUT', 'DELETE'), bucket, key)
      .map(([method, name, k]) => s3(method, `/${name}/${k}`)),
  },
  { weight: 1, arbitrary: fc.tuple(bucket, key).map(([name, k]) => s3('PUT', `/${name}/${k}?tagging`)) },
  {
    weight: 1,
    arbitrary: fc
      .tuple(bucket, key, key)
      .map(([name, from, to]) =>
        s3('PUT', `/${name}/${to}`, ['x-amz-copy-source', `/${name}/${from}`.slice(1)]),
      ),
  },
);

test('leads to the same state', () => {
  fc.assert(
    fc.property(fc.array(call, { maxLength: 60 }), (calls) => {
      const all = accepted(calls);
      const once = compactRecords(all, now);
      expect(stateAfter(once)).toEqual(stateAfter(all));
      expect(compactRecords(once, now)).toEqual(once);
    }),
    { numRuns: 500 },
  );
});

test('a lock that comes and goes leaves its last removal at most', () => {
  const cycle = [
    dynamo('PutItem', { TableName: 't', Item: { k: { S: 'lock' } } }),
    dynamo('DeleteItem', { TableName: 't', Key: { k: { S: 'lock' } } }),
    s3('PUT', '/x/env/terraform.tfstate.tflock'),
    s3('DELETE', '/x/env%2Fterraform.tfstate.tflock'),
  ];
  const made = [
    dynamo('CreateTable', { TableName: 't', KeySchema: [{ AttributeName: 'k' }] }),
    s3('PUT', '/x'),
    s3('PUT', '/x?versioning'),
  ];
  const records = journal([...made, ...Array.from({ length: 50 }, () => cycle).flat()]);
  // Objects from before the versioning are not looked at, so the last removal in the bucket stays.
  expect(compactRecords(records, now).map(({ sequence }) => sequence)).toEqual([1, 2, 3, 203]);
});

describe('versions of an object', () => {
  const made = [s3('PUT', '/x'), s3('PUT', '/x?versioning')];
  const kept = (calls: readonly Call[]) =>
    compactRecords(journal([...made, ...calls]), now).map(({ sequence }) => sequence - made.length);
  const put = s3('PUT', '/x/state');
  const puts = (count: number) => Array.from({ length: count }, () => put);

  test('are the newest, of each object', () => {
    const calls = [s3('PUT', '/x/ledger/1'), ...puts(50), s3('PUT', '/x/ledger/2')];
    expect(kept(calls)).toEqual([-1, 0, 1, ...range(52 - keptVersions, 51), 52]);
    expect(kept(puts(keptVersions))).toEqual([-1, 0, ...range(1, keptVersions)]);
  });

  test('begin with one that needs none before it', () => {
    const onTop = s3('PUT', '/x/state', ['If-Match', '"etag"']);
    const calls = [...puts(5), onTop, s3('DELETE', '/x/state'), ...puts(keptVersions - 2)];
    expect(kept(calls)).toEqual([-1, 0, ...range(5, 5 + keptVersions)]);
  });

  test('stay where something else speaks of them', () => {
    for (const other of [
      s3('DELETE', '/x/state?versionId=v'),
      s3('PUT', '/x/state?tagging'),
      s3('PUT', '/x/copy', ['x-amz-copy-source', 'x/state']),
    ]) {
      const calls = [...puts(30), other, ...puts(30)];
      const first = 30 - keptVersions + 1;
      expect(kept(calls)).toEqual([-1, 0, ...range(first, 31), ...range(62 - keptVersions, 61)]);
    }
  });

  test('go with their bucket', () => {
    expect(kept([...puts(3), s3('DELETE', '/x')])).toEqual([-1, 0, 4]);
  });
});

function range(first: number, last: number): readonly number[] {
  return Array.from({ length: last - first + 1 }, (_, i) => first + i);
}

test('numbers that are written differently are not taken for different keys', () => {
  const records = journal([
    dynamo('CreateTable', { TableName: 't', KeySchema: [{ AttributeName: 'k' }] }),
    dynamo('PutItem', { TableName: 't', Item: { k: { N: '1.0' } } }),
    dynamo('DeleteItem', { TableName: 't', Key: { k: { N: '1' } } }),
  ]);
  expect(compactRecords(records, now)).toEqual(records);
});

test('keys of a session go when it has ended', () => {
  const [record] = journal([{ service: 'sts', action: 'AssumeRole' }]);
  if (record === undefined) throw new Error('no record');
  expect(compactRecords([record], now + 11 * hourMs)).toEqual([record]);
  expect(compactRecords([record], now + 13 * hourMs)).toEqual([]);
});

describe('log lines', () => {
  const put = (stream: string, ...messages: string[]): Call => ({
    service: 'logs',
    action: 'PutLogEvents',
    input: {
      logGroupName: 'g',
      logStreamName: stream,
      logEvents: messages.map((message, index) => ({ timestamp: now + index, message })),
    },
  });
  const logs = (action: string, input: object): Call => ({ service: 'logs', action, input });
  const stream = (name: string) => logs('CreateLogStream', { logGroupName: 'g', logStreamName: name });

  test('of one stream become one call', () => {
    const records = journal([stream('s'), put('s', 'a'), stream('t'), put('t', 'b'), put('s', 'c', 'd')]);
    const kept = compactRecords(records, now);
    expect(kept.map(({ sequence }) => sequence)).toEqual([1, 3, 4, 5]);
    const events = JSON.parse(kept[3]?.body.toString() ?? '').logEvents as { message: string }[];
    expect(events.map(({ message }) => message)).toEqual(['a', 'c', 'd']);
  });

  test('of a deleted group or stream go', () => {
    const records = journal([
      stream('s'),
      put('s', 'a'),
      logs('DeleteLogStream', { logGroupName: 'g', logStreamName: 's' }),
      stream('s'),
      put('s', 'b'),
    ]);
    expect(compactRecords(records, now).map(({ sequence }) => sequence)).toEqual([3, 4, 5]);
    const deleted = journal([stream('s'), put('s', 'a'), logs('DeleteLogGroup', { logGroupName: 'g' })]);
    expect(compactRecords(deleted, now).map(({ sequence }) => sequence)).toEqual([3]);
  });

  test('are those of the newest streams', () => {
    const tasks = Array.from({ length: 60 }, (_, task) => [stream(`s${task}`), put(`s${task}`, 'a')]);
    const kept = compactRecords(journal(tasks.flat()), now);
    expect(kept).toHaveLength(2 * keptStreamsPerGroup);
    expect(kept[0]?.sequence).toBe(2 * (60 - keptStreamsPerGroup) + 1);
  });

  test('are the newest, with the streams that still have some', () => {
    const records = journal([
      stream('old'),
      put('old', 'x'.repeat(100)),
      stream('s'),
      put('s', 'a'),
      put('s', 'b'),
    ]);
    const context = createEffectContext();
    const effects = records.map((record) => describeEffect(record, context));
    expect([...decideOldLogs(records, effects, 150)].sort()).toEqual([0, 1]);
    expect([...decideOldLogs(records, effects, 10_000)]).toEqual([]);
  });
});
