/**
 * Looks at running processes (through `ps`, which Linux and macOS share): who descends from whom, and what a command
 * left behind. Ends only what it was given by id.
 */
import { execFileSync } from 'node:child_process';

export interface RunningProcess {
  readonly pid: number;
  readonly parentPid: number;
  /** Milliseconds since the epoch, to the second. */
  readonly startedAt: number;
  /** Command line with its arguments. */
  readonly command: string;
}

const PS_LIMIT_MS = 10_000;
const POLL_INTERVAL_MS = 100;
/** `ps` works a start out of two clocks: the same process may seem to have started a second earlier or later. */
const START_TOLERANCE_MS = 2_000;

/** The start is of five words: Mon Nov 30 09:11:59 2026. */
const LINE = /^\s*(\d+)\s+(\d+)\s+(\S+)\s+((?:\S+\s+){4}\S+)\s+(.*)$/;

/** All processes but the `ps` that lists them, and zombies: those have ended, whoever forgets to reap them. */
export function runningProcesses(): readonly RunningProcess[] {
  const text = execFileSync('ps', ['-A', '-ww', '-o', 'pid=,ppid=,stat=,lstart=,command='], {
    encoding: 'utf8',
    env: { ...process.env, LC_ALL: 'C' },
    timeout: PS_LIMIT_MS,
    maxBuffer: 64 * 1024 * 1024,
  });
  return text.split('\n').flatMap((line) => {
    const [, pid, parentPid, state = '', started = '', command = ''] = LINE.exec(line) ?? [];
    if (pid === undefined || state.startsWith('Z') || command.startsWith('ps -A')) return [];
    return [{ pid: Number(pid), parentPid: Number(parentPid), startedAt: Date.parse(started), command }];
  });
}

/** A process and its descendants, parents first; empty when it has ended. */
export function processTree(pid: number): readonly RunningProcess[] {
  const all = runningProcesses();
  const root = all.find((candidate) => candidate.pid === pid);
  const tree = root === undefined ? [] : [root];
  // The list grows while it is walked: children of children follow. No process is its own ancestor.
  for (const parent of tree) tree.push(...all.filter((candidate) => candidate.parentPid === parent.pid));
  return tree;
}

/**
 * Processes whose command line holds the marker, this process and its ancestors left out.
 * @param marker something that only the processes in question carry, such as the path of a temporary folder
 */
export function leftovers(marker: string): readonly RunningProcess[] {
  const all = runningProcesses();
  const own = new Set<number>();
  for (let pid: number | undefined = process.pid; pid !== undefined && !own.has(pid); ) {
    own.add(pid);
    pid = all.find((candidate) => candidate.pid === pid)?.parentPid;
  }
  return all.filter((candidate) => candidate.command.includes(marker) && !own.has(candidate.pid));
}

/** Waits until nothing with the marker runs; what still does after the limit is returned. */
export async function leftoversAfter(marker: string, limitMs: number): Promise<readonly RunningProcess[]> {
  const deadline = Date.now() + limitMs;
  let found = leftovers(marker);
  while (found.length > 0 && Date.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, POLL_INTERVAL_MS));
    found = leftovers(marker);
  }
  return found;
}

/**
 * Stops a process and its descendants where they are, those that they start while they are looked for too: alive, and
 * at the same point until they are killed. @returns their ids, parents first
 */
export function freezeTree(pid: number): readonly number[] {
  const frozen: number[] = [];
  for (let found = processTree(pid); found.length > 0; ) {
    for (const each of found) signal(each.pid, 'SIGSTOP');
    frozen.push(...found.map((each) => each.pid));
    found = processTree(pid).filter((each) => !frozen.includes(each.pid));
  }
  return frozen;
}

/**
 * Kills a process and its descendants at one moment, as a power cut does: none sees another end. Those that have ended
 * meanwhile are what was wanted.
 */
export function killTree(pid: number): void {
  for (const each of [...freezeTree(pid)].reverse()) signal(each, 'SIGKILL');
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}

/** Of processes seen before, those that still run, whatever program they run by now; their number alone says little. */
export function survivors(seen: readonly RunningProcess[]): readonly RunningProcess[] {
  const starts = new Map(seen.map(({ pid, startedAt }) => [pid, startedAt]));
  return runningProcesses().filter(
    ({ pid, startedAt }) => Math.abs(startedAt - (starts.get(pid) ?? Number.NaN)) <= START_TOLERANCE_MS,
  );
}

/** Waits until none of the processes runs any more; those that do after the limit are returned. */
export async function survivorsAfter(
  seen: readonly RunningProcess[],
  limitMs: number,
): Promise<readonly RunningProcess[]> {
  const deadline = Date.now() + limitMs;
  let found = survivors(seen);
  while (found.length > 0 && Date.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, POLL_INTERVAL_MS));
    found = survivors(seen);
  }
  return found;
}
