/**
 * The witness: sequence and hash of the newest event, kept in the environment's lock table, outside the bucket.
 * A chain alone can't tell that its newest events were taken away, or that all of it was written anew; the witness can.
 * It only moves forward, and only after its event stands, so that it may lag (a writer killed in between)
 * but never names an event that was not written. Whoever can change both bucket and table deceives it.
 */
import type { LedgerEvent } from '../../domain/ledger.ts';
import type { Environment, Project } from '../../domain/project.ts';
import { callAwsOrAbsent } from '../aws/errors.ts';
import type { Session } from '../aws/session.ts';

export interface Testimony {
  readonly sequence: number;
  readonly hash: string;
}

export interface LedgerWitness {
  /** Undefined when nothing was written yet, or there is no table. */
  read(): Promise<Testimony | undefined>;
  /** Moves to this event unless the witness is past it. */
  move(event: LedgerEvent): Promise<void>;
}

export interface LedgerWitnessOptions {
  readonly session: Session;
  readonly project: Project;
  readonly environment: Environment;
}

export function createLedgerWitness(options: LedgerWitnessOptions): LedgerWitness {
  const { session, environment } = options;
  const Key = { LockID: { S: witnessIdOf(options.project.name, environment.name) } };
  return {
    async read() {
      const answer = await callAwsOrAbsent(
        session,
        'dynamodb:GetItem',
        ['ResourceNotFoundException'],
        async () => {
          const { GetItemCommand } = await import('@aws-sdk/client-dynamodb');
          return (await session.dynamodb()).send(
            new GetItemCommand({ TableName: environment.lockTable, Key, ConsistentRead: true }),
          );
        },
      );
      const sequence = Number(answer?.Item?.lastSequence?.N);
      const hash = answer?.Item?.lastHash?.S;
      return Number.isInteger(sequence) && hash !== undefined ? { sequence, hash } : undefined;
    },
    async move({ sequence, hash }) {
      // ConditionalCheckFailedException: another writer's later event was faster.
      const expected = ['ConditionalCheckFailedException', 'ResourceNotFoundException'];
      await callAwsOrAbsent(session, 'dynamodb:UpdateItem', expected, async () => {
        const { UpdateItemCommand } = await import('@aws-sdk/client-dynamodb');
        return (await session.dynamodb()).send(
          new UpdateItemCommand({
            TableName: environment.lockTable,
            Key,
            UpdateExpression: 'SET lastSequence = :sequence, lastHash = :hash',
            ConditionExpression: 'attribute_not_exists(lastSequence) OR lastSequence < :sequence',
            ExpressionAttributeValues: { ':sequence': { N: String(sequence) }, ':hash': { S: hash } },
          }),
        );
      });
    },
  };
}

/** Beside the lock's own key, which ends with the environment. */
export function witnessIdOf(project: string, environment: string): string {
  return `towpath/${project}/${environment}/ledger`;
}
