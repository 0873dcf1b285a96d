/** Takes memory in a task until the task's limit ends it: what a leak does in the end, on demand. */
import { writeFileSync } from 'node:fs';
import type { TaskProcess } from './task-process.ts';

/** Beyond the limit, so that it is reached whatever else is counted; and no more, for the computer's sake. */
const MARGIN_MB = 64;
/** A limit that has not ended the task by then is not enforced. */
const FILL_TIMEOUT_MS = 60_000;
/** The kernel ends the process with the highest score: the task, and not the filler, as with a leak. */
const FIRST_TO_GO = '1000';
const USUAL = '0';

/** Arguments: MB in all, milliseconds. It ends when the input closes, too. */
const FILL = `
const [totalMb, timeoutMs] = process.argv.slice(1).map(Number);
const stepMb = 16, kept = [];
const timer = setInterval(() => {
  if (kept.length * stepMb < totalMb) kept.push(Buffer.alloc(stepMb * 1048576, 1));
}, 20);
setTimeout(() => process.exit(), timeoutMs);
process.stdin.on('end', () => process.exit()).resume();`;

export function fillMemory(
  task: TaskProcess,
  memoryMb: number,
  log: (line: string) => void,
): { stop(): void } {
  let stopped = false;
  setVictim(task.pid, FIRST_TO_GO);
  const starting = task.startMember({
    program: process.execPath,
    args: ['--max-old-space-size=64', '-e', FILL, String(memoryMb + MARGIN_MB), String(FILL_TIMEOUT_MS)],
  });
  starting.then(
    (member) => {
      member.child.stdout?.resume();
      member.child.stderr?.resume();
      if (stopped) member.kill();
      void member.exited.then(() => setVictim(task.pid, USUAL));
    },
    (error: unknown) => log(`the memory of process ${task.pid} could not be filled: ${String(error)}`),
  );
  return {
    stop: () => {
      stopped = true;
      starting.then(
        (member) => member.kill(),
        () => {},
      );
    },
  };
}

function setVictim(pid: number, score: string): void {
  try {
    writeFileSync(`/proc/${pid}/oom_score_adj`, score);
  } catch {
    // It has ended, or there is no /proc and no such choice either.
  }
}
