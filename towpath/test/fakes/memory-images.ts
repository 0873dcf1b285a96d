/** Images in memory: a build gives the digest that the test chose, the repository is there after bootstrap. */
import { TowpathError } from '../../src/domain/errors.ts';
import type { ImagePort } from '../../src/ports.ts';
import type { BootstrapStore } from './memory-bootstrap.ts';
import { sampleDigest } from './sample-snapshot.ts';

export const REPOSITORY_URI = '123456789012.dkr.ecr.us-east-1.amazonaws.com/shop';

/** The source, as far as a build can tell: one for all environments. */
export interface ImageSource {
  digest: string;
  /** Thrown by every build. */
  broken: TowpathError | undefined;
  readonly pushed: Set<string>;
}

export function createImageSource(): ImageSource {
  return { digest: sampleDigest('a'), broken: undefined, pushed: new Set() };
}

/** @param repository the bootstrap of the first environment, which owns the repository */
export function createMemoryImages(
  source: ImageSource,
  repository: BootstrapStore,
  journal: string[],
): ImagePort {
  return {
    async repositoryUri() {
      return repository.repository === 'ours' ? REPOSITORY_URI : undefined;
    },
    async build() {
      journal.push('build');
      if (source.broken) throw source.broken;
      if (repository.repository !== 'ours')
        throw new TowpathError('NOT_BOOTSTRAPPED', 'The image repository shop does not exist.');
      const pushed = !source.pushed.has(source.digest);
      source.pushed.add(source.digest);
      return { digest: source.digest, pushed };
    },
    async exists(digest) {
      return source.pushed.has(digest);
    },
  };
}
