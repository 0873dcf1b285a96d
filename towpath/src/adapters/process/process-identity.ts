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
    // The command name in parentheses may hold spaces; field 22 of proc(5) is the 20th after it.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  } catch {
    return undefined;
  }
}

/** Whether this very process still runs. Without a known start time the pid alone has to do. */
export function isAlive(pid: number, startTime: string | undefined): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
  const now = processStartTime(pid);
  return startTime === undefined || now === undefined || now === startTime;
}
