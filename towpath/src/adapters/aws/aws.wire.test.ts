/** What only AWS has: settings of the bucket, tags, policies, regions, Terraform's locks, a service. Against moto. */
import { createHash } from 'node:crypto';
import {
  CreateTableCommand,
  DescribeContinuousBackupsCommand,
  GetItemCommand,
  ListTagsOfResourceCommand,
  PutItemCommand,
} from '@aws-sdk/client-dynamodb';
import {
  DescribeRepositoriesCommand,
  GetLifecyclePolicyCommand,
  GetRepositoryPolicyCommand,
  ListTagsForResourceCommand as ListEcrTags,
  SetRepositoryPolicyCommand,
} from '@aws-sdk/client-ecr';
import * as s3 from '@aws-sdk/client-s3';
import { DescribeParametersCommand, ListTagsForResourceCommand } from '@aws-sdk/client-ssm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type MotoServer, startMoto } from '../../../test/contracts/moto-server.ts';
import { createMemoryClock } from '../../../test/fakes/memory-clock.ts';
import { createMemoryRandom } from '../../../test/fakes/memory-random.ts';
import { sampleEnvironment, sampleProject } from '../../../test/fakes/sample-project.ts';
import { Secret } from '../../domain/secret.ts';
import { createS3Ledger } from '../ledger/s3-ledger.ts';
import { createBootstrap } from './bootstrap.ts';
import { createIdentity } from './identity.ts';
import { createLock } from './lock.ts';
import { createSecrets } from './secrets.ts';
import { createSession, type Session } from './session.ts';
import { createStateLockReader } from './state-lock.ts';

const TAGS = {
  Environment: 'test',
  Project: 'shop-tags',
  Owner: 'shop-team',
  CreatedBy: 'terraform',
  ManagedBy: 'terraform',
  Application: 'web',
};

let moto: MotoServer;
let session: Session;

beforeAll(async () => {
  moto = await startMoto();
  session = createSession({
    region: 'us-east-1',
    endpoint: moto.endpoint,
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  });
});

afterAll(async () => {
  session?.close();
  await moto?.stop();
});

function partsOf(name: string, account?: string) {
  const environment = sampleEnvironment('test', 0, `-${name}`);
  const other = { ...sampleEnvironment('prod', 1, `-${name}`), account };
  const project = sampleProject([environment, other], `shop-${name}`);
  const notifier = { notify() {} };
  const parts = { session, environment, project, clock: createMemoryClock(), notifier };
  return { ...parts, bootstrap: createBootstrap({ ...parts, identity: createIdentity(parts) }) };
}

const asRecord = (tags: readonly { Key?: string | undefined; Value?: string | undefined }[] | undefined) =>
  Object.fromEntries((tags ?? []).map(({ Key, Value }) => [Key, Value]));

describe('the state bucket', () => {
  it('is private, versioned, encrypted and tagged, and keeps tags of others', async () => {
    const { bootstrap, environment } = partsOf('tags');
    const client = await session.s3();
    const Bucket = environment.stateBucket;
    await bootstrap.ensureStateBucket();
    const TagSet = [
      { Key: 'CostCenter', Value: '42' },
      { Key: 'Owner', Value: 'nobody' },
    ];
    await client.send(new s3.PutBucketTaggingCommand({ Bucket, Tagging: { TagSet } }));
    await bootstrap.ensureStateBucket();
    const [access, versioning, encryption, ownership, tags] = await Promise.all([
      client.send(new s3.GetPublicAccessBlockCommand({ Bucket })),
      client.send(new s3.GetBucketVersioningCommand({ Bucket })),
      client.send(new s3.GetBucketEncryptionCommand({ Bucket })),
      client.send(new s3.GetBucketOwnershipControlsCommand({ Bucket })),
      client.send(new s3.GetBucketTaggingCommand({ Bucket })),
    ]);
    expect(Object.values(access.PublicAccessBlockConfiguration ?? {})).toEqual([true, true, true, true]);
    expect(versioning.Status).toBe('Enabled');
    expect(
      encryption.ServerSideEncryptionConfiguration?.Rules?.[0]?.ApplyServerSideEncryptionByDefault
        ?.SSEAlgorithm,
    ).toBe('AES256');
    expect(ownership.OwnershipControls?.Rules?.[0]?.ObjectOwnership).toBe('BucketOwnerEnforced');
    expect(asRecord(tags.TagSet)).toEqual({ ...TAGS, CostCenter: '42' });
  });

  it('expires old states and lock files, and nothing of the ledger', async () => {
    const { bootstrap, environment } = partsOf('lifecycle');
    await bootstrap.ensureStateBucket();
    const query = { Bucket: environment.stateBucket };
    const { Rules } = await (await session.s3()).send(new s3.GetBucketLifecycleConfigurationCommand(query));
    const rules = Object.fromEntries((Rules ?? []).map(({ ID, ...rule }) => [ID, rule]));
    expect(rules).toMatchObject({
      'old-states': {
        Filter: { Prefix: 'terraform.tfstate' },
        NoncurrentVersionExpiration: { NoncurrentDays: 90 },
      },
      'released-lock-files': {
        Filter: { Prefix: 'terraform.tfstate.tflock' },
        NoncurrentVersionExpiration: { NoncurrentDays: 1 },
      },
      'abandoned-uploads': { AbortIncompleteMultipartUpload: { DaysAfterInitiation: 7 } },
    });
    expect(Object.keys(rules)).toHaveLength(3);
  });

  it('lets nobody delete from the ledger, and everything else be deleted', async () => {
    const { bootstrap, environment, ...parts } = partsOf('append-only');
    await bootstrap.ensureStateBucket();
    const ledger = createS3Ledger({
      ...parts,
      environment,
      random: createMemoryRandom(),
      identity: async () => 'arn:a',
    });
    await ledger.append(undefined, { type: 'environment.destroyed' });
    const client = await session.s3();
    const Bucket = environment.stateBucket;
    const deletion = client.send(new s3.DeleteObjectCommand({ Bucket, Key: 'ledger/00000001.json' }));
    await expect(deletion).rejects.toMatchObject({ $metadata: { httpStatusCode: 403 } });
    expect(await ledger.load()).toHaveLength(1);
    await client.send(new s3.PutObjectCommand({ Bucket, Key: 'terraform.tfstate', Body: '{}' }));
    await client.send(new s3.DeleteObjectCommand({ Bucket, Key: 'terraform.tfstate' }));
  });

  it('is made in the region of the session', async () => {
    const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
    const elsewhere = createSession({ region: 'eu-west-1', endpoint: moto.endpoint, credentials });
    const parts = { ...partsOf('region'), session: elsewhere };
    await createBootstrap({ ...parts, identity: createIdentity(parts) }).ensureStateBucket();
    const query = { Bucket: parts.environment.stateBucket };
    const { LocationConstraint } = await (await elsewhere.s3()).send(new s3.GetBucketLocationCommand(query));
    elsewhere.close();
    expect(LocationConstraint).toBe('eu-west-1');
  });
});

describe('the lock table', () => {
  it('can be restored to any second, and is tagged', async () => {
    const { bootstrap, environment } = partsOf('tags');
    await bootstrap.ensureLockTable();
    const client = await session.dynamodb();
    const TableName = environment.lockTable;
    const backups = await client.send(new DescribeContinuousBackupsCommand({ TableName }));
    expect(
      backups.ContinuousBackupsDescription?.PointInTimeRecoveryDescription?.PointInTimeRecoveryStatus,
    ).toBe('ENABLED');
    const ResourceArn = `arn:aws:dynamodb:us-east-1:123456789012:table/${TableName}`;
    expect(asRecord((await client.send(new ListTagsOfResourceCommand({ ResourceArn }))).Tags)).toEqual(TAGS);
  });
});

describe('the repository', () => {
  const statementsOf = async (repositoryName: string) => {
    const { policyText = '{}' } = await (await session.ecr()).send(
      new GetRepositoryPolicyCommand({ repositoryName }),
    );
    return (JSON.parse(policyText) as { Statement: { Sid: string; Principal: unknown }[] }).Statement;
  };

  it('has immutable tags, is scanned, expires what is no release, and is tagged', async () => {
    const { bootstrap, project } = partsOf('tags');
    await bootstrap.ensureRepository();
    const client = await session.ecr();
    const repositoryName = project.repository;
    const { repositories } = await client.send(
      new DescribeRepositoriesCommand({ repositoryNames: [repositoryName] }),
    );
    expect(repositories?.[0]).toMatchObject({
      imageTagMutability: 'IMMUTABLE',
      imageScanningConfiguration: { scanOnPush: true },
    });
    const { lifecyclePolicyText = '' } = await client.send(new GetLifecyclePolicyCommand({ repositoryName }));
    expect(JSON.parse(lifecyclePolicyText).rules).toMatchObject([
      { selection: { tagStatus: 'untagged', countNumber: 14 } },
      {
        selection: {
          tagStatus: 'tagged',
          tagPrefixList: ['sha-'],
          countType: 'imageCountMoreThan',
          countNumber: 200,
        },
      },
    ]);
    const resourceArn = repositories?.[0]?.repositoryArn ?? '';
    expect(asRecord((await client.send(new ListEcrTags({ resourceArn }))).tags)).toEqual(TAGS);
  });

  it('lets the other accounts pull, and leaves alone what others put into its policy', async () => {
    const { bootstrap, project } = partsOf('pull', '111122223333');
    await bootstrap.ensureRepository();
    const repositoryName = project.repository;
    expect(await statementsOf(repositoryName)).toMatchObject([
      { Sid: 'TowpathEnvironmentsPull', Principal: { AWS: ['arn:aws:iam::111122223333:root'] } },
    ]);
    const foreign = { Sid: 'Scanner', Effect: 'Allow', Principal: '*', Action: 'ecr:DescribeImages' };
    const policyText = JSON.stringify({ Version: '2012-10-17', Statement: [foreign] });
    await (await session.ecr()).send(new SetRepositoryPolicyCommand({ repositoryName, policyText }));
    await bootstrap.ensureRepository();
    expect((await statementsOf(repositoryName)).map(({ Sid }) => Sid)).toEqual([
      'Scanner',
      'TowpathEnvironmentsPull',
    ]);
  });

  it('has no policy where all environments share the account', async () => {
    const { bootstrap, project } = partsOf('alone', '123456789012');
    await bootstrap.ensureRepository();
    await expect(statementsOf(project.repository)).rejects.toMatchObject({
      name: 'RepositoryPolicyNotFoundException',
    });
  });
});

describe('a secret', () => {
  it('is an encrypted parameter below the path of the environment, with six tags', async () => {
    const parts = partsOf('tags');
    await createSecrets(parts).set('app-secret', new Secret('x'));
    await createSecrets(parts).set('app-secret', new Secret('y'));
    const client = await session.ssm();
    const Name = '/shop-tags/test/app-secret';
    const filter = { Key: 'Name', Values: [Name] };
    const { Parameters } = await client.send(new DescribeParametersCommand({ ParameterFilters: [filter] }));
    expect(Parameters).toMatchObject([{ Name, Type: 'SecureString', Version: 2 }]);
    const query = { ResourceType: 'Parameter' as const, ResourceId: Name };
    expect(asRecord((await client.send(new ListTagsForResourceCommand(query))).TagList)).toEqual(TAGS);
  });
});

describe("Terraform's lock", () => {
  const info = {
    ID: '1b3a',
    Operation: 'OperationTypeApply',
    Who: 'ann@laptop',
    Created: '2026-01-01T00:00:00Z',
    Version: '1.11.4',
  };
  const seen = {
    id: '1b3a',
    operation: 'OperationTypeApply',
    who: 'ann@laptop',
    created: '2026-01-01T00:00:00Z',
  };

  it('is none before bootstrap, and none when nobody holds it', async () => {
    const parts = partsOf('unlocked');
    expect(await createStateLockReader(parts).read()).toBeUndefined();
    await parts.bootstrap.ensureStateBucket();
    await parts.bootstrap.ensureLockTable();
    expect(await createStateLockReader(parts).read()).toBeUndefined();
  });

  it('is read from the lock file', async () => {
    const parts = partsOf('lock-file');
    await parts.bootstrap.ensureStateBucket();
    const object = {
      Bucket: parts.environment.stateBucket,
      Key: 'terraform.tfstate.tflock',
      Body: JSON.stringify(info),
    };
    await (await session.s3()).send(new s3.PutObjectCommand(object));
    expect(await createStateLockReader(parts).read()).toEqual(seen);
  });

  it('is read from the table', async () => {
    const parts = partsOf('lock-item');
    await parts.bootstrap.ensureLockTable();
    const LockID = { S: `${parts.environment.stateBucket}/terraform.tfstate` };
    const item = {
      TableName: parts.environment.lockTable,
      Item: { LockID, Info: { S: JSON.stringify(info) } },
    };
    await (await session.dynamodb()).send(new PutItemCommand(item));
    expect(await createStateLockReader(parts).read()).toEqual(seen);
  });

  it('leaves a checksum that is mended when it is behind the state, and only then', async () => {
    const parts = partsOf('checksum');
    await parts.bootstrap.ensureStateBucket();
    await parts.bootstrap.ensureLockTable();
    const reader = createStateLockReader(parts);
    expect(await reader.mendChecksum()).toBe(false);
    const { stateBucket: Bucket, lockTable: TableName } = parts.environment;
    await (await session.s3()).send(
      new s3.PutObjectCommand({ Bucket, Key: 'terraform.tfstate', Body: 'the state' }),
    );
    const LockID = { S: `${Bucket}/terraform.tfstate-md5` };
    const Item = { LockID, Digest: { S: createHash('md5').update('the state before').digest('hex') } };
    const table = await session.dynamodb();
    await table.send(new PutItemCommand({ TableName, Item }));
    expect(await reader.mendChecksum()).toBe(true);
    const { Item: mended } = await table.send(new GetItemCommand({ TableName, Key: { LockID } }));
    expect(mended?.Digest?.S).toBe(createHash('md5').update('the state').digest('hex'));
    expect(await reader.mendChecksum()).toBe(false);
  });

  it("is another than Towpath's own", async () => {
    const parts = partsOf('both-locks');
    await parts.bootstrap.ensureLockTable();
    const lock = createLock({ ...parts, random: createMemoryRandom(), identity: async () => 'arn:a' });
    const held = await lock.acquire('deploy');
    expect(await createStateLockReader(parts).read()).toBeUndefined();
    await held.release();
  });
});

describe('before bootstrap', () => {
  it('ledger and lock say what to do', async () => {
    const parts = { ...partsOf('nothing'), random: createMemoryRandom(), identity: async () => 'arn:a' };
    const failure = { code: 'NOT_BOOTSTRAPPED', hint: 'towpath bootstrap test' };
    await expect(createS3Ledger(parts).load()).rejects.toMatchObject(failure);
    await expect(createLock(parts).acquire('deploy')).rejects.toMatchObject(failure);
  });

  it('a table that somebody else made is not taken for ours', async () => {
    const { bootstrap, environment } = partsOf('foreign-table');
    await (await session.dynamodb()).send(
      new CreateTableCommand({
        TableName: environment.lockTable,
        BillingMode: 'PAY_PER_REQUEST',
        AttributeDefinitions: [
          { AttributeName: 'LockID', AttributeType: 'S' },
          { AttributeName: 'Range', AttributeType: 'S' },
        ],
        KeySchema: [
          { AttributeName: 'LockID', KeyType: 'HASH' },
          { AttributeName: 'Range', KeyType: 'RANGE' },
        ],
      }),
    );
    const failure = { code: 'CONFIG_INVALID', message: expect.stringContaining('LockID HASH, Range RANGE') };
    await expect(bootstrap.ensureLockTable()).rejects.toMatchObject(failure);
  });
});

describe('who am I', () => {
  it('comes from STS', async () => {
    const identity = createIdentity({ session, environment: sampleEnvironment('test', 0) });
    expect(await identity.whoami()).toMatchObject({
      kind: 'local',
      account: '123456789012',
      region: 'us-east-1',
      identity: expect.stringMatching(/^arn:aws:(?:sts|iam)::123456789012:/),
      endpoint: moto.endpoint,
    });
  });
});
