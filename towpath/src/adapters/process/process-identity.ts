/**
 * Which process a number means: pids are used again, so a pid is only believed together with its start time.
 * Used for lock holders and for Terraform runs that outlived the command that started them.
 */
import { readFileSync } from 'node:fs';

/**
 * Start time of a process as the kernel counts it (clock ticks since boot), from `/proc/<pid>/stat`;
 * undefined where there is no such process or no /proc.
 */
export function processStartTime(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The command name in parentheses may hold spaces; fields 3 and 22 of proc(5) are the 1st and 20th after it.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === ZOMBIE ? ENDED : fields[19];
  } catch {
    return undefined;
  }
}

/** A process that has ended and waits for its parent to ask how. */
const ZOMBIE = 'Z';
const ENDED = 'ended';

/** Whether this very process still runs. Without a known start time the pid alone has to do. */
export function isAlive(pid: number, startTime: string | undefined): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
  const now = processStartTime(pid);
  if (now === ENDED) return false;
  return startTime === undefined || now === undefined || now === startTime;
}
