/** The objects of a ledger in the environment's state bucket: listing, reading, and writing each once. */
import { TowpathError } from '../../domain/errors.ts';
import type { Environment } from '../../domain/project.ts';
import type { Clock, Random } from '../../ports.ts';
import { callAws, callAwsOrAbsent, isAwsError, statusOf } from '../aws/errors.ts';
import type { Session } from '../aws/session.ts';
import { LEDGER_PREFIX } from './ledger-object.ts';

/** Pages of 1 000 keys; a hundred thousand events are a deployment every hour for ten years. */
const MAX_PAGES = 100;
const PAGE_KEYS = 1_000;
/** Writes of one object while S3 answers 409 and nobody's object appears. */
const WRITE_ATTEMPTS = 5;
const CONFLICT_WAIT_MS = 100;

export interface ListedObject {
  readonly key: string;
  readonly etag: string;
}

export interface ListQuery {
  readonly prefix: string;
  /** Only keys after this one. */
  readonly startAfter?: string;
  /** Stop after this many keys. */
  readonly maxKeys?: number;
}

export interface LedgerStore {
  /** In the order of the alphabet. */
  list(query: ListQuery): Promise<readonly ListedObject[]>;
  /** Undefined when there is none. */
  get(key: string): Promise<string | undefined>;
  /** Never overwrites: `taken` when somebody else's object is there. */
  putOnce(key: string, body: string): Promise<'written' | 'taken'>;
  /** For messages: `s3://bucket/key`. */
  addressOf(key: string): string;
}

export interface LedgerStoreOptions {
  readonly session: Session;
  readonly environment: Environment;
  readonly clock: Clock;
  readonly random: Random;
}

export function createLedgerStore(options: LedgerStoreOptions): LedgerStore {
  return {
    list: (query) => listObjects(options, query),
    get: async (key) => (await getObject(options, key))?.body,
    putOnce: (key, body) => putOnce(options, key, body),
    addressOf: (key) => `s3://${options.environment.stateBucket}/${key}`,
  };
}

async function listObjects(options: LedgerStoreOptions, query: ListQuery): Promise<readonly ListedObject[]> {
  const { session, environment } = options;
  const maxKeys = query.maxKeys ?? MAX_PAGES * PAGE_KEYS;
  const listed: ListedObject[] = [];
  let token: string | undefined;
  for (let page = 0; page < MAX_PAGES; page += 1) {
    const answer = await inBucket(options, 's3:ListBucket', async () => {
      const { ListObjectsV2Command } = await import('@aws-sdk/client-s3');
      return (await session.s3()).send(
        new ListObjectsV2Command({
          Bucket: environment.stateBucket,
          Prefix: query.prefix,
          MaxKeys: Math.min(PAGE_KEYS, maxKeys - listed.length),
          ...(query.startAfter === undefined ? {} : { StartAfter: query.startAfter }),
          ...(token === undefined ? {} : { ContinuationToken: token }),
        }),
      );
    });
    for (const { Key, ETag } of answer.Contents ?? []) listed.push({ key: Key ?? '', etag: ETag ?? '' });
    token = answer.NextContinuationToken;
    if (!token || listed.length >= maxKeys) return listed;
  }
  throw new TowpathError(
    'LEDGER_CORRUPT',
    `The ledger of ${environment.name} has more than ${MAX_PAGES * PAGE_KEYS} objects`,
    { hint: `look at s3://${environment.stateBucket}/${LEDGER_PREFIX}: something writes there in a loop` },
  );
}

async function getObject(
  { session, environment }: LedgerStoreOptions,
  key: string,
): Promise<{ readonly body: string; readonly writer: string | undefined } | undefined> {
  const answer = await callAwsOrAbsent(session, 's3:GetObject', ['NoSuchKey'], async () => {
    const { GetObjectCommand } = await import('@aws-sdk/client-s3');
    const { Body, Metadata } = await (await session.s3()).send(
      new GetObjectCommand({ Bucket: environment.stateBucket, Key: key }),
    );
    // Here, so that a connection that breaks within the body is an error of this call.
    return { body: (await Body?.transformToString()) ?? '', writer: Metadata?.writer };
  });
  return answer;
}

async function putOnce(options: LedgerStoreOptions, key: string, body: string): Promise<'written' | 'taken'> {
  const { session, environment, clock } = options;
  const writer = options.random.id();
  for (let attempt = 1; attempt <= WRITE_ATTEMPTS; attempt += 1) {
    try {
      await inBucket(options, 's3:PutObject', async () => {
        const { PutObjectCommand } = await import('@aws-sdk/client-s3');
        return (await session.s3()).send(
          new PutObjectCommand({
            Bucket: environment.stateBucket,
            Key: key,
            Body: body,
            ContentType: 'application/json',
            Metadata: { writer },
            IfNoneMatch: '*',
          }),
        );
      });
      return 'written';
    } catch (error) {
      const status = statusOf(error);
      if (status !== 412 && status !== 409) throw error;
      const stored = await getObject(options, key);
      // The write went through, its answer was lost, and the repetition met its own object.
      if (stored?.writer === writer) return 'written';
      if (stored !== undefined) return 'taken';
      await clock.sleep(CONFLICT_WAIT_MS * attempt);
    }
  }
  throw new TowpathError(
    'AWS_CALL_FAILED',
    `S3 refused ${key} of ${environment.name} ${WRITE_ATTEMPTS} times, though nobody wrote it`,
    { hint: 'run the same command again' },
  );
}

async function inBucket<T>(
  { session, environment }: LedgerStoreOptions,
  operation: string,
  send: () => Promise<T>,
): Promise<T> {
  try {
    return await callAws(session, operation, send);
  } catch (error) {
    if (!isAwsError(error, 'NoSuchBucket')) throw error;
    throw new TowpathError(
      'NOT_BOOTSTRAPPED',
      `The state bucket ${environment.stateBucket} of ${environment.name} does not exist`,
      { hint: `towpath bootstrap ${environment.name}`, cause: error },
    );
  }
}
