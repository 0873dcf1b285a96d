/**
 * The process ids of everything that was started, on disk: when the daemon itself is killed,
 * the next one ends what was left. Start times make sure that no stranger with the same id is touched.
 */
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { writePrivateFile } from './private-file.ts';
import { decideLiveness, identifyProcess, type ProcessIdentity } from './process-identity.ts';

/** A process that was just killed is reaped well within this time. */
const endTimeoutMs = 2_000;
const pollIntervalMs = 20;

export interface ChildRegister {
  track(pid: number, alive: boolean): void;
  /** Forgets the file; for an orderly stop. */
  close(): void;
}

export function openChildRegister(stateDir: string): ChildRegister {
  const file = join(stateDir, 'children.json');
  const children = new Map<number, ProcessIdentity>();
  let closed = false;
  return {
    track: (pid, alive) => {
      if (closed) return;
      if (alive) children.set(pid, identifyProcess(pid));
      else children.delete(pid);
      writePrivateFile(file, [...children.values()]);
    },
    close: () => {
      closed = true;
      rmSync(file, { force: true });
    },
  };
}

/** Kills what a killed daemon has left. @returns the process ids that were ended */
export async function endLeftovers(stateDir: string): Promise<number[]> {
  const alive = readRecorded(join(stateDir, 'children.json')).filter(
    (child) => decideLiveness(child) === 'alive',
  );
  for (const { pid } of alive) killGroup(pid);
  const deadline = Date.now() + endTimeoutMs;
  while (alive.some((child) => decideLiveness(child) === 'alive') && Date.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, pollIntervalMs));
  }
  return alive.map(({ pid }) => pid);
}

function readRecorded(file: string): ProcessIdentity[] {
  try {
    const value: unknown = JSON.parse(readFileSync(file, 'utf8'));
    return Array.isArray(value)
      ? (value as ProcessIdentity[]).filter(({ pid }) => Number.isInteger(pid) && pid > 1)
      : [];
  } catch {
    return [];
  }
}

/** The group when the process leads one, as all of ours do; else only the process. */
function killGroup(pid: number): void {
  for (const target of [-pid, pid]) {
    try {
      process.kill(target, 'SIGKILL');
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  }
}
