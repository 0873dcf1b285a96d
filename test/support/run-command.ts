/** Runs a program to its end with its output captured; a run over its time limit is killed with all it started. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { killTree } from './process-tree.ts';

export interface CommandOptions {
  readonly cwd: string;
  /** The whole environment of the program. */
  readonly env: NodeJS.ProcessEnv;
  readonly timeoutMs: number;
  /** Written to its standard input, which then ends. */
  readonly input?: string;
}

export interface CommandResult {
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly timedOut: boolean;
  readonly durationMs: number;
}

/** A program under way: its output so far, its end, and a way to signal it. */
export interface RunningCommand {
  readonly pid: number;
  stdout(): string;
  stderr(): string;
  signal(signal: NodeJS.Signals): void;
  readonly ended: Promise<CommandResult>;
}

export function startCommand(
  command: string,
  args: readonly string[],
  options: CommandOptions,
): RunningCommand {
  const startedAt = performance.now();
  const child: ChildProcessWithoutNullStreams = spawn(command, args, { cwd: options.cwd, env: options.env });
  const output = { stdout: '', stderr: '', timedOut: false };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => {
      output[name] += text;
    });
  }
  // A program that does not read its input closes it: no failure of ours.
  child.stdin.on('error', () => {});
  child.stdin.end(options.input ?? '');
  const limit = setTimeout(() => {
    output.timedOut = true;
    if (child.pid !== undefined) killTree(child.pid);
  }, options.timeoutMs);
  const ended = new Promise<CommandResult>((resolve, reject) => {
    child.once('error', (error) => {
      clearTimeout(limit);
      reject(error);
    });
    child.once('close', (exitCode, signal) => {
      clearTimeout(limit);
      resolve({ exitCode, signal, ...output, durationMs: performance.now() - startedAt });
    });
  });
  return {
    pid: child.pid ?? -1,
    stdout: () => output.stdout,
    stderr: () => output.stderr,
    signal: (signal) => {
      child.kill(signal);
    },
    ended,
  };
}

export function runCommand(
  command: string,
  args: readonly string[],
  options: CommandOptions,
): Promise<CommandResult> {
  return startCommand(command, args, options).ended;
}
