/**
 * What a journaled call does to the state, as far as compaction has to know: which thing it replaces, changes or
 * removes. Pure. Calls that are not understood in full are `other` (kept) or `barrier` (kept, and nothing before
 * them may be dropped because of what comes after).
 */
import type { JournalRecord } from './journal-record.ts';

export type Effect =
  /** A scope (table, bucket) begins empty, or ends with all that is in it. */
  | { readonly kind: 'begin' | 'end'; readonly scope: string }
  /** `set` makes earlier calls for the key meaningless, `unset` the key itself; `modify` depends on them. */
  | { readonly kind: 'set' | 'modify' | 'unset'; readonly scope: string; readonly key: string }
  /** One more version of an object; `alone` when it can be made without those before it. */
  | { readonly kind: 'version'; readonly scope: string; readonly key: string; readonly alone: boolean }
  /** Depends on, or changes, things in these scopes that are not named; `*` at the end means all that begin so. */
  | { readonly kind: 'barrier'; readonly scopes: readonly string[] }
  | { readonly kind: 'log'; readonly group: string; readonly stream: string }
  | { readonly kind: 'log-stream'; readonly group: string; readonly stream: string }
  /** Without a stream: the whole group. */
  | { readonly kind: 'log-end'; readonly group: string; readonly stream: string | undefined }
  /** Of no use after some hours. */
  | { readonly kind: 'session' }
  | { readonly kind: 'other' };

/** What earlier calls said, and later ones are read with. */
export interface EffectContext {
  /** Names of key attributes by table. */
  readonly tableKeys: Map<string, readonly string[]>;
  readonly versionedBuckets: Set<string>;
}

export function createEffectContext(): EffectContext {
  return { tableKeys: new Map(), versionedBuckets: new Set() };
}

const other: Effect = { kind: 'other' };

/** Calls are described in their order, with one context. */
export function describeEffect(record: JournalRecord, context: EffectContext): Effect {
  switch (record.service) {
    case 's3':
      return describeS3(record, context);
    case 'dynamodb':
      return describeDynamoDb(record, context);
    case 'logs':
      return describeLogs(record);
    case 'monitoring':
      return describeAlarmState(record);
    case 'sts':
      return /^(?:Assume|GetFederationToken|GetSessionToken)/.test(record.action)
        ? { kind: 'session' }
        : other;
    default:
      return other;
  }
}

/** Sub-resources of an object that live and die with it. */
const objectParts = /^(?:tagging|acl|retention|legal-hold)$/;
/** Lock files of Terraform come and go with every command. Their old versions serve nobody. */
const lockFile = /\.tflock$/;

function describeS3(record: JournalRecord, { versionedBuckets }: EffectContext): Effect {
  const { bucket, key, parameters } = readS3Url(record);
  const scope = `s3/${bucket}`;
  if (key === undefined) return { kind: 'barrier', scopes: [scope] };
  if (key === '') {
    if (parameters.length === 0 && record.method === 'PUT') return { kind: 'begin', scope };
    if (parameters.length === 0 && record.method === 'DELETE') {
      versionedBuckets.delete(bucket);
      return { kind: 'end', scope };
    }
    if (parameters.includes('versioning')) versionedBuckets.add(bucket);
    return record.method === 'POST' || parameters.includes('versioning')
      ? { kind: 'barrier', scopes: [scope] }
      : other;
  }
  const source = headerOf(record, 'x-amz-copy-source');
  if (source !== undefined) {
    const [from = ''] = decodeURIComponent(source).replace(/^\//, '').split('/');
    return { kind: 'barrier', scopes: [scope, `s3/${from}`] };
  }
  const [parameter, ...more] = parameters;
  if (more.length > 0 || (parameter !== undefined && !objectParts.test(parameter)))
    return { kind: 'barrier', scopes: [scope] };
  if (versionedBuckets.has(bucket) && !lockFile.test(key))
    return parameter === undefined && /^(?:PUT|DELETE)$/.test(record.method)
      ? { kind: 'version', scope, key, alone: isAlone(record) }
      : { kind: 'barrier', scopes: [scope] };
  if (parameter !== undefined) return { kind: 'modify', scope, key };
  if (record.method === 'PUT') return { kind: 'set', scope, key };
  return record.method === 'DELETE' ? { kind: 'unset', scope, key } : { kind: 'barrier', scopes: [scope] };
}

/** A marker of a deletion needs something to delete, and a write with `If-Match` the version that it replaces. */
function isAlone(record: JournalRecord): boolean {
  return record.method === 'PUT' && headerOf(record, 'if-match') === undefined;
}

interface S3Place {
  readonly bucket: string;
  /** Decoded, as clients encode the same key differently; undefined when that can't be done. */
  readonly key: string | undefined;
  /** Names of the query's parameters without those that say nothing. */
  readonly parameters: readonly string[];
}

function readS3Url(record: JournalRecord): S3Place {
  const [path = '', query = ''] = record.url.split('?', 2);
  const parameters = [...new URLSearchParams(query).keys()].filter(
    (name) => name !== 'x-id' && !name.startsWith('X-Amz-'),
  );
  const host = headerOf(record, 'host') ?? '';
  // `bucket.localhost:4700/key` instead of `127.0.0.1:4700/bucket/key`.
  const virtual = /^([^.:]+(?:\.[^.:]+)*)\.localhost(?::\d+)?$/.exec(host)?.[1];
  const parts = path.replace(/^\//, '').split('/');
  const bucket = virtual ?? parts.shift() ?? '';
  return { bucket, key: decodeKey(parts.join('/')), parameters };
}

function decodeKey(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

function describeDynamoDb(record: JournalRecord, { tableKeys }: EffectContext): Effect {
  const input = readJson(record);
  if (input === undefined) return { kind: 'barrier', scopes: ['dynamodb/*'] };
  const table = nameOfTable(input.TableName);
  const scope = `dynamodb/${table}`;
  switch (record.action) {
    case 'CreateTable': {
      const schema = (input.KeySchema ?? []) as readonly { readonly AttributeName: string }[];
      tableKeys.set(
        table,
        schema.map(({ AttributeName }) => AttributeName),
      );
      return { kind: 'begin', scope };
    }
    case 'DeleteTable':
      return { kind: 'end', scope };
    case 'PutItem':
    case 'DeleteItem':
    case 'UpdateItem': {
      const key = keyOf(tableKeys.get(table), (record.action === 'PutItem' ? input.Item : input.Key) ?? {});
      if (key === undefined) return { kind: 'barrier', scopes: [scope] };
      const kinds = { PutItem: 'set', DeleteItem: 'unset', UpdateItem: 'modify' } as const;
      return { kind: kinds[record.action], scope, key };
    }
    case 'BatchWriteItem':
      return {
        kind: 'barrier',
        scopes: Object.keys(input.RequestItems ?? {}).map((name) => `dynamodb/${nameOfTable(name)}`),
      };
    case 'TransactWriteItems':
    case 'ExecuteStatement':
    case 'BatchExecuteStatement':
    case 'ExecuteTransaction':
      return { kind: 'barrier', scopes: ['dynamodb/*'] };
    default:
      return other;
  }
}

interface AttributeValue {
  readonly S?: string;
  readonly N?: string;
  readonly B?: string;
}

const plainNumber = /^(?:0|-?[1-9]\d*)$/;

/** Tables go by name or by ARN. */
function nameOfTable(reference: unknown): string {
  return typeof reference === 'string' ? (reference.split('/')[1] ?? reference) : '';
}

function keyOf(names: readonly string[] | undefined, item: object): string | undefined {
  if (names === undefined || names.length === 0) return undefined;
  const values = names.map((name) => (item as Readonly<Record<string, AttributeValue>>)[name]);
  // 1 and 1.0 are one key: numbers count only as they are usually written.
  const isClear = values.every(
    (value) => value !== undefined && (value.N === undefined || plainNumber.test(value.N)),
  );
  return isClear ? JSON.stringify(values) : undefined;
}

function describeLogs(record: JournalRecord): Effect {
  const input = readJson(record);
  const group = input?.logGroupName;
  const stream = input?.logStreamName;
  if (typeof group !== 'string') return other;
  switch (record.action) {
    case 'DeleteLogGroup':
      return { kind: 'log-end', group, stream: undefined };
    case 'DeleteLogStream':
      return typeof stream === 'string' ? { kind: 'log-end', group, stream } : other;
    case 'CreateLogStream':
      return typeof stream === 'string' ? { kind: 'log-stream', group, stream } : other;
    case 'PutLogEvents':
      return typeof stream === 'string' ? { kind: 'log', group, stream } : other;
    default:
      return other;
  }
}

/** Autoscaling and rehearsals set the state of an alarm again and again. */
function describeAlarmState(record: JournalRecord): Effect {
  if (record.action !== 'SetAlarmState' || !Buffer.isBuffer(record.body)) return other;
  const name = new URLSearchParams(record.body.toString('utf8')).get('AlarmName');
  return name === null ? other : { kind: 'set', scope: 'alarm-states', key: name };
}

export function readJson(record: JournalRecord): Readonly<Record<string, unknown>> | undefined {
  if (!Buffer.isBuffer(record.body)) return undefined;
  try {
    const value: unknown = JSON.parse(record.body.toString('utf8'));
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

function headerOf(record: JournalRecord, wanted: string): string | undefined {
  for (let i = 0; i + 1 < record.headers.length; i += 2) {
    if (record.headers[i]?.toLowerCase() === wanted) return record.headers[i + 1];
  }
  return undefined;
}
