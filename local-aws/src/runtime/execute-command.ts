/** A command beside a task's own process, with pipes or a terminal: what ECS Exec runs. */
import { spawn } from 'node:child_process';
import { readlinkSync } from 'node:fs';
import { PassThrough } from 'node:stream';
import type { CommandOptions, ExecutedCommand, TaskExit } from '../contract.ts';
import { parseCommandWords, quoteWords } from './command-words.ts';
import { readProcessTable } from './process-table.ts';
import { findProgram } from './program-lookup.ts';
import type { TaskMember, TaskProcess } from './task-process.ts';

const NOT_FOUND = 127;
const NOT_EXECUTABLE = 126;
const DEFAULT_COLUMNS = 80;
const DEFAULT_ROWS = 24;
const MAX_TERMINAL_SIDE = 10_000;

export interface CommandPlace {
  readonly rootfs: string;
  readonly workingDirectory: string;
  readonly hostPath: string;
}

export function executeCommand(
  task: TaskProcess,
  place: CommandPlace,
  line: string,
  options: CommandOptions,
): ExecutedCommand {
  const stdin = new PassThrough();
  const stdout = new PassThrough();
  const stderr = options.tty === true ? undefined : new PassThrough();
  let member: TaskMember | undefined;
  let killed = false;
  const run = async (): Promise<TaskExit> => {
    try {
      const command = await placeCommand(place, line, options);
      member = await task.startMember(command, options.tty === true ? terminalVariables(task) : {});
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      (stderr ?? stdout).write(`${message}\n`);
      stdout.end();
      stderr?.end();
      const exitCode = error instanceof CommandNotFoundError ? NOT_FOUND : NOT_EXECUTABLE;
      return { exitCode, signal: undefined, reason: message };
    }
    const { child } = member;
    if (child.stdin !== null) stdin.pipe(child.stdin);
    child.stdout?.pipe(stdout);
    child.stderr?.pipe(stderr ?? stdout, { end: stderr !== undefined });
    if (killed) member.kill();
    return member.exited;
  };
  return {
    stdin,
    stdout,
    stderr,
    exited: run(),
    kill: () => {
      killed = true;
      member?.kill();
    },
    ...(options.tty === true && {
      resize: (columns: number, rows: number) => {
        if (member !== undefined) resizeTerminal(member.pid, columns, rows);
      },
    }),
  };
}

class CommandNotFoundError extends Error {}

/** @throws Error in the words of a container runtime */
async function placeCommand(
  place: CommandPlace,
  line: string,
  options: CommandOptions,
): Promise<{ program: string; args: readonly string[] }> {
  const words = parseCommandWords(line);
  if (words === undefined) throw new Error(`the command has a quote that is not closed: ${line}`);
  const [name, ...args] = words;
  if (name === undefined) throw new Error('the command is empty');
  const program = await findProgram(name, place);
  if (program === undefined) {
    throw new CommandNotFoundError(`exec: "${name}": executable file not found in $PATH`);
  }
  if (options.tty !== true || process.platform !== 'linux') return { program, args };
  const script = await findProgram('script', place);
  if (script === undefined) return { program, args };
  // util-linux' script owns a terminal and lends it to the command; its own record goes nowhere.
  const size = `stty columns ${sideOf(options.columns, DEFAULT_COLUMNS)} rows ${sideOf(options.rows, DEFAULT_ROWS)}`;
  const inside = `${size} 2>&-; exec ${quoteWords([program, ...args])}`;
  return { program: script, args: ['-q', '-e', '-f', '-c', inside, '/dev/null'] };
}

function terminalVariables(task: TaskProcess): Record<string, string> {
  const { TERM } = task.options.environment;
  // `script` runs its command in $SHELL.
  return { TERM: TERM ?? 'xterm-256color', SHELL: '/bin/sh' };
}

/** The kernel tells the programs in it: the size of a terminal is set from outside as from inside. */
function resizeTerminal(pid: number, columns: number, rows: number): void {
  const inside = readProcessTable().find(({ ppid }) => ppid === pid);
  if (inside === undefined) return;
  try {
    const terminal = readlinkSync(`/proc/${inside.pid}/fd/0`);
    if (!terminal.startsWith('/dev/pts/')) return;
    const size = [
      'columns',
      String(sideOf(columns, DEFAULT_COLUMNS)),
      'rows',
      String(sideOf(rows, DEFAULT_ROWS)),
    ];
    spawn('stty', ['-F', terminal, ...size], { stdio: 'ignore' }).on('error', () => {});
  } catch {
    // The command has just ended.
  }
}

function sideOf(asked: number | undefined, usual: number): number {
  const whole = Math.round(asked ?? usual);
  return whole >= 1 && whole <= MAX_TERMINAL_SIDE ? whole : usual;
}
