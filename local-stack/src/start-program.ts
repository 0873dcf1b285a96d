/**
 * Starts a program of the stack so that it never outlives the stack: in a process group of its own, that a guard kills
 * when this process is gone in whatever way, and that the next start looks for. What it prints goes to a log file.
 */
import { spawn } from 'node:child_process';
import { GroupGuard } from '../../local-aws/src/runtime/group-guard.ts';
import { LineSplitter } from '../../local-aws/src/runtime/line-splitter.ts';
import type { ChildRegister } from '../../local-aws/src/state/child-register.ts';

/** SIGTERM to SIGKILL. */
const STOP_LIMIT_MS = 5_000;
const TAIL_LINES = 40;
const MAX_LINE_BYTES = 16_384;
/** Output that comes after the end, from a child that a program left behind, is not waited for. */
const LAST_OUTPUT_MS = 200;

export interface ProgramOptions {
  readonly command: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly onLine: (line: string) => void;
}

export interface Program {
  readonly pid: number | undefined;
  /** `exit code 1`, `signal SIGKILL`, or why it could not be started. Never rejects. */
  readonly ended: Promise<{ readonly ok: boolean; readonly reason: string }>;
  /** Last lines that it printed. */
  tail(): readonly string[];
  /** SIGTERM to its group, SIGKILL after 5 s. Idempotent; resolves when it has ended. */
  stop(): Promise<void>;
}

export type StartProgram = (options: ProgramOptions) => Program;

export function createProgramStarter(children: ChildRegister, log: (line: string) => void): StartProgram {
  const guard = new GroupGuard(log);
  return ({ command: [file = '', ...args], cwd, env, onLine }) => {
    const child = spawn(file, args, { cwd, env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
    const { pid } = child;
    if (pid !== undefined) {
      children.track(pid, true);
      guard.add(pid);
    }
    const tail: string[] = [];
    const keep = (line: string) => {
      tail.push(line);
      if (tail.length > TAIL_LINES) tail.shift();
      onLine(line);
    };
    for (const stream of [child.stdout, child.stderr]) {
      const splitter = new LineSplitter(MAX_LINE_BYTES);
      stream.on('data', (chunk: Buffer) => splitter.push(chunk).forEach(keep));
      stream.on('end', () => splitter.end().forEach(keep));
      stream.on('error', () => undefined);
    }
    const ended = new Promise<{ ok: boolean; reason: string }>((resolve) => {
      child.once('error', (error: NodeJS.ErrnoException) =>
        resolve({ ok: false, reason: error.code === 'ENOENT' ? `${file} was not found` : error.message }),
      );
      child.once('exit', (code, signal) => {
        const end = { ok: code === 0, reason: signal === null ? `exit code ${code}` : `signal ${signal}` };
        if (pid !== undefined) endGroup(pid, 'SIGKILL');
        const settle = () => {
          if (pid !== undefined) {
            children.track(pid, false);
            guard.remove(pid);
          }
          resolve(end);
        };
        const late = setTimeout(settle, LAST_OUTPUT_MS);
        child.once('close', () => {
          clearTimeout(late);
          settle();
        });
      });
    });
    let stopping: Promise<void> | undefined;
    const stop = async () => {
      if (pid === undefined || child.exitCode !== null || child.signalCode !== null)
        return void (await ended);
      endGroup(pid, 'SIGTERM');
      const kill = setTimeout(() => endGroup(pid, 'SIGKILL'), STOP_LIMIT_MS);
      await ended;
      clearTimeout(kill);
    };
    return {
      pid,
      ended,
      tail: () => [...tail],
      stop: () => {
        stopping ??= stop();
        return stopping;
      },
    };
  };
}

/** A group without a member is what was wanted. */
function endGroup(pid: number, signal: 'SIGTERM' | 'SIGKILL'): void {
  try {
    process.kill(-pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
