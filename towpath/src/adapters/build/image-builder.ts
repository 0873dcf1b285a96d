/** What the two ways to build an image have in common: what they get, and what they answer. */
import type { ServiceConfig } from '../../domain/project.ts';
import type { RegistryAccess } from './registry-access.ts';

export interface ImageBuilder {
  /** Builds the image and sees to it that the registry has it. */
  build(service: ServiceConfig, target: PushTarget): Promise<BuiltImage>;
}

export interface PushTarget {
  /** The project's root; paths of a service are relative to it. */
  readonly root: string;
  /** Name of the repository. */
  readonly repository: string;
  /** The environment whose bootstrap makes the repository. */
  readonly firstEnvironment: string;
  /** Address and login of the registry, asked for when the image is built and no sooner. */
  readonly access: () => Promise<RegistryAccess>;
  /** Digest that a tag stands for in the repository. */
  readonly digestOfTag: (tag: string) => Promise<string | undefined>;
}

export interface BuiltImage {
  /** `sha256:<64 hex>` of the manifest. */
  readonly digest: string;
  /** False when the registry had it already. */
  readonly pushed: boolean;
}
