/** The port contracts on the adapters for AWS, against moto. */
import {
  CreateTableCommand,
  DeleteTableCommand,
  type DynamoDBClient,
  PutItemCommand,
} from '@aws-sdk/client-dynamodb';
import { CreateBucketCommand, DeleteObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { AssumeRoleCommand, STSClient } from '@aws-sdk/client-sts';
import { afterAll, beforeAll, describe } from 'vitest';
import { createBootstrap } from '../../src/adapters/aws/bootstrap.ts';
import { createIdentity } from '../../src/adapters/aws/identity.ts';
import { createLock } from '../../src/adapters/aws/lock.ts';
import { lockIdOf } from '../../src/adapters/aws/lock-record.ts';
import { createSecrets } from '../../src/adapters/aws/secrets.ts';
import { createSession, type Session } from '../../src/adapters/aws/session.ts';
import { createS3Ledger } from '../../src/adapters/ledger/s3-ledger.ts';
import { createMemoryClock } from '../fakes/memory-clock.ts';
import { createMemoryRandom } from '../fakes/memory-random.ts';
import { sampleEnvironment, sampleProject } from '../fakes/sample-project.ts';
import { bootstrapContract } from './bootstrap-contract.ts';
import { ledgerContract } from './ledger-contract.ts';
import { lockContract, RENEW_EVERY_MS, STALE_AFTER_MS } from './lock-contract.ts';
import { type MotoServer, startMoto } from './moto-server.ts';
import { secretsContract } from './secrets-contract.ts';

const REGION = 'us-east-1';
const KEYS = { accessKeyId: 'test', secretAccessKey: 'test' };
/** moto answers one request at a time, and 64 racing writers make thousands. */
const RACE_TIMEOUT_MS = 120_000;

let moto: MotoServer;
let session: Session;
let count = 0;

beforeAll(async () => {
  moto = await startMoto();
  session = createSession({ region: REGION, endpoint: moto.endpoint, credentials: KEYS });
});

afterAll(async () => {
  session?.close();
  await moto?.stop();
});

/** Names of their own for every test: all of them share one moto. */
function fresh() {
  count += 1;
  const environment = sampleEnvironment('test', 0, `-${count}`);
  return {
    session,
    environment,
    project: sampleProject([environment], `shop-${count}`),
    clock: createMemoryClock(),
    notifier: { notify() {} },
  };
}

async function makeTable(TableName: string, key: string): Promise<DynamoDBClient> {
  const dynamodb = await session.dynamodb();
  await dynamodb.send(
    new CreateTableCommand({
      TableName,
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: [{ AttributeName: key, AttributeType: 'S' }],
      KeySchema: [{ AttributeName: key, KeyType: 'HASH' }],
    }),
  );
  return dynamodb;
}

describe('ledger in S3', () =>
  ledgerContract({
    timeoutMs: RACE_TIMEOUT_MS,
    maxBackoffMs: 3_000,
    open: async () => {
      const parts = fresh();
      const s3 = await session.s3();
      const Bucket = parts.environment.stateBucket;
      await s3.send(new CreateBucketCommand({ Bucket }));
      const random = createMemoryRandom();
      return {
        writer: (actor) => createS3Ledger({ ...parts, random, identity: async () => actor }),
        tamper: async (sequence, event) => {
          const Key = `ledger/0000000${sequence}.json`;
          if (event === undefined) await s3.send(new DeleteObjectCommand({ Bucket, Key }));
          else await s3.send(new PutObjectCommand({ Bucket, Key, Body: JSON.stringify(event) }));
        },
      };
    },
  }));

describe('lock in DynamoDB', () =>
  lockContract(async () => {
    const parts = fresh();
    const dynamodb = await makeTable(parts.environment.lockTable, 'LockID');
    const random = createMemoryRandom();
    const pace = { renewEveryMs: RENEW_EVERY_MS, staleAfterMs: STALE_AFTER_MS };
    const shared = { ...parts, random, ...pace };
    return {
      contender: (actor) => createLock({ ...shared, identity: async () => actor }),
      plant: async ({ pid, ...texts }) => {
        const attributes = Object.entries(texts).map(([name, value]) => [name, { S: value }]);
        const Item = {
          LockID: { S: lockIdOf(parts.project.name, 'test') },
          pid: { N: String(pid) },
          ...Object.fromEntries(attributes),
        };
        await dynamodb.send(new PutItemCommand({ TableName: parts.environment.lockTable, Item }));
      },
      cutOff: async () => {
        await dynamodb.send(new DeleteTableCommand({ TableName: parts.environment.lockTable }));
      },
      ago: (ms) => new Date(parts.clock.now().getTime() - ms).toISOString(),
    };
  }));

describe('secrets in the Parameter Store', () => secretsContract(async () => createSecrets(fresh())));

describe('bootstrap on AWS', () =>
  bootstrapContract(async () => {
    const parts = fresh();
    const { environment } = parts;
    return {
      bootstrap: createBootstrap({ ...parts, identity: createIdentity(parts) }),
      takeBucketName: async () => {
        const elsewhere = await otherAccount();
        await elsewhere.send(new CreateBucketCommand({ Bucket: environment.stateBucket }));
        elsewhere.destroy();
      },
      makeForeignTable: async () => {
        await makeTable(environment.lockTable, 'Id');
      },
    };
  }));

/** S3 as another account sees it. */
async function otherAccount(): Promise<S3Client> {
  const settings = { region: REGION, endpoint: moto.endpoint };
  const sts = new STSClient({ ...settings, credentials: KEYS });
  const RoleArn = 'arn:aws:iam::210987654321:role/somebody-else';
  const { Credentials } = await sts.send(new AssumeRoleCommand({ RoleArn, RoleSessionName: 'somebody' }));
  sts.destroy();
  const { AccessKeyId = '', SecretAccessKey = '', SessionToken = '' } = Credentials ?? {};
  const credentials = {
    accessKeyId: AccessKeyId,
    secretAccessKey: SecretAccessKey,
    sessionToken: SessionToken,
  };
  return new S3Client({ ...settings, credentials, forcePathStyle: true });
}
