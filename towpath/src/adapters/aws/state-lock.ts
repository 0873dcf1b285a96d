/**
 * Terraform's own lock on the state, as left behind by a killed run: the S3 lock file
 * (`use_lockfile`) or the item in the DynamoDB table; both are on, and either may be left over.
 */
import { STATE_KEY } from '../../domain/names.ts';
import type { Environment } from '../../domain/project.ts';
import type { StateLock } from '../../ports.ts';
import { callAwsOrAbsent } from './errors.ts';
import type { Session } from './session.ts';

export interface StateLockReader {
  /** The lock that is held right now; undefined when there is none, or nothing to lock yet. */
  read(): Promise<StateLock | undefined>;
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
  return { id: field('ID'), who: field('Who'), operation: field('Operation'), created: field('Created') };
}
