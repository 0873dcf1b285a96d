/**
 * The ledger as objects `ledger/<8-digit sequence>.json` in the environment's state bucket,
 * each written once: S3 refuses a second write of a key, so that racing writers lose nothing.
 */
import { TowpathError } from '../../domain/errors.ts';
import { type LedgerEvent, nextEvent, verifyChain } from '../../domain/ledger.ts';
import type { Environment } from '../../domain/project.ts';
import type { Clock, LedgerPort, Random } from '../../ports.ts';
import { callAws, callAwsOrAbsent, isAwsError, statusOf } from '../aws/errors.ts';
import type { Session } from '../aws/session.ts';
import { keyOfSequence, LEDGER_PREFIX, parseLedgerObject, sequenceOfKey } from './ledger-object.ts';

/** Objects read at a time. */
const PARALLEL_READS = 32;
/** Pages of 1 000 keys; a hundred thousand events are a deployment every hour for ten years. */
const MAX_PAGES = 100;
/** Writes of one event while S3 answers 409 and nobody's object appears. */
const WRITE_ATTEMPTS = 5;
const CONFLICT_WAIT_MS = 100;

export interface LedgerOptions {
  readonly session: Session;
  readonly environment: Environment;
  readonly clock: Clock;
  readonly random: Random;
  /** STS ARN of the writer. */
  readonly identity: () => Promise<string>;
}

/** An event already read, with the version of the object it was read from. */
interface Seen {
  readonly etag: string;
  readonly event: LedgerEvent;
}

export function createS3Ledger(options: LedgerOptions): LedgerPort {
  // Objects never change, so that one read of each is enough as long as its ETag stays.
  const seen = new Map<number, Seen>();
  return {
    async load() {
      const listed = await listObjects(options);
      const fresh = listed.filter(({ sequence, etag }) => seen.get(sequence)?.etag !== etag);
      const unreadable: number[] = [];
      for (let start = 0; start < fresh.length; start += PARALLEL_READS) {
        await Promise.all(
          fresh.slice(start, start + PARALLEL_READS).map(async ({ sequence, etag }) => {
            const stored = await getObject(options, sequence);
            const event = stored === undefined ? undefined : parseLedgerObject(stored.body);
            if (event === undefined) unreadable.push(sequence);
            else seen.set(sequence, { etag, event });
          }),
        );
      }
      const keyed = listed.flatMap(({ sequence }) => {
        const found = unreadable.includes(sequence) ? undefined : seen.get(sequence);
        return found === undefined ? [] : [{ key: sequence, event: found.event }];
      });
      assertWhole(options, keyed, unreadable);
      return keyed.map(({ event }) => event);
    },
    async append(last, payload) {
      const event = nextEvent(last, {
        time: options.clock.now().toISOString(),
        actor: await options.identity(),
        payload,
      });
      await write(options, event);
      return event;
    },
  };
}

function assertWhole(
  { environment }: LedgerOptions,
  keyed: readonly { readonly key: number; readonly event: LedgerEvent }[],
  unreadable: readonly number[],
): void {
  const problems = [
    ...unreadable.map((sequence) => ({ sequence, problem: 'unreadable' })),
    ...verifyChain(keyed).filter(({ sequence }) => !unreadable.includes(sequence)),
  ].sort((a, b) => a.sequence - b.sequence);
  if (problems.length === 0) return;
  throw new TowpathError(
    'LEDGER_CORRUPT',
    `The ledger of ${environment.name} does not hold: ${problems.map(({ sequence, problem }) => `event ${sequence} is ${problem}`).join(', ')}`,
    {
      hint: `aws s3api list-object-versions --bucket ${environment.stateBucket} --prefix ${LEDGER_PREFIX} shows who changed what`,
      problems: problems.map(({ sequence, problem }) => ({
        path: `s3://${environment.stateBucket}/${keyOfSequence(sequence)}`,
        message: problem,
      })),
    },
  );
}

/** Returns when the event stands in the ledger. @throws {TowpathError} `LEDGER_RACE` when another took its place */
async function write(options: LedgerOptions, event: LedgerEvent): Promise<void> {
  const { session, environment, clock } = options;
  const writer = options.random.id();
  for (let attempt = 1; attempt <= WRITE_ATTEMPTS; attempt += 1) {
    try {
      await inBucket(options, 's3:PutObject', async () => {
        const { PutObjectCommand } = await import('@aws-sdk/client-s3');
        return (await session.s3()).send(
          new PutObjectCommand({
            Bucket: environment.stateBucket,
            Key: keyOfSequence(event.sequence),
            Body: `${JSON.stringify(event)}\n`,
            ContentType: 'application/json',
            Metadata: { writer },
            IfNoneMatch: '*',
          }),
        );
      });
      return;
    } catch (error) {
      const status = statusOf(error);
      if (status !== 412 && status !== 409) throw error;
      const stored = await getObject(options, event.sequence);
      // The write went through, its answer was lost, and the repetition met its own object.
      if (stored?.writer === writer) return;
      if (stored !== undefined) throw raceLost(environment, event, error);
      await clock.sleep(CONFLICT_WAIT_MS * attempt);
    }
  }
  throw new TowpathError(
    'AWS_CALL_FAILED',
    `S3 refused event ${event.sequence} of ${environment.name} ${WRITE_ATTEMPTS} times, though nobody wrote it`,
    {
      hint: 'run the same command again',
    },
  );
}

function raceLost(environment: Environment, event: LedgerEvent, cause: unknown): TowpathError {
  return new TowpathError(
    'LEDGER_RACE',
    `Somebody else wrote event ${event.sequence} of ${environment.name} first`,
    {
      hint: 'run the same command again: it reads the ledger and decides anew',
      cause,
    },
  );
}

interface Listed {
  readonly sequence: number;
  readonly etag: string;
}

async function listObjects(options: LedgerOptions): Promise<readonly Listed[]> {
  const { session, environment } = options;
  const listed: Listed[] = [];
  let token: string | undefined;
  for (let page = 0; page < MAX_PAGES; page += 1) {
    const answer = await inBucket(options, 's3:ListBucket', async () => {
      const { ListObjectsV2Command } = await import('@aws-sdk/client-s3');
      const query = { Bucket: environment.stateBucket, Prefix: LEDGER_PREFIX };
      return (await session.s3()).send(
        new ListObjectsV2Command({ ...query, ...(token ? { ContinuationToken: token } : {}) }),
      );
    });
    for (const { Key, ETag } of answer.Contents ?? []) {
      const sequence = sequenceOfKey(Key ?? '');
      if (sequence !== undefined) listed.push({ sequence, etag: ETag ?? '' });
    }
    token = answer.NextContinuationToken;
    if (!token) return listed;
  }
  throw new TowpathError(
    'LEDGER_CORRUPT',
    `The ledger of ${environment.name} has more than ${MAX_PAGES * 1_000} events`,
    {
      hint: `look at s3://${environment.stateBucket}/${LEDGER_PREFIX}: something writes there in a loop`,
    },
  );
}

async function getObject(
  { session, environment }: LedgerOptions,
  sequence: number,
): Promise<{ readonly body: string; readonly writer: string | undefined } | undefined> {
  const answer = await callAwsOrAbsent(session, 's3:GetObject', ['NoSuchKey'], async () => {
    const { GetObjectCommand } = await import('@aws-sdk/client-s3');
    return (await session.s3()).send(
      new GetObjectCommand({ Bucket: environment.stateBucket, Key: keyOfSequence(sequence) }),
    );
  });
  if (answer === undefined) return undefined;
  return { body: (await answer.Body?.transformToString()) ?? '', writer: answer.Metadata?.writer };
}

async function inBucket<T>(
  { session, environment }: LedgerOptions,
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
      {
        hint: `towpath bootstrap ${environment.name}`,
        cause: error,
      },
    );
  }
}
