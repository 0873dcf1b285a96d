/**
 * Runs the servers of the stack through the compose file, with whatever brings compose along. What was started is written
 * down before, so that containers of a stack that was killed are found and taken down.
 */
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { writePrivateFile } from '../../../local-aws/src/state/private-file.ts';
import type { Clock } from '../contract.ts';
import type { StartProgram } from '../start-program.ts';

const VERSION_LIMIT_MS = 15_000;
/** The first time, images are downloaded. */
const UP_LIMIT_MS = 600_000;
const DOWN_LIMIT_MS = 60_000;

const COMMANDS = {
  docker: [['docker', 'compose'], ['docker-compose']],
  podman: [['podman', 'compose'], ['podman-compose']],
} as const;

export interface ComposeRun {
  readonly command: readonly string[];
  readonly file: string;
  /** Beginning of the names of containers and volumes. */
  readonly name: string;
  readonly variables: Readonly<Record<string, string>>;
}

export interface ComposeOptions {
  readonly start: StartProgram;
  readonly clock: Clock;
  readonly variables: Readonly<Record<string, string | undefined>>;
  readonly stateDir: string;
  readonly onLine: (line: string) => void;
}

/** @returns the words that compose is called with; undefined where the engine has none */
export async function findCompose(
  engine: keyof typeof COMMANDS,
  options: ComposeOptions,
): Promise<readonly string[] | undefined> {
  for (const command of COMMANDS[engine])
    if ((await call([...command, 'version'], VERSION_LIMIT_MS, {}, options)) === undefined) return command;
  return undefined;
}

/**
 * @param ending breaks it off
 * @returns why it could not be brought up; undefined when it is
 */
export async function composeUp(
  run: ComposeRun,
  options: ComposeOptions,
  ending: AbortSignal,
): Promise<string | undefined> {
  writePrivateFile(recordOf(options.stateDir), run);
  const failure = await call(
    [...wordsOf(run), 'up', '--detach', '--remove-orphans'],
    UP_LIMIT_MS,
    run.variables,
    options,
    ending,
  );
  if (failure !== undefined) await composeDown(options);
  return failure;
}

/** Takes down what the record names; volumes stay. @returns whether there was anything */
export async function composeDown(options: ComposeOptions): Promise<boolean> {
  const run = readRecord(options.stateDir);
  if (run === undefined) return false;
  const failure = await call(
    [...wordsOf(run), 'down', '--remove-orphans'],
    DOWN_LIMIT_MS,
    run.variables,
    options,
  );
  if (failure === undefined) rmSync(recordOf(options.stateDir), { force: true });
  return failure === undefined;
}

function wordsOf({ command, file, name }: ComposeRun): readonly string[] {
  return [...command, '--file', file, '--project-name', name];
}

function recordOf(stateDir: string): string {
  return join(stateDir, 'compose.json');
}

function readRecord(stateDir: string): ComposeRun | undefined {
  try {
    return JSON.parse(readFileSync(recordOf(stateDir), 'utf8')) as ComposeRun;
  } catch {
    return undefined;
  }
}

/** @returns the last line of a call that failed, or why it did not end; undefined when it succeeded */
async function call(
  command: readonly string[],
  limitMs: number,
  extra: Readonly<Record<string, string>>,
  { start, clock, variables, onLine }: ComposeOptions,
  ending?: AbortSignal,
): Promise<string | undefined> {
  if (ending?.aborted) return 'broken off';
  const program = start({ command, cwd: process.cwd(), env: { ...variables, ...extra }, onLine });
  ending?.addEventListener('abort', () => void program.stop(), { once: true });
  const limit = new AbortController();
  const late = clock.sleep(limitMs, limit.signal).then(
    () => ({ ok: false, reason: `no end within ${limitMs / 1000} s` }),
    () => program.ended,
  );
  const end = await Promise.race([program.ended, late]);
  limit.abort();
  await program.stop();
  return end.ok ? undefined : (program.tail().at(-1) ?? end.reason);
}
