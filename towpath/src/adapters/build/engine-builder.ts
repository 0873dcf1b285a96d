/**
 * Builds with docker or podman from the Dockerfile, and pushes to the account's registry.
 * The login goes into a folder of its own that is gone afterwards, never into the user's configuration.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { TowpathError } from '../../domain/errors.ts';
import type { ServiceConfig } from '../../domain/project.ts';
import { type BuildCommand, type BuildOutput, buildFailure, runBuildCommand } from './build-command.ts';
import { type ContainerEngine, requireContainerEngine } from './container-engine.ts';
import type { ImageBuilder, PushTarget } from './image-builder.ts';
import type { RegistryAccess } from './registry-access.ts';
import { tagOfDigest } from './registry-client.ts';

const PLATFORM = 'linux/amd64';
/** One moment for every file time of a build: without it the same source gives another image each day. */
const SOURCE_DATE_EPOCH = '0';

export function createEngineBuilder(
  options: { readonly engine?: ContainerEngine | undefined } = {},
): ImageBuilder {
  return {
    async build(service, target) {
      const engine = options.engine ?? (await requireContainerEngine());
      const imageId = await buildImage(engine, service, target.root);
      // The manifest's digest is known after the push only; the image id is a content hash as well.
      const tag = tagOfDigest(imageId);
      const present = await target.digestOfTag(tag);
      if (present !== undefined) return { digest: present, pushed: false };
      return { digest: await pushImage(engine, imageId, tag, target), pushed: true };
    },
  };
}

/** @returns the image id, `sha256:<64 hex>` */
async function buildImage(engine: ContainerEngine, service: ServiceConfig, root: string): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'towpath-build-'));
  return cleanedUp(folder, async () => {
    const idFile = join(folder, 'image-id');
    const run = {
      command: engine.name,
      args: [
        'build',
        '--platform',
        PLATFORM,
        '--build-arg',
        `SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH}`,
        '--iidfile',
        idFile,
        '-f',
        resolve(root, service.dockerfile),
        resolve(root, service.context),
      ],
      cwd: root,
    };
    const failure = buildFailure(run, await runBuildCommand(run));
    if (failure !== undefined) throw failure;
    const id = (await readFile(idFile, 'utf8')).trim();
    return id.startsWith('sha256:') ? id : `sha256:${id}`;
  });
}

async function pushImage(
  engine: ContainerEngine,
  imageId: string,
  tag: string,
  target: PushTarget,
): Promise<string> {
  const access = await target.access();
  const reference = `${new URL(access.baseUrl).host}/${target.repository}:${tag}`;
  const folder = mkdtempSync(join(tmpdir(), 'towpath-login-'));
  return cleanedUp(folder, async () => {
    const client = await engineClient(engine, folder, access, target.root);
    const login = ['login', '--username', access.user, '--password-stdin'];
    await mustPush(client, [...login, ...client.insecure, new URL(access.baseUrl).host], access.password);
    await mustPush(client, ['tag', imageId, reference]);
    const digestFile = join(folder, 'digest');
    const wanted = engine.name === 'podman' ? ['--digestfile', digestFile] : [];
    const output = await mustPush(client, ['push', ...client.insecure, ...wanted, reference]);
    const digest = await readDigest(engine, digestFile, output);
    // Only a name was added; the image stays for the next build's cache.
    await runBuildCommand({
      command: engine.name,
      args: [...client.global, 'rmi', '--no-prune', reference],
      cwd: target.root,
      env: client.env,
    });
    return digest;
  });
}

interface EngineClient {
  readonly engine: ContainerEngine;
  readonly global: readonly string[];
  readonly env: Record<string, string>;
  /** Options for a registry that speaks plain http, as the embedded AWS does. */
  readonly insecure: readonly string[];
  readonly cwd: string;
}

async function engineClient(
  engine: ContainerEngine,
  folder: string,
  access: RegistryAccess,
  cwd: string,
): Promise<EngineClient> {
  const plain = access.baseUrl.startsWith('http:');
  if (engine.name === 'podman') {
    const env = { REGISTRY_AUTH_FILE: join(folder, 'auth.json') };
    return { engine, global: [], env, insecure: plain ? ['--tls-verify=false'] : [], cwd };
  }
  // A configuration folder of one's own hides the user's contexts, and with them where the daemon listens.
  const host = process.env.DOCKER_HOST ?? (await contextHost(cwd));
  return {
    engine,
    global: ['--config', folder],
    env: host === undefined ? {} : { DOCKER_HOST: host },
    insecure: [],
    cwd,
  };
}

async function contextHost(cwd: string): Promise<string | undefined> {
  const args = ['context', 'inspect', '--format', '{{.Endpoints.docker.Host}}'];
  const output = await runBuildCommand({ command: 'docker', args, cwd });
  const host = output.stdout.trim();
  return output.code === 0 && host !== '' ? host : undefined;
}

async function mustPush(client: EngineClient, args: readonly string[], input?: string): Promise<BuildOutput> {
  const run: BuildCommand = {
    command: client.engine.name,
    args: [...client.global, ...args],
    cwd: client.cwd,
    env: client.env,
    ...(input === undefined ? {} : { input }),
  };
  const output = await runBuildCommand(run);
  if (output.code === 0 && output.failure === undefined) return output;
  const how = output.failure ?? `exit code ${output.code}`;
  throw new TowpathError('PUSH_FAILED', `${client.engine.name} ${args[0]} ended with ${how}`, {
    hint: 'check the network and the right to push (ecr:PutImage, ecr:UploadLayerPart), then run it again',
    context: output.tail,
  });
}

async function readDigest(engine: ContainerEngine, digestFile: string, output: BuildOutput): Promise<string> {
  const text = engine.name === 'podman' ? await readFile(digestFile, 'utf8') : output.stdout;
  const digest = /sha256:[0-9a-f]{64}/.exec(text)?.[0];
  if (digest !== undefined) return digest;
  throw new TowpathError('PUSH_FAILED', `${engine.name} push did not say which digest it pushed`, {
    hint: 'run the same command again',
    context: output.tail,
  });
}

/** Takes the folder away whatever happens, also when the process is told to end meanwhile. */
async function cleanedUp<T>(folder: string, work: () => Promise<T>): Promise<T> {
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  process.once('exit', remove);
  try {
    return await work();
  } finally {
    process.off('exit', remove);
    remove();
  }
}
