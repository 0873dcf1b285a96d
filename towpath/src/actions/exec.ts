/** Runs a command in a running task of an environment. */
import { TowpathError } from '../domain/errors.ts';
import { createExitScanner, renderBareCommand, renderExecCommand } from '../domain/exec-command.ts';
import { decideExecTask, type ExecTask } from '../domain/exec-task.ts';
import { commandToFill } from '../domain/next-command.ts';
import type { Environment } from '../domain/project.ts';
import type { Cloud, CommandTerminal, Ports } from '../ports.ts';
import { enter } from './select-environment.ts';

export interface ExecOptions {
  /** The beginning of a task's id; the newest running one when undefined. */
  readonly task: string | undefined;
  /** Words; `/bin/sh` when there are none. */
  readonly command: readonly string[];
  /** Without the shell around the command that tells its exit code. */
  readonly bare: boolean;
  /** A person sits at the terminal. */
  readonly interactive: boolean;
  /** Opened when the command is about to start. */
  openTerminal(): CommandTerminal;
  readonly signal: AbortSignal;
}

export interface ExecResult {
  readonly environment: string;
  readonly task: string;
  readonly zone: string;
  readonly command: readonly string[];
  /** Of the command; undefined where nobody told it. */
  readonly exitCode: number | undefined;
}

const DEFAULT_COMMAND = ['/bin/sh'];

/** @throws TowpathError `NOT_DEPLOYED`, `NO_RUNNING_TASK`, `UNKNOWN_TASK`, `EXEC_DISABLED`, `EXEC_FAILED` */
export async function exec(ports: Ports, environmentName: string, options: ExecOptions): Promise<ExecResult> {
  const { environment, cloud } = await enter(ports, environmentName);
  const task = await chooseTask(environment, cloud, options.task);
  const command = options.command.length === 0 ? DEFAULT_COMMAND : options.command;
  const nonce = ports.random.id();
  const line = options.bare
    ? renderBareCommand(command)
    : renderExecCommand(command, { nonce, interactive: options.interactive });
  ports.notifier.notify({ type: 'note', text: `task ${task.id} in ${task.zone}: ${command.join(' ')}` });
  const scanner = createExitScanner(nonce);
  const terminal = options.openTerminal();
  const scanned: CommandTerminal = { ...terminal, write: (bytes) => terminal.write(scanner.push(bytes)) };
  const end = await cloud.exec.run(task.id, line, scanned, options.signal).catch((error: unknown) => {
    throw options.signal.aborted ? interrupted(task, command, error) : error;
  });
  await terminal.write(scanner.end());
  const exitCode = scanner.exitCode ?? end.exitCode;
  // A bare command's code is nobody's to know, and neither is that of a shell whose session was ended from outside.
  const unexplained = exitCode === undefined && !options.bare && !options.interactive;
  if (exitCode === undefined && (end.reason !== undefined || unexplained))
    throw sessionFailed(
      task,
      command,
      end.reason,
      await findHint(cloud, environment.name, task, options, scanner.begun),
    );
  return { environment: environment.name, task: task.id, zone: task.zone, command, exitCode };
}

async function chooseTask(
  environment: Environment,
  cloud: Cloud,
  wanted: string | undefined,
): Promise<ExecTask> {
  const tasks = await cloud.exec.tasks();
  if (tasks.length === 0 && (await cloud.service.snapshot()) === undefined) {
    throw new TowpathError('NOT_DEPLOYED', `${environment.name} runs nothing yet.`, {
      hint: commandToFill(environment),
    });
  }
  return decideExecTask(environment.name, tasks, wanted);
}

function interrupted(task: ExecTask, command: readonly string[], cause: unknown): TowpathError {
  return new TowpathError('ABORTED', `Interrupted: the session in task ${task.id} was ended.`, {
    cause,
    hint: `what \`${command.join(' ')}\` had done by then stays done`,
  });
}

/** A session that ends early is mostly a task that ended, or AWS that went away, and not a command that is missing. */
async function findHint(
  cloud: Cloud,
  environment: string,
  task: ExecTask,
  { bare }: ExecOptions,
  shellBegun: boolean,
): Promise<string> {
  let tasks: readonly ExecTask[];
  try {
    tasks = await cloud.exec.tasks();
  } catch (error) {
    if (!(error instanceof TowpathError)) throw error;
    return `AWS does not answer any more: ${error.message}${error.hint === undefined ? '' : ` ${error.hint}`}`;
  }
  if (!tasks.some(({ id }) => id === task.id))
    return `the task has ended: towpath logs ${environment} --task ${task.id} shows its last lines; the same command again takes another task`;
  if (shellBegun) return `run the same command again; towpath status ${environment} shows how the task is`;
  return bare
    ? 'check the command and its path in the image'
    : 'if the image has no /bin/sh, give --bare; else run the same command again';
}

function sessionFailed(
  task: ExecTask,
  command: readonly string[],
  reason: string | undefined,
  hint: string,
): TowpathError {
  const what = `The session in task ${task.id} ended before \`${command.join(' ')}\` told its exit code`;
  return new TowpathError('EXEC_FAILED', reason === undefined ? `${what}.` : `${what}: ${reason}`, {
    hint,
  });
}
