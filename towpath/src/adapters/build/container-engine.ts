/** Finds a container engine that works: a program that is installed but has no daemon is none. */
import { TowpathError } from '../../domain/errors.ts';
import { runBuildCommand } from './build-command.ts';

const ENGINES = ['docker', 'podman'] as const;
const INFO_TIMEOUT_MS = 15_000;

export interface ContainerEngine {
  readonly name: (typeof ENGINES)[number];
}

/** The first engine that answers `info`; undefined when there is none. */
export async function findContainerEngine(): Promise<ContainerEngine | undefined> {
  for (const name of ENGINES) if ((await infoProblem(name)) === undefined) return { name };
  return undefined;
}

/** @throws {TowpathError} `NO_CONTAINER_ENGINE` with what each engine answered */
export async function requireContainerEngine(): Promise<ContainerEngine> {
  const context: string[] = [];
  for (const name of ENGINES) {
    const problem = await infoProblem(name);
    if (problem === undefined) return { name };
    context.push(`${name}: ${problem}`);
  }
  throw new TowpathError(
    'NO_CONTAINER_ENGINE',
    'No container engine answers; AWS needs an image built by docker or podman',
    {
      hint: 'start Docker or podman, or build in CI; with --local no engine is needed',
      context,
    },
  );
}

async function infoProblem(name: string): Promise<string | undefined> {
  const output = await runBuildCommand({
    command: name,
    args: ['info'],
    cwd: process.cwd(),
    timeoutMs: INFO_TIMEOUT_MS,
  });
  if (output.failure === 'ENOENT') return 'not installed';
  if (output.failure !== undefined) return output.failure;
  return output.code === 0 ? undefined : (output.tail.at(-1) ?? `exit code ${output.code}`);
}
