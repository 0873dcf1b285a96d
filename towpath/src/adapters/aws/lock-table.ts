/** The lock table of an environment: Terraform's state lock and Towpath's own lock live in it. */
import { TowpathError } from '../../domain/errors.ts';
import { commonTags } from '../../domain/names.ts';
import type { Environment, Project } from '../../domain/project.ts';
import type { Clock } from '../../ports.ts';
import { callAws, callAwsOrAbsent, isAwsError } from './errors.ts';
import type { Session } from './session.ts';

/** How long a new table may take to become ACTIVE, and point-in-time recovery to be accepted. */
const TABLE_READY_TIMEOUT_MS = 120_000;
const TABLE_POLL_MS = 500;

export interface LockTableOptions {
  readonly session: Session;
  readonly project: Project;
  readonly environment: Environment;
  readonly clock: Clock;
}

/** Whether the table is there and can hold locks; not while it is being created. */
export async function lockTableExists(options: LockTableOptions): Promise<boolean> {
  return isUsable(await describe(options));
}

function isUsable(table: TableView | undefined): table is TableView {
  return table?.status === 'ACTIVE' || table?.status === 'UPDATING';
}

/** @throws {TowpathError} `CONFIG_INVALID` when a table of that name has another key than Terraform's */
export async function ensureLockTable(options: LockTableOptions): Promise<'created' | 'present'> {
  const present = await describe(options);
  if (present === undefined) await create(options);
  const table = await waitUntilActive(options);
  await enableRecovery(options);
  await tag(options, table);
  return present === undefined ? 'created' : 'present';
}

interface TableView {
  readonly arn: string;
  readonly status: string;
}

async function describe({ session, environment }: LockTableOptions): Promise<TableView | undefined> {
  const answer = await callAwsOrAbsent(
    session,
    'dynamodb:DescribeTable',
    ['ResourceNotFoundException'],
    async () => {
      const { DescribeTableCommand } = await import('@aws-sdk/client-dynamodb');
      return (await session.dynamodb()).send(new DescribeTableCommand({ TableName: environment.lockTable }));
    },
  );
  const table = answer?.Table;
  if (table === undefined) return undefined;
  const keys = (table.KeySchema ?? []).map((key) => `${key.AttributeName} ${key.KeyType}`).join(', ');
  if (keys !== 'LockID HASH') {
    throw new TowpathError(
      'CONFIG_INVALID',
      `Table ${environment.lockTable} has the key ${keys}; Terraform locks need LockID HASH`,
      {
        hint: `set another \`lockTable\` of ${environment.name} in towpath.config.ts, then towpath sync`,
      },
    );
  }
  return { arn: table.TableArn ?? '', status: table.TableStatus ?? '' };
}

async function create({ session, project, environment }: LockTableOptions): Promise<void> {
  const Tags = Object.entries(commonTags(project, environment.name)).map(([Key, Value]) => ({ Key, Value }));
  // ResourceInUseException: another `bootstrap` was faster.
  await callAwsOrAbsent(session, 'dynamodb:CreateTable', ['ResourceInUseException'], async () => {
    const { CreateTableCommand } = await import('@aws-sdk/client-dynamodb');
    return (await session.dynamodb()).send(
      new CreateTableCommand({
        TableName: environment.lockTable,
        BillingMode: 'PAY_PER_REQUEST',
        AttributeDefinitions: [{ AttributeName: 'LockID', AttributeType: 'S' }],
        KeySchema: [{ AttributeName: 'LockID', KeyType: 'HASH' }],
        Tags,
      }),
    );
  });
}

async function waitUntilActive(options: LockTableOptions): Promise<TableView> {
  const { environment, clock } = options;
  for (let waitedMs = 0; waitedMs <= TABLE_READY_TIMEOUT_MS; waitedMs += TABLE_POLL_MS) {
    const table = await describe(options);
    if (isUsable(table)) return table;
    await clock.sleep(TABLE_POLL_MS);
  }
  throw new TowpathError(
    'AWS_CALL_FAILED',
    `Table ${environment.lockTable} is not ACTIVE after ${TABLE_READY_TIMEOUT_MS / 1000} s`,
    {
      hint: `towpath bootstrap ${environment.name}`,
    },
  );
}

/** For some seconds after a table is ACTIVE, AWS is still setting up backups and says so. */
async function enableRecovery({ session, environment, clock }: LockTableOptions): Promise<void> {
  for (let waitedMs = 0; ; waitedMs += TABLE_POLL_MS) {
    try {
      await callAws(session, 'dynamodb:UpdateContinuousBackups', async () => {
        const { UpdateContinuousBackupsCommand } = await import('@aws-sdk/client-dynamodb');
        return (await session.dynamodb()).send(
          new UpdateContinuousBackupsCommand({
            TableName: environment.lockTable,
            PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
          }),
        );
      });
      return;
    } catch (error) {
      if (!isAwsError(error, 'ContinuousBackupsUnavailableException') || waitedMs >= TABLE_READY_TIMEOUT_MS)
        throw error;
      await clock.sleep(TABLE_POLL_MS);
    }
  }
}

async function tag({ session, project, environment }: LockTableOptions, table: TableView): Promise<void> {
  const Tags = Object.entries(commonTags(project, environment.name)).map(([Key, Value]) => ({ Key, Value }));
  await callAws(session, 'dynamodb:TagResource', async () => {
    const { TagResourceCommand } = await import('@aws-sdk/client-dynamodb');
    return (await session.dynamodb()).send(new TagResourceCommand({ ResourceArn: table.arn, Tags }));
  });
}
