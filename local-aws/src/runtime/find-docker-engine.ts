/** Finds a container engine that answers on this computer, and says where it looked when there is none. */
import { execFile } from 'node:child_process';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { DockerEngine } from './docker-engine.ts';

const PING_TIMEOUT_MS = 5_000;
const CONTEXT_TIMEOUT_MS = 5_000;

export class NoEngineError extends Error {
  readonly code = 'NO_CONTAINER_ENGINE';
  readonly hint =
    'start Docker or podman (DOCKER_HOST=unix:///PATH names its socket), or leave out --driver docker: driver process needs none';
  constructor(problems: readonly string[]) {
    super(`No container engine answers, and --driver docker needs one. Looked at: ${problems.join('; ')}.`);
  }
}

/** @throws NoEngineError */
export async function findDockerEngine(
  environment: Readonly<Record<string, string | undefined>>,
): Promise<DockerEngine> {
  const problems: string[] = [];
  const addresses = decideAddresses(environment, homedir(), await contextAddress(environment));
  for (const address of addresses) {
    if (!address.startsWith('unix://')) {
      problems.push(`${address} (only unix:// sockets: tasks must run on this computer)`);
      continue;
    }
    const engine = new DockerEngine(address.slice('unix://'.length));
    try {
      await engine.call({ method: 'GET', path: '/_ping', timeoutMs: PING_TIMEOUT_MS });
      const { OSType } = await engine.call<{ OSType?: string }>({ method: 'GET', path: '/info' });
      if (OSType === 'linux') return engine;
      problems.push(`${address} (runs ${OSType} containers)`);
    } catch (error) {
      problems.push(`${address} (${error instanceof Error ? error.message : String(error)})`);
    }
  }
  throw new NoEngineError(problems);
}

/** What the user chose, and nothing else; without a choice the usual places. Pure. */
export function decideAddresses(
  environment: Readonly<Record<string, string | undefined>>,
  home: string,
  context: string | undefined,
): readonly string[] {
  const chosen = environment.DOCKER_HOST;
  if (chosen !== undefined && chosen !== '') return [chosen];
  const runtime = environment.XDG_RUNTIME_DIR;
  const usual = [
    '/var/run/docker.sock',
    ...(runtime === undefined ? [] : [join(runtime, 'docker.sock'), join(runtime, 'podman/podman.sock')]),
    join(home, '.docker/run/docker.sock'),
    '/run/podman/podman.sock',
  ].map((path) => `unix://${path}`);
  return [...new Set([...(context === undefined ? [] : [context]), ...usual])];
}

async function contextAddress(
  environment: Readonly<Record<string, string | undefined>>,
): Promise<string | undefined> {
  const args = ['context', 'inspect', '--format', '{{.Endpoints.docker.Host}}'];
  const options = { timeout: CONTEXT_TIMEOUT_MS, env: { ...environment } };
  return promisify(execFile)('docker', args, options).then(
    ({ stdout }) => stdout.trim() || undefined,
    () => undefined, // no such program
  );
}
