/** The built command line as a user runs it: `node towpath/bin/towpath.mjs …`, in a folder and environment of one's own. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type CommandResult, type RunningCommand, runCommand, startCommand } from './run-command.ts';

export interface CliOptions {
  /** Folder to run in; the repository's root (or that of a temporary project) by default. */
  readonly cwd?: string;
  /** Added to this process's environment, from which AWS and Towpath settings are taken away. */
  readonly env?: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
  readonly input?: string;
  /** Root whose CLI is run. */
  readonly root?: string;
}

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** The built command line of this repository. */
export const CLI = cliPath({});

/** Long enough for a first deployment. */
const DEFAULT_LIMIT_MS = 300_000;

export function runCli(args: readonly string[], options: CliOptions = {}): Promise<CommandResult> {
  return runCommand(process.execPath, [cliPath(options), ...args], commandOptions(options));
}

/** The same, under way: to send it signals and read its output meanwhile. */
export function startCli(args: readonly string[], options: CliOptions = {}): RunningCommand {
  return startCommand(process.execPath, [cliPath(options), ...args], commandOptions(options));
}

/** This process's environment without what would point a command at some account or project. */
export function cleanEnvironment(env: NodeJS.ProcessEnv = process.env): NodeJS.ProcessEnv {
  const kept = /^(?:AWS_CA_BUNDLE|TOWPATH_PROVIDER_MIRROR)$/;
  return Object.fromEntries(
    Object.entries(env).filter(([name]) => kept.test(name) || !/^(?:AWS|TOWPATH|TF|VITEST|npm)_?/.test(name)),
  );
}

function cliPath({ root = ROOT }: CliOptions): string {
  return join(root, 'towpath', 'bin', 'towpath.mjs');
}

function commandOptions({
  root = ROOT,
  cwd = root,
  env = {},
  timeoutMs = DEFAULT_LIMIT_MS,
  input,
}: CliOptions) {
  return {
    cwd,
    env: { ...cleanEnvironment(), NO_COLOR: '1', ...env },
    timeoutMs,
    ...(input === undefined ? {} : { input }),
  };
}
