/**
 * A process id names a process only together with the time of its start and of the computer's:
 * ids are used again. Without /proc (macOS) nothing can be told apart, and then no process is taken for ours.
 */
import { readFileSync } from 'node:fs';

export interface ProcessIdentity {
  readonly pid: number;
  /** Clock ticks from boot to start. */
  readonly startTime: string | undefined;
  readonly bootId: string | undefined;
}

function readBootId(): string | undefined {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim();
  } catch {
    return undefined;
  }
}

export function identifyProcess(pid: number): ProcessIdentity {
  return { pid, startTime: readStartTime(pid), bootId: readBootId() };
}

/** undefined when there is no such process, or when it has ended and only waits to be collected by its parent. */
function readStartTime(pid: number): string | undefined {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'latin1');
  } catch {
    return undefined;
  }
  // The name, in parentheses, may hold anything; after it come state (field 3) and, as field 22, the start time.
  const [state = '', ...rest] = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return state === 'Z' || state === 'X' ? undefined : rest[18];
}

export type Liveness = 'alive' | 'gone' | 'unknown';

/** `unknown`: a process with that id runs, and whether it is the same can't be told. */
export function decideLiveness(recorded: ProcessIdentity): Liveness {
  const now = identifyProcess(recorded.pid);
  if (now.startTime !== undefined && recorded.startTime !== undefined) {
    return now.startTime === recorded.startTime && now.bootId === recorded.bootId ? 'alive' : 'gone';
  }
  // With /proc, no start time means no process; without, an id in use may be ours or a stranger's.
  if (now.bootId !== undefined) return 'gone';
  try {
    process.kill(recorded.pid, 0);
    return 'unknown';
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM' ? 'unknown' : 'gone';
  }
}
