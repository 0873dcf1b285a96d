/**
 * A process id names a process only together with the time of its start and of the computer's:
 * ids are used again. Without /proc (macOS) nothing can be told apart, and then no process is taken for ours.
 */
import { readFileSync } from 'node:fs';
import { readProcessRow } from '../runtime/process-table.ts';

export interface ProcessIdentity {
  readonly pid: number;
  /** Clock ticks from boot to start. */
  readonly startTime: string | undefined;
  readonly bootId: string | undefined;
}

export function readBootId(): string | undefined {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim();
  } catch {
    return undefined;
  }
}

export function identifyProcess(pid: number): ProcessIdentity {
  return { pid, startTime: readProcessRow(pid)?.startTime, bootId: readBootId() };
}

export type Liveness = 'alive' | 'gone' | 'unknown';

/** `unknown`: a process with that id runs, and whether it is the same can't be told. */
export function decideLiveness(recorded: ProcessIdentity): Liveness {
  const now = identifyProcess(recorded.pid);
  if (now.startTime !== undefined && recorded.startTime !== undefined) {
    return now.startTime === recorded.startTime && now.bootId === recorded.bootId ? 'alive' : 'gone';
  }
  try {
    process.kill(recorded.pid, 0);
    return now.bootId === undefined ? 'unknown' : 'gone';
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM' ? 'unknown' : 'gone';
  }
}
