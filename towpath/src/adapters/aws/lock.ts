/**
 * Towpath's lock on an environment: one item in the environment's lock table, renewed while held.
 * A holder that stopped renewing is not pushed aside: a person decides with `towpath unlock`.
 */
import { hostname } from 'node:os';
import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { TowpathError } from '../../domain/errors.ts';
import type { Environment, Project } from '../../domain/project.ts';
import type { Clock, HeldLock, LockInfo, LockPort, Random } from '../../ports.ts';
import { isAlive, processStartTime } from '../process/process-identity.ts';
import { callAws, isAwsError } from './errors.ts';
import { judgeLiveness, type LockRecord, lockHeldError, lockIdOf } from './lock-record.ts';
import { holdLock } from './lock-renewal.ts';
import type { Session } from './session.ts';

/** Attempts when the lock is freed between finding it held and asking by whom. */
const ACQUIRE_ATTEMPTS = 3;

export interface LockOptions {
  readonly session: Session;
  readonly project: Project;
  readonly environment: Environment;
  readonly clock: Clock;
  readonly random: Random;
  /** STS ARN of the caller. */
  readonly identity: () => Promise<string>;
  /** Milliseconds between renewals; 10 s when left out. */
  readonly renewEveryMs?: number;
  /** Milliseconds without a renewal after which the lock counts as lost; a minute when left out. */
  readonly staleAfterMs?: number;
}

export function createLock(options: LockOptions): LockPort {
  const { environment } = options;
  return {
    async acquire(operation) {
      const record = await newRecord(options, operation);
      for (let attempt = 1; attempt <= ACQUIRE_ATTEMPTS; attempt += 1) {
        if (await putIfFree(options, record)) return hold(options, record);
        const holder = await read(options);
        // A call that was repeated after its answer got lost finds its own item.
        if (holder?.id === record.id) return hold(options, record);
        if (holder !== undefined) {
          const liveness = livenessOf(options, holder);
          throw lockHeldError(environment.name, holder, liveness, options.clock.now());
        }
      }
      throw new TowpathError(
        'LOCK_HELD',
        `The lock of ${environment.name} changes hands faster than it can be taken`,
        {
          hint: 'run the same command again',
        },
      );
    },
    async inspect() {
      const holder = await read(options);
      return holder === undefined
        ? undefined
        : { holder: infoOf(holder), liveness: livenessOf(options, holder) };
    },
    break: (id) => deleteIfHeld(options, id),
  };
}

async function newRecord({ clock, random, identity }: LockOptions, operation: string): Promise<LockRecord> {
  const now = clock.now().toISOString();
  return {
    id: random.id(),
    operation,
    actor: await identity(),
    host: hostname(),
    pid: process.pid,
    processStart: processStartTime(process.pid) ?? '',
    since: now,
    renewedAt: now,
  };
}

function hold(options: LockOptions, record: LockRecord): HeldLock {
  return holdLock({
    ...options,
    info: infoOf(record),
    environment: options.environment.name,
    renew: () => renew(options, record.id),
    free: () => deleteIfHeld(options, record.id),
  });
}

async function putIfFree(options: LockOptions, record: LockRecord): Promise<boolean> {
  const { session, environment } = options;
  return conditional(options, 'dynamodb:PutItem', async () => {
    const { PutItemCommand } = await import('@aws-sdk/client-dynamodb');
    return (await session.dynamodb()).send(
      new PutItemCommand({
        TableName: environment.lockTable,
        Item: { ...keyOf(options), ...attributesOf(record) },
        ConditionExpression: 'attribute_not_exists(LockID)',
      }),
    );
  });
}

async function renew(options: LockOptions, id: string): Promise<boolean> {
  const { session, environment, clock } = options;
  return conditional(options, 'dynamodb:UpdateItem', async () => {
    const { UpdateItemCommand } = await import('@aws-sdk/client-dynamodb');
    return (await session.dynamodb()).send(
      new UpdateItemCommand({
        TableName: environment.lockTable,
        Key: keyOf(options),
        UpdateExpression: 'SET renewedAt = :now',
        ConditionExpression: 'id = :id',
        ExpressionAttributeValues: { ':now': { S: clock.now().toISOString() }, ':id': { S: id } },
      }),
    );
  });
}

async function deleteIfHeld(options: LockOptions, id: string): Promise<void> {
  const { session, environment } = options;
  await conditional(options, 'dynamodb:DeleteItem', async () => {
    const { DeleteItemCommand } = await import('@aws-sdk/client-dynamodb');
    return (await session.dynamodb()).send(
      new DeleteItemCommand({
        TableName: environment.lockTable,
        Key: keyOf(options),
        ConditionExpression: 'id = :id',
        ExpressionAttributeValues: { ':id': { S: id } },
      }),
    );
  });
}

async function read(options: LockOptions): Promise<LockRecord | undefined> {
  const { session, environment } = options;
  const answer = await onTable(options, 'dynamodb:GetItem', async () => {
    const { GetItemCommand } = await import('@aws-sdk/client-dynamodb');
    return (await session.dynamodb()).send(
      new GetItemCommand({ TableName: environment.lockTable, Key: keyOf(options), ConsistentRead: true }),
    );
  });
  return answer.Item === undefined ? undefined : recordOf(answer.Item);
}

/** Whether the write's condition held. */
async function conditional(
  options: LockOptions,
  operation: string,
  send: () => Promise<unknown>,
): Promise<boolean> {
  try {
    await onTable(options, operation, send);
    return true;
  } catch (error) {
    if (isAwsError(error, 'ConditionalCheckFailedException')) return false;
    throw error;
  }
}

async function onTable<T>(
  { session, environment }: LockOptions,
  operation: string,
  send: () => Promise<T>,
): Promise<T> {
  try {
    return await callAws(session, operation, send);
  } catch (error) {
    if (!isAwsError(error, 'ResourceNotFoundException')) throw error;
    throw new TowpathError(
      'NOT_BOOTSTRAPPED',
      `The lock table ${environment.lockTable} of ${environment.name} does not exist`,
      {
        hint: `towpath bootstrap ${environment.name}`,
        cause: error,
      },
    );
  }
}

function livenessOf({ clock }: LockOptions, holder: LockRecord): 'alive' | 'dead' | 'unknown' {
  const here = holder.host === hostname();
  return judgeLiveness(holder, {
    now: clock.now(),
    processAlive: here ? isAlive(holder.pid, holder.processStart || undefined) : undefined,
  });
}

function keyOf({ project, environment }: LockOptions): { LockID: { S: string } } {
  return { LockID: { S: lockIdOf(project.name, environment.name) } };
}

function attributesOf(record: LockRecord): Record<string, AttributeValue> {
  const { pid, ...texts } = record;
  const attributes: Record<string, AttributeValue> = { pid: { N: String(pid) } };
  for (const [name, value] of Object.entries(texts)) attributes[name] = { S: value };
  return attributes;
}

function recordOf(item: Readonly<Record<string, AttributeValue>>): LockRecord {
  const text = (name: string): string => item[name]?.S ?? 'unknown';
  return {
    id: text('id'),
    operation: text('operation'),
    actor: text('actor'),
    host: text('host'),
    pid: Number(item.pid?.N ?? 0),
    processStart: item.processStart?.S ?? '',
    since: text('since'),
    renewedAt: text('renewedAt'),
  };
}

function infoOf({ processStart: _, ...info }: LockRecord): LockInfo {
  return info;
}
