/** The project's images in ECR: where they live, whether one is there, and how one gets there. */
import type { Project } from '../../domain/project.ts';
import type { Clock, ImagePort } from '../../ports.ts';
import { callAwsOrAbsent } from '../aws/errors.ts';
import type { Session } from '../aws/session.ts';
import type { ImageBuilder } from './image-builder.ts';
import { requestRegistryAccess } from './registry-access.ts';

export interface ImagesOptions {
  readonly session: Session;
  readonly project: Project;
  /** The project's root folder. */
  readonly root: string;
  readonly clock: Clock;
  /** `bundle` needs no container engine and makes images for the embedded AWS; AWS needs `engine`. */
  readonly builder: 'bundle' | 'engine' | ImageBuilder;
}

export function createImages(options: ImagesOptions): ImagePort {
  const { session, project, root } = options;
  const repositoryName = project.repository;
  const registry = registryOf(session, project);

  async function findImage(
    imageId: { imageDigest: string } | { imageTag: string },
  ): Promise<string | undefined> {
    const absent = ['ImageNotFoundException', 'RepositoryNotFoundException'];
    const answer = await callAwsOrAbsent(session, 'ecr:DescribeImages', absent, async () => {
      const { DescribeImagesCommand } = await import('@aws-sdk/client-ecr');
      return (await session.ecr()).send(
        new DescribeImagesCommand({ ...registry, repositoryName, imageIds: [imageId] }),
      );
    });
    return answer?.imageDetails?.[0]?.imageDigest;
  }

  return {
    async repositoryUri() {
      const answer = await callAwsOrAbsent(
        session,
        'ecr:DescribeRepositories',
        ['RepositoryNotFoundException'],
        async () => {
          const { DescribeRepositoriesCommand } = await import('@aws-sdk/client-ecr');
          return (await session.ecr()).send(
            new DescribeRepositoriesCommand({ ...registry, repositoryNames: [repositoryName] }),
          );
        },
      );
      return answer?.repositories?.[0]?.repositoryUri;
    },
    build: async (service) =>
      (await chooseBuilder(options)).build(service, {
        root,
        repository: repositoryName,
        firstEnvironment: project.environments[0]?.name ?? '',
        access: () => requestRegistryAccess(session),
        digestOfTag: (imageTag) => findImage({ imageTag }),
      }),
    exists: async (digest) => (await findImage({ imageDigest: digest })) !== undefined,
  };
}

/** The repository lives in the first environment's account; an embedded AWS has one account only. */
function registryOf(session: Session, project: Project): { readonly registryId?: string } {
  const account = project.environments[0]?.account;
  return session.endpoint === undefined && account !== undefined ? { registryId: account } : {};
}

async function chooseBuilder({ builder, clock }: ImagesOptions): Promise<ImageBuilder> {
  if (builder === 'bundle') return (await import('./bundle-builder.ts')).createBundleBuilder({ clock });
  if (builder === 'engine') return (await import('./engine-builder.ts')).createEngineBuilder();
  return builder;
}
