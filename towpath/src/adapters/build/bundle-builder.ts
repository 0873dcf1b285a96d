/**
 * Builds without a container engine: the service's own build command, its production files as one layer, and
 * the final stage of its Dockerfile for how to run them. There is no base image in the result: it runs where
 * the computer brings the interpreter along (the embedded AWS), not on Fargate.
 */
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { TowpathError } from '../../domain/errors.ts';
import type { ServiceConfig } from '../../domain/project.ts';
import type { Clock } from '../../ports.ts';
import { buildFailure, runBuildCommand } from './build-command.ts';
import { BundleError, packLayer } from './bundle-layer.ts';
import type { ImageBuilder } from './image-builder.ts';
import { type ContainerConfig, readImageConfig } from './image-config.ts';
import { makeOciImage, type OciImage } from './oci-image.ts';
import { createRegistryClient } from './registry-client.ts';

export function createBundleBuilder(options: { readonly clock: Clock }): ImageBuilder {
  return {
    async build(service, { root, repository, firstEnvironment, access }) {
      const [image, login] = await Promise.all([buildBundleImage(service, root), access()]);
      const registry = createRegistryClient({
        access: login,
        repository,
        firstEnvironment,
        clock: options.clock,
      });
      return { digest: image.manifest.digest, pushed: await registry.push(image) };
    },
  };
}

/** The image in memory; nothing is written to disk but by the build command itself. */
export async function buildBundleImage(service: ServiceConfig, root: string): Promise<OciImage> {
  const config = await loadImageConfig(resolve(root, service.dockerfile));
  const source = resolve(root, service.source);
  const [command, ...args] = service.bundle.command;
  if (command !== undefined) {
    const run = { command, args, cwd: source };
    const failure = buildFailure(run, await runBuildCommand(run));
    if (failure !== undefined) throw failure;
  }
  try {
    return makeOciImage(config, await packLayer(source, service.bundle.files, config.WorkingDir));
  } catch (error) {
    if (!(error instanceof BundleError)) throw error;
    throw new TowpathError(
      'BUILD_FAILED',
      `The files of ${service.source} can't be packed: ${error.message}`,
      {
        hint: 'check `service.bundle` in towpath.config.ts: its command must make its files',
        cause: error,
      },
    );
  }
}

async function loadImageConfig(dockerfile: string): Promise<ContainerConfig> {
  try {
    const config = await readImageConfig(await readFile(dockerfile, 'utf8'));
    if (config.Cmd === undefined && config.Entrypoint === undefined) {
      throw new Error('its final stage has neither CMD nor ENTRYPOINT');
    }
    return config;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new TowpathError('BUILD_FAILED', `${dockerfile} says not how to run the image: ${reason}`, {
      hint: 'set `service.dockerfile` in towpath.config.ts, and a CMD in its final stage',
      cause: error,
    });
  }
}
