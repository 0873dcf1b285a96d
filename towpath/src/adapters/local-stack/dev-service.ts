/** How the service runs from its source: as the configuration says, else built as its bundle and run as its image. */
import { readFile, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { TowpathError } from '../../domain/errors.ts';
import { secretVariable } from '../../domain/names.ts';
import type { Project, ServiceConfig } from '../../domain/project.ts';
import { readImageConfig } from '../build/image-config.ts';

/** As `local-stack` takes it. */
export interface DevService {
  readonly name: string;
  readonly folder: string;
  readonly port: number;
  readonly healthPath: string;
  readonly build: readonly string[] | undefined;
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly secrets: readonly string[];
}

/** @throws {TowpathError} `CONFIG_INVALID` when there is no source, or nothing says how to run it */
export async function loadDevService(project: Project, root: string): Promise<DevService> {
  const [first] = project.environments;
  if (first === undefined) throw new Error('a project has at least one environment');
  const { service } = first;
  const { dev, bundle } = service;
  const build = dev === undefined ? bundle.command : dev.build;
  const folder = resolve(root, service.source);
  const isFolder = await stat(folder).then(
    (found) => found.isDirectory(),
    () => false,
  );
  if (!isFolder)
    throw new TowpathError('CONFIG_INVALID', `There is no source folder ${folder}.`, {
      hint: 'correct `service.source` in towpath.config.ts',
    });
  return {
    name: project.application,
    folder,
    port: service.port,
    healthPath: service.healthCheck.path,
    build: build !== undefined && build.length > 0 ? build : undefined,
    command: dev?.command ?? (await commandOfImage(service, root)),
    environment: { ...service.environment, ...dev?.environment },
    secrets: service.secrets.map(secretVariable),
  };
}

async function commandOfImage({ dockerfile }: ServiceConfig, root: string): Promise<readonly string[]> {
  const text = await readFile(resolve(root, dockerfile), 'utf8').catch(() => undefined);
  const config = text === undefined ? undefined : await readImageConfig(text).catch(() => undefined);
  const command = [...(config?.Entrypoint ?? []), ...(config?.Cmd ?? [])];
  if (command.length > 0) return command;
  throw new TowpathError(
    'CONFIG_INVALID',
    `Nothing says how to run the source: there is no \`service.dev.command\`, and ${dockerfile} has no CMD that can be read.`,
    { hint: "dev: { command: ['npm', 'run', 'dev'] } in `service` of towpath.config.ts" },
  );
}
