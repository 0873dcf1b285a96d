/** Builds the image from the source, pushes it, and names the release. */
import { TowpathError } from '../domain/errors.ts';
import type { Environment } from '../domain/project.ts';
import { hashTree, imageReference, makeRelease, type Release } from '../domain/release.ts';
import type { Cloud, Ports } from '../ports.ts';
import { ensureBootstrapped } from './bootstrap.ts';
import { enter } from './select-environment.ts';
import { stage } from './stage.ts';

export interface BuiltRelease {
  readonly release: Release;
  /** Full image reference by digest. */
  readonly image: string;
}

/** Builds for the project's repository, which lives in the first environment's account. */
export async function build(ports: Ports): Promise<BuiltRelease> {
  const [first] = ports.project.environments;
  if (!first) throw new Error('a project has at least one environment');
  const { environment, cloud } = await enter(ports, first.name);
  if (!(await cloud.bootstrap.exists())) await ensureBootstrapped(ports, cloud);
  const built = await buildRelease(ports, environment, cloud);
  ports.notifier.notify({ type: 'release', ...built });
  return built;
}

export async function buildRelease(
  ports: Ports,
  environment: Environment,
  cloud: Cloud,
): Promise<BuiltRelease> {
  return stage(
    ports,
    'build',
    async () => {
      const [{ digest }, tree, sourceCommit, repositoryUri] = await Promise.all([
        cloud.images.build(environment.service),
        ports.workspace.terraformTree(),
        ports.workspace.sourceCommit(),
        cloud.images.repositoryUri(),
      ]);
      if (repositoryUri === undefined) {
        throw new TowpathError(
          'NOT_BOOTSTRAPPED',
          `The image repository ${ports.project.repository} does not exist.`,
          {
            hint: `towpath bootstrap ${environment.name}`,
          },
        );
      }
      const release = makeRelease({ imageDigest: digest, terraformHash: hashTree(tree), sourceCommit });
      return { release, image: imageReference(repositoryUri, digest) };
    },
    ({ release }) => release.id,
  );
}
