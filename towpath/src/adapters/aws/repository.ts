/** The project's one ECR repository: immutable tags, scanned on push, with pull rights for the other accounts. */
import { TowpathError } from '../../domain/errors.ts';
import { commonTags } from '../../domain/names.ts';
import type { Environment, Project } from '../../domain/project.ts';
import {
  type PolicyStatement,
  PULL_SID,
  repositoryLifecycle,
  repositoryPullStatement,
} from './bootstrap-documents.ts';
import { callAws, callAwsOrAbsent } from './errors.ts';
import type { Session } from './session.ts';

export interface RepositoryOptions {
  readonly session: Session;
  readonly project: Project;
  readonly environment: Environment;
  /** Account that owns the repository. */
  readonly account: () => Promise<string>;
}

export async function ensureRepository(options: RepositoryOptions): Promise<'created' | 'updated'> {
  const { session, project, environment } = options;
  const repositoryName = project.repository;
  const tags = Object.entries(commonTags(project, environment.name)).map(([Key, Value]) => ({ Key, Value }));
  const ecr = await callAws(session, 'ecr:CreateRepository', () => session.ecr());
  const sdk = await import('@aws-sdk/client-ecr');
  const created = await callAwsOrAbsent(
    session,
    'ecr:CreateRepository',
    ['RepositoryAlreadyExistsException'],
    () =>
      ecr.send(
        new sdk.CreateRepositoryCommand({
          repositoryName,
          imageTagMutability: 'IMMUTABLE',
          imageScanningConfiguration: { scanOnPush: true },
          tags,
        }),
      ),
  );
  if (created === undefined) await updateRepository(options, tags);
  await callAws(session, 'ecr:PutLifecyclePolicy', () =>
    ecr.send(
      new sdk.PutLifecyclePolicyCommand({
        repositoryName,
        lifecyclePolicyText: JSON.stringify(repositoryLifecycle()),
      }),
    ),
  );
  await ensurePullRights(options);
  return created === undefined ? 'updated' : 'created';
}

async function updateRepository(
  { session, project }: RepositoryOptions,
  tags: { Key: string; Value: string }[],
): Promise<void> {
  const repositoryName = project.repository;
  const ecr = await session.ecr();
  const sdk = await import('@aws-sdk/client-ecr');
  const described = await callAws(session, 'ecr:DescribeRepositories', () =>
    ecr.send(new sdk.DescribeRepositoriesCommand({ repositoryNames: [repositoryName] })),
  );
  const resourceArn = described.repositories?.[0]?.repositoryArn;
  await callAws(session, 'ecr:PutImageTagMutability', () =>
    ecr.send(new sdk.PutImageTagMutabilityCommand({ repositoryName, imageTagMutability: 'IMMUTABLE' })),
  );
  await callAws(session, 'ecr:PutImageScanningConfiguration', () =>
    ecr.send(
      new sdk.PutImageScanningConfigurationCommand({
        repositoryName,
        imageScanningConfiguration: { scanOnPush: true },
      }),
    ),
  );
  await callAws(session, 'ecr:TagResource', () =>
    ecr.send(new sdk.TagResourceCommand({ resourceArn, tags })),
  );
}

/** Only the statement that is ours is written or taken away; what others put into the policy stays. */
async function ensurePullRights({ session, project, account }: RepositoryOptions): Promise<void> {
  const repositoryName = project.repository;
  const owner = await account();
  const others = project.environments.flatMap((environment) =>
    environment.account === undefined || environment.account === owner ? [] : [environment.account],
  );
  const ecr = await session.ecr();
  const sdk = await import('@aws-sdk/client-ecr');
  const present = await callAwsOrAbsent(
    session,
    'ecr:GetRepositoryPolicy',
    ['RepositoryPolicyNotFoundException'],
    () => ecr.send(new sdk.GetRepositoryPolicyCommand({ repositoryName })),
  );
  const before = parseStatements(present?.policyText, repositoryName);
  const foreign = before.filter((statement) => statement.Sid !== PULL_SID);
  const after = others.length === 0 ? foreign : [...foreign, repositoryPullStatement(others)];
  if (after.length > 0) {
    const policyText = JSON.stringify({ Version: '2012-10-17', Statement: after });
    await callAws(session, 'ecr:SetRepositoryPolicy', () =>
      ecr.send(new sdk.SetRepositoryPolicyCommand({ repositoryName, policyText })),
    );
  } else if (before.length > 0) {
    await callAws(session, 'ecr:DeleteRepositoryPolicy', () =>
      ecr.send(new sdk.DeleteRepositoryPolicyCommand({ repositoryName })),
    );
  }
}

function parseStatements(policyText: string | undefined, repositoryName: string): readonly PolicyStatement[] {
  if (policyText === undefined) return [];
  try {
    const { Statement } = JSON.parse(policyText) as { Statement?: PolicyStatement | PolicyStatement[] };
    return Statement === undefined ? [] : [Statement].flat();
  } catch (cause) {
    throw new TowpathError('AWS_CALL_FAILED', `The policy of ECR repository ${repositoryName} is not JSON`, {
      hint: 'look at it in the AWS console before Towpath changes it',
      cause,
    });
  }
}
