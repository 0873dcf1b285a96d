/** ECS Exec in memory: tasks that a test names, and programs that it plays. */
import { TowpathError } from '../../src/domain/errors.ts';
import type { ExecTask } from '../../src/domain/exec-task.ts';
import type { CommandEnd, CommandTerminal, ExecPort, LentTerminal } from '../../src/ports.ts';

/** Plays a command. Without a return value the session ends as it does by the command's end. */
export type PlayedCommand = (
  command: string,
  terminal: CommandTerminal,
  signal: AbortSignal | undefined,
) => Promise<Partial<CommandEnd> | undefined>;

export interface ExecStore {
  tasks: readonly ExecTask[];
  play: PlayedCommand;
  /** Tasks and command lines that were run. */
  readonly ran: { readonly task: string; readonly command: string }[];
}

export function createExecStore(): ExecStore {
  return { tasks: [], play: async () => undefined, ran: [] };
}

export function createMemoryExec(store: ExecStore): ExecPort {
  return {
    tasks: async () => store.tasks,
    async run(task, command, terminal, signal) {
      if (signal?.aborted) throw signal.reason;
      if (!store.tasks.some(({ id, enabled }) => id === task && enabled))
        throw new TowpathError('EXEC_FAILED', `ECS can't open a session into task ${task}.`);
      store.ran.push({ task, command });
      return { exitCode: undefined, reason: undefined, ...(await store.play(command, terminal, signal)) };
    },
  };
}

export function sampleExecTask(id: string, changes: Partial<ExecTask> = {}): ExecTask {
  return {
    id,
    zone: 'us-east-1a',
    status: 'RUNNING',
    startedAt: '2026-01-01T00:00:00.000Z',
    enabled: true,
    ready: true,
    ...changes,
  };
}

/** What the shell around a command says at its end, as the real one does. */
export function tellExitCode(command: string, code: number): string {
  const label = /towpath-exit:[^:]*:/.exec(command)?.[0] ?? '';
  return `\u001e${label}${code}\u001e`;
}

export function createMemoryTerminal(write: (text: string) => void): LentTerminal {
  return {
    input: undefined,
    write(bytes) {
      write(Buffer.from(bytes).toString('utf8'));
      return undefined;
    },
    size: () => undefined,
    onResize: () => () => undefined,
    close() {},
  };
}
