/**
 * Terraform's own lock on the state, as left behind by a killed run: the S3 lock file
 * (`use_lockfile`) or the item in the DynamoDB table; both are on, and either may be left over.
 */
import { createHash } from 'node:crypto';
import { STATE_KEY } from '../../domain/names.ts';
import type { Environment } from '../../domain/project.ts';
import type { StateLock } from '../../ports.ts';
import { callAws, callAwsOrAbsent } from './errors.ts';
import type { Session } from './session.ts';

export interface StateLockReader {
  /** The lock that is held right now; undefined when there is none, or nothing to lock yet. */
  read(): Promise<StateLock | undefined>;
  /**
   * Terraform writes its state to S3, then the state's checksum to the lock table, and refuses to work when the two
   * differ: after a kill between them, for ever. To be called when nobody holds the lock.
   * @returns whether the checksum had to be put right
   */
  mendChecksum(): Promise<boolean>;
}

export function createStateLockReader(options: {
  readonly session: Session;
  readonly environment: Environment;
}): StateLockReader {
  return {
    async read() {
      const [file, item] = await Promise.all([readLockFile(options), readLockItem(options)]);
      return file ?? item;
    },
    async mendChecksum() {
      const [state, noted] = await Promise.all([readState(options), readChecksum(options)]);
      if (state === undefined || noted === undefined) return false;
      const checksum = createHash('md5').update(state).digest('hex');
      if (checksum === noted) return false;
      await writeChecksum(options, noted, checksum);
      return true;
    },
  };
}

interface Options {
  readonly session: Session;
  readonly environment: Environment;
}

async function readLockFile({ session, environment }: Options): Promise<StateLock | undefined> {
  const found = await callAwsOrAbsent(session, 's3:GetObject', ['NoSuchKey', 'NoSuchBucket'], async () => {
    const { GetObjectCommand } = await import('@aws-sdk/client-s3');
    return (await session.s3()).send(
      new GetObjectCommand({ Bucket: environment.stateBucket, Key: `${STATE_KEY}.tflock` }),
    );
  });
  return found?.Body === undefined ? undefined : parseStateLock(await found.Body.transformToString());
}

async function readLockItem({ session, environment }: Options): Promise<StateLock | undefined> {
  const found = await callAwsOrAbsent(
    session,
    'dynamodb:GetItem',
    ['ResourceNotFoundException'],
    async () => {
      const { GetItemCommand } = await import('@aws-sdk/client-dynamodb');
      return (await session.dynamodb()).send(
        new GetItemCommand({
          TableName: environment.lockTable,
          Key: { LockID: { S: `${environment.stateBucket}/${STATE_KEY}` } },
          ConsistentRead: true,
        }),
      );
    },
  );
  const info = found?.Item?.Info?.S;
  return info === undefined ? undefined : parseStateLock(info);
}

async function readState({ session, environment }: Options): Promise<Uint8Array | undefined> {
  const found = await callAwsOrAbsent(session, 's3:GetObject', ['NoSuchKey', 'NoSuchBucket'], async () => {
    const { GetObjectCommand } = await import('@aws-sdk/client-s3');
    return (await session.s3()).send(
      new GetObjectCommand({ Bucket: environment.stateBucket, Key: STATE_KEY }),
    );
  });
  return found?.Body?.transformToByteArray();
}

function checksumKey({ environment }: Options): { LockID: { S: string } } {
  return { LockID: { S: `${environment.stateBucket}/${STATE_KEY}-md5` } };
}

async function readChecksum(options: Options): Promise<string | undefined> {
  const { session, environment } = options;
  const found = await callAwsOrAbsent(
    session,
    'dynamodb:GetItem',
    ['ResourceNotFoundException'],
    async () => {
      const { GetItemCommand } = await import('@aws-sdk/client-dynamodb');
      const input = { TableName: environment.lockTable, Key: checksumKey(options), ConsistentRead: true };
      return (await session.dynamodb()).send(new GetItemCommand(input));
    },
  );
  return found?.Item?.Digest?.S;
}

/** A checksum that changed meanwhile is somebody's at work, and is left alone: the condition fails. */
async function writeChecksum(options: Options, noted: string, checksum: string): Promise<void> {
  const { session, environment } = options;
  await callAws(session, 'dynamodb:UpdateItem', async () => {
    const { UpdateItemCommand } = await import('@aws-sdk/client-dynamodb');
    return (await session.dynamodb()).send(
      new UpdateItemCommand({
        TableName: environment.lockTable,
        Key: checksumKey(options),
        UpdateExpression: 'SET Digest = :checksum',
        ConditionExpression: 'Digest = :noted',
        ExpressionAttributeValues: { ':checksum': { S: checksum }, ':noted': { S: noted } },
      }),
    );
  });
}

/** Terraform's lock info; a lock that can't be read is still a lock, with an id that `force-unlock` will refuse. */
export function parseStateLock(info: string): StateLock {
  let fields: Readonly<Record<string, unknown>> = {};
  try {
    const parsed: unknown = JSON.parse(info);
    if (typeof parsed === 'object' && parsed !== null) fields = { ...parsed };
  } catch {
    // Falls through to the unknown fields: half a lock file must not hide that there is one.
  }
  const field = (name: string): string => {
    const value = fields[name];
    return typeof value === 'string' && value !== '' ? value : 'unknown';
  };
  // Terraform gives nanoseconds.
  const created = field('Created').replace(/\.\d+(?=Z$)/, '');
  return { id: field('ID'), who: field('Who'), operation: field('Operation'), created };
}
