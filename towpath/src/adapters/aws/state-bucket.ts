/** The state bucket of an environment: versioned, encrypted, private, TLS only, with the ledger append-only. */
import { TowpathError } from '../../domain/errors.ts';
import { commonTags } from '../../domain/names.ts';
import type { Environment, Project } from '../../domain/project.ts';
import { stateBucketLifecycle, stateBucketPolicy } from './bootstrap-documents.ts';
import { callAws, callAwsOrAbsent, isAwsError, statusOf } from './errors.ts';
import type { Session } from './session.ts';

export interface StateBucketOptions {
  readonly session: Session;
  readonly project: Project;
  readonly environment: Environment;
  /** Account that must own the bucket. */
  readonly account: () => Promise<string>;
}

type Whereabouts = 'ours' | 'absent' | 'elsewhere';

/** Whether the bucket is there and belongs to the account. A bucket that may not be looked at counts as not ours. */
export async function stateBucketExists(options: StateBucketOptions): Promise<boolean> {
  return (await findBucket(options)) === 'ours';
}

/**
 * Creates the bucket where it is missing and sets everything about it that matters, in this order:
 * private before anything can be written, then the rest.
 * @throws {TowpathError} `BUCKET_TAKEN` when somebody else owns the global name
 */
export async function ensureStateBucket(options: StateBucketOptions): Promise<'created' | 'updated'> {
  const found = await findBucket(options);
  if (found !== 'ours') await createBucket(options, found);
  await configureBucket(options);
  return found === 'ours' ? 'updated' : 'created';
}

async function findBucket({ session, environment, account }: StateBucketOptions): Promise<Whereabouts> {
  const owner = await account();
  try {
    await callAws(session, 's3:HeadBucket', async () => {
      const { HeadBucketCommand } = await import('@aws-sdk/client-s3');
      return (await session.s3()).send(
        new HeadBucketCommand({ Bucket: environment.stateBucket, ExpectedBucketOwner: owner }),
      );
    });
    return session.endpoint === undefined || (await isListed(session, environment.stateBucket))
      ? 'ours'
      : 'elsewhere';
  } catch (error) {
    const status = statusOf(error);
    if (status === 404) return 'absent';
    // 403: another owner, or no right to look; 301: another region. Creating it tells which.
    if (status === 403 || status === 301 || status === 400) return 'elsewhere';
    throw error;
  }
}

/**
 * Whether the bucket is among the account's own. Emulated S3 does not look at the expected owner; AWS does, and
 * there the right to list all buckets is not asked for.
 */
async function isListed(session: Session, bucket: string): Promise<boolean> {
  const answer = await callAws(session, 's3:ListAllMyBuckets', async () => {
    const { ListBucketsCommand } = await import('@aws-sdk/client-s3');
    return (await session.s3()).send(new ListBucketsCommand({}));
  });
  return (answer.Buckets ?? []).some(({ Name }) => Name === bucket);
}

async function createBucket({ session, environment }: StateBucketOptions, found: Whereabouts): Promise<void> {
  const { stateBucket: bucket } = environment;
  // us-east-1 is the one region that must not be named.
  const location =
    session.region === 'us-east-1'
      ? {}
      : { CreateBucketConfiguration: { LocationConstraint: session.region } };
  try {
    await callAws(session, 's3:CreateBucket', async () => {
      const { CreateBucketCommand } = await import('@aws-sdk/client-s3');
      const input = { Bucket: bucket, ObjectOwnership: 'BucketOwnerEnforced' as const, ...location };
      return (await session.s3()).send(
        new CreateBucketCommand(input as ConstructorParameters<typeof CreateBucketCommand>[0]),
      );
    });
  } catch (error) {
    if (isAwsError(error, 'BucketAlreadyExists')) throw bucketTaken(environment, error);
    if (!isAwsError(error, 'BucketAlreadyOwnedByYou')) throw error;
    if (found === 'absent') return; // Another `bootstrap` was faster.
    throw new TowpathError(
      'ACCESS_DENIED',
      `Your account owns bucket ${bucket}, but it can't be used from ${session.region} with these credentials`,
      {
        hint: `allow s3:ListBucket on it, or, when it is in another region, set another \`stateBucket\` of ${environment.name} in towpath.config.ts`,
        cause: error,
      },
    );
  }
  // In us-east-1 creating a bucket that one owns succeeds, so that this does not show a bucket we can't look at.
}

function bucketTaken(environment: Environment, cause: unknown): TowpathError {
  return new TowpathError(
    'BUCKET_TAKEN',
    `Somebody else owns the bucket name ${environment.stateBucket}; bucket names are global across all AWS accounts`,
    {
      hint: `set another \`stateBucket\` of ${environment.name} in towpath.config.ts, then towpath sync`,
      cause,
    },
  );
}

async function configureBucket({
  session,
  project,
  environment,
  account,
}: StateBucketOptions): Promise<void> {
  const s3 = await callAws(session, 's3:PutBucketPolicy', () => session.s3());
  const {
    GetBucketTaggingCommand,
    PutBucketEncryptionCommand,
    PutBucketLifecycleConfigurationCommand,
    PutBucketOwnershipControlsCommand,
    PutBucketPolicyCommand,
    PutBucketTaggingCommand,
    PutBucketVersioningCommand,
    PutPublicAccessBlockCommand,
  } = await import('@aws-sdk/client-s3');
  const target = { Bucket: environment.stateBucket, ExpectedBucketOwner: await account() };
  // One after the other: S3 answers 409 to configurations of one bucket that overlap.
  await callAws(session, 's3:PutPublicAccessBlock', () =>
    s3.send(
      new PutPublicAccessBlockCommand({
        ...target,
        PublicAccessBlockConfiguration: {
          BlockPublicAcls: true,
          BlockPublicPolicy: true,
          IgnorePublicAcls: true,
          RestrictPublicBuckets: true,
        },
      }),
    ),
  );
  await callAws(session, 's3:PutBucketOwnershipControls', () =>
    s3.send(
      new PutBucketOwnershipControlsCommand({
        ...target,
        OwnershipControls: { Rules: [{ ObjectOwnership: 'BucketOwnerEnforced' }] },
      }),
    ),
  );
  await callAws(session, 's3:PutBucketVersioning', () =>
    s3.send(new PutBucketVersioningCommand({ ...target, VersioningConfiguration: { Status: 'Enabled' } })),
  );
  await callAws(session, 's3:PutEncryptionConfiguration', () =>
    s3.send(
      new PutBucketEncryptionCommand({
        ...target,
        ServerSideEncryptionConfiguration: {
          Rules: [{ ApplyServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' } }],
        },
      }),
    ),
  );
  const statements = stateBucketPolicy(environment.stateBucket, {
    overTls: !session.endpoint?.startsWith('http:'),
  });
  await callAws(session, 's3:PutBucketPolicy', () =>
    s3.send(
      new PutBucketPolicyCommand({
        ...target,
        Policy: JSON.stringify({ Version: '2012-10-17', Statement: statements }),
      }),
    ),
  );
  await callAws(session, 's3:PutLifecycleConfiguration', () =>
    s3.send(
      new PutBucketLifecycleConfigurationCommand({
        ...target,
        LifecycleConfiguration: { Rules: stateBucketLifecycle() },
      }),
    ),
  );
  // PutBucketTagging replaces all tags: those that others put there must survive.
  const present = await callAwsOrAbsent(session, 's3:GetBucketTagging', ['NoSuchTagSet'], () =>
    s3.send(new GetBucketTaggingCommand(target)),
  );
  const tags = new Map((present?.TagSet ?? []).map(({ Key, Value }) => [Key, Value]));
  for (const [key, value] of Object.entries(commonTags(project, environment.name))) tags.set(key, value);
  const TagSet = [...tags].map(([Key, Value]) => ({ Key, Value }));
  await callAws(session, 's3:PutBucketTagging', () =>
    s3.send(new PutBucketTaggingCommand({ ...target, Tagging: { TagSet } })),
  );
}
