/**
 * Who descends from whom, and what they use, read from /proc.
 * Where there is no /proc (macOS) every answer is empty or zero, and nothing fails.
 */
import { readdirSync, readFileSync } from 'node:fs';

/** USER_HZ, the unit of times in /proc/<pid>/stat: 100 on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;
const KILOBYTES_PER_MB = 1024;

export interface ProcessRow {
  readonly pid: number;
  readonly ppid: number;
  readonly group: number;
  readonly session: number;
  /** Clock ticks after boot; together with the pid it names one process for good. */
  readonly startTime: string;
  /** CPU seconds of the process and of its children that have ended. */
  readonly cpuSeconds: number;
}

/** Takes one line of /proc/<pid>/stat apart. The name may hold spaces and parentheses. Pure. */
export function parseProcessStat(text: string): ProcessRow | undefined {
  const pid = Number.parseInt(text, 10);
  const fields = text
    .slice(text.lastIndexOf(')') + 2)
    .trim()
    .split(' ');
  // fields[0] is field 3 of proc(5): state.
  const number = (field: number): number => Number(fields[field - 3]);
  const startTime = fields[22 - 3];
  if (!Number.isInteger(pid) || startTime === undefined) return undefined;
  return {
    pid,
    ppid: number(4),
    group: number(5),
    session: number(6),
    startTime,
    cpuSeconds: (number(14) + number(15) + number(16) + number(17)) / TICKS_PER_SECOND,
  };
}

export function readProcessRow(pid: number): ProcessRow | undefined {
  const text = read(`/proc/${pid}/stat`);
  return text === undefined ? undefined : parseProcessStat(text);
}

export function readProcessTable(): ProcessRow[] {
  let names: string[];
  try {
    names = readdirSync('/proc');
  } catch {
    return [];
  }
  const rows: ProcessRow[] = [];
  for (const name of names) {
    if (!/^\d+$/.test(name)) continue;
    const row = readProcessRow(Number(name));
    if (row !== undefined) rows.push(row);
  }
  return rows;
}

export interface ProcessSnapshot {
  readonly rows: readonly ProcessRow[];
  readonly takenAtMs: number;
}

/** Snapshots that are shared for a moment: reading a table takes milliseconds, and every task asks for one. */
export function createSnapshots(now: () => number, maxAgeMs: number): () => ProcessSnapshot {
  let last: ProcessSnapshot | undefined;
  return () => {
    const takenAtMs = now();
    if (last === undefined || takenAtMs - last.takenAtMs >= maxAgeMs || takenAtMs < last.takenAtMs) {
      last = { rows: readProcessTable(), takenAtMs };
    }
    return last;
  };
}

/** The processes of a task: its group, its session, and whoever descends from one of them. Pure. */
export function selectTree(rows: readonly ProcessRow[], leader: number): ProcessRow[] {
  const byParent = new Map<number, ProcessRow[]>();
  for (const row of rows) {
    const siblings = byParent.get(row.ppid);
    if (siblings === undefined) byParent.set(row.ppid, [row]);
    else siblings.push(row);
  }
  const waiting = rows.filter((row) => row.pid === leader || row.group === leader || row.session === leader);
  const tree = new Map<number, ProcessRow>();
  // Each process enters the tree once, so the loop ends after at most one round a process and parent.
  for (let row = waiting.pop(); row !== undefined; row = waiting.pop()) {
    if (tree.has(row.pid)) continue;
    tree.set(row.pid, row);
    waiting.push(...(byParent.get(row.pid) ?? []));
  }
  return [...tree.values()];
}

/** Resident memory of the processes in MB; pages that they share count once for each of them. */
export function readResidentMb(rows: readonly Pick<ProcessRow, 'pid'>[]): number {
  return sumKilobytes(rows, 'status', /^VmRSS:\s+(\d+) kB/m) / KILOBYTES_PER_MB;
}

/** As {@link readResidentMb} with shared pages divided among their users: exact, and slow for large processes. */
export function readProportionalMb(rows: readonly ProcessRow[]): number {
  return sumKilobytes(rows, 'smaps_rollup', /^Pss:\s+(\d+) kB/m) / KILOBYTES_PER_MB;
}

function sumKilobytes(rows: readonly Pick<ProcessRow, 'pid'>[], file: string, pattern: RegExp): number {
  let sum = 0;
  for (const row of rows) sum += Number(pattern.exec(read(`/proc/${row.pid}/${file}`) ?? '')?.[1] ?? 0);
  return sum;
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'latin1');
  } catch {
    return undefined; // the process has ended, or there is no /proc
  }
}
