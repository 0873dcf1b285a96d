/** What the registry asks moto about a repository: does it exist, may its tags move. */
import type { ControlPlane } from '../contract.ts';

export interface RepositoryFacts {
  readonly registryId: string;
  readonly repositoryName: string;
  readonly repositoryArn: string;
  readonly tagsImmutable: boolean;
}

interface DescribeRepositoriesAnswer {
  readonly repositories?: readonly {
    readonly registryId: string;
    readonly repositoryName: string;
    readonly repositoryArn: string;
    readonly imageTagMutability?: string;
  }[];
}

/** @throws AwsError RepositoryNotFoundException */
export async function loadRepository(
  control: ControlPlane,
  repositoryName: string,
): Promise<RepositoryFacts> {
  const answer = await control.json<DescribeRepositoriesAnswer>('ecr', 'DescribeRepositories', {
    repositoryNames: [repositoryName],
  });
  const repository = answer.repositories?.[0];
  if (repository === undefined)
    throw new Error(`DescribeRepositories answered nothing for ${repositoryName}`);
  return {
    registryId: repository.registryId,
    repositoryName: repository.repositoryName,
    repositoryArn: repository.repositoryArn,
    tagsImmutable: (repository.imageTagMutability ?? 'MUTABLE').startsWith('IMMUTABLE'),
  };
}
