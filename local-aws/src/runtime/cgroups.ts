/**
 * Groups of the kernel's for tasks, where the system lets us make some: CPU, memory and number of processes are
 * then limited by the kernel as on Fargate, and no process of a task gets lost.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type CgroupLayout,
  type Controller,
  decideCgroupLayouts,
  decideLimitFiles,
  type GroupLimits,
  type LimitFile,
  parseKeyedNumber,
} from './cgroup-layout.ts';
import type { TaskGroup } from './task-group.ts';

/** A killed process leaves its group within milliseconds, unless the disk is slow. */
const REMOVE_TIMEOUT_MS = 3000;
const REMOVE_POLL_MS = 10;
const JOIN_TIMEOUT_MS = 5000;
const BYTES_PER_MB = 1024 * 1024;
const NEEDED_OF_V2: readonly Controller[] = ['cpu', 'memory', 'pids'];

type Folders = Readonly<Record<Controller, string>>;

export interface TaskGroups {
  readonly version: 1 | 2;
  /** Folders in which the groups of tasks lie. */
  readonly folders: readonly string[];
  /** Resolves when the groups that a killed run has left are gone, with their names. */
  readonly leftoversRemoved: Promise<readonly string[]>;
  /** @throws Error of the operating system */
  create(name: string, limits: GroupLimits): TaskGroup;
}

/** @returns undefined where no groups can be made; the reason goes to the log */
export function openTaskGroups(stateDir: string, log: (line: string) => void): TaskGroups | undefined {
  const cgroup = read('/proc/self/cgroup');
  if (cgroup === '') return undefined; // not Linux
  // One folder for each state directory, so that a killed run's groups are found, and no one else's.
  const name = `towpath-${createHash('sha256').update(stateDir).digest('hex').slice(0, 12)}`;
  const problems: string[] = [];
  for (const layout of decideCgroupLayouts({ cgroup, mountinfo: read('/proc/self/mountinfo') })) {
    for (const parents of layout.candidates) {
      try {
        return new Cgroups(layout.version, openBase(layout, parents, name));
      } catch (error) {
        problems.push(error instanceof Error ? error.message : String(error));
      }
    }
  }
  log(`limits of tasks are measured, as no control groups can be made: ${problems.join('; ')}`);
  return undefined;
}

/** @throws Error when a group can't be made there, or can't be joined */
function openBase(layout: CgroupLayout, parents: Folders, name: string): Folders {
  if (layout.version === 2) {
    const handedOn = read(join(parents.cpu, 'cgroup.subtree_control')).trim().split(' ');
    const missing = NEEDED_OF_V2.filter((controller) => !handedOn.includes(controller));
    if (missing.length > 0) throw new Error(`${parents.cpu} hands on no ${missing.join(', ')}`);
  }
  const base = inEach(parents, name);
  try {
    makeBase(layout.version, base);
    tryJoin(inEach(base, `probe-${process.pid}`));
    return base;
  } finally {
    // It is there while there are tasks, so that a run that is killed without any leaves nothing.
    removeEmpty(unique(base));
  }
}

function makeBase(version: 1 | 2, base: Folders): void {
  for (const folder of unique(base)) {
    mkdirSync(folder, { recursive: true });
    if (version === 2) {
      writeFileSync(join(folder, 'cgroup.subtree_control'), NEEDED_OF_V2.map((one) => `+${one}`).join(' '));
    }
  }
}

function tryJoin(probe: Folders): void {
  const folders = unique(probe);
  try {
    for (const folder of folders) mkdirSync(folder, { recursive: true });
    const script = 'for folder; do echo 0 > "$folder/cgroup.procs" || exit 1; done';
    const outcome = spawnSync('/bin/sh', ['-c', script, 'sh', ...folders], {
      timeout: JOIN_TIMEOUT_MS,
      encoding: 'utf8',
    });
    if (outcome.status !== 0) throw new Error(`${probe.cpu} can't be joined: ${outcome.stderr}`);
  } finally {
    removeEmpty(folders);
  }
}

class Cgroups implements TaskGroups {
  readonly version: 1 | 2;
  readonly leftoversRemoved: Promise<readonly string[]>;
  readonly #base: Folders;

  constructor(version: 1 | 2, base: Folders) {
    this.version = version;
    this.#base = base;
    this.leftoversRemoved = this.#removeLeftovers();
  }

  get folders(): readonly string[] {
    return unique(this.#base);
  }

  create(name: string, limits: GroupLimits): TaskGroup {
    const folders = inEach(this.#base, name);
    try {
      makeBase(this.version, this.#base);
      for (const folder of unique(folders)) mkdirSync(folder);
      writeLimits(decideLimitFiles(this.version, folders, limits));
    } catch (error) {
      removeEmpty(unique(folders));
      throw error;
    }
    return new Cgroup(this.version, folders, () => removeEmpty(this.folders));
  }

  async #removeLeftovers(): Promise<readonly string[]> {
    const names = new Set(this.folders.flatMap((folder) => childrenOf(folder)));
    for (const name of names) await removeGroup(unique(inEach(this.#base, name)));
    removeEmpty(this.folders);
    return [...names];
  }
}

/** @throws Error of the operating system */
export function writeLimits(files: readonly LimitFile[], write: typeof writeFileSync = writeFileSync): void {
  for (const { file, content, optional, capped } of files) {
    if (optional && !existsSync(file)) continue;
    try {
      write(file, content);
    } catch (error) {
      if (!capped || (error as NodeJS.ErrnoException).code !== 'EINVAL') throw error;
    }
  }
}

class Cgroup implements TaskGroup {
  readonly joinFiles: readonly string[];
  readonly #version: 1 | 2;
  readonly #folders: Folders;
  readonly #onRemoved: () => void;
  #cpuSeconds = 0;
  #kills = 0;

  constructor(version: 1 | 2, folders: Folders, onRemoved: () => void) {
    this.#onRemoved = onRemoved;
    this.#version = version;
    this.#folders = folders;
    this.joinFiles = unique(folders).map((folder) => join(folder, 'cgroup.procs'));
  }

  pids(): readonly number[] {
    // One folder tells: a process joins all of them when it starts, and its children are born there.
    return pidsOf([this.#folders.memory]);
  }

  cpuSeconds(): number {
    const { cpu, cpuacct } = this.#folders;
    const seconds =
      this.#version === 2
        ? parseKeyedNumber(read(join(cpu, 'cpu.stat')), 'usage_usec') / 1e6
        : Number(read(join(cpuacct, 'cpuacct.usage'))) / 1e9;
    // The files are gone once the task is.
    this.#cpuSeconds = Math.max(this.#cpuSeconds, seconds);
    return this.#cpuSeconds;
  }

  memoryMb(): number {
    const { memory } = this.#folders;
    const [current, inactive] =
      this.#version === 2
        ? ['memory.current', 'inactive_file']
        : ['memory.usage_in_bytes', 'total_inactive_file'];
    const cache = parseKeyedNumber(read(join(memory, 'memory.stat')), inactive);
    return Math.max(0, Number(read(join(memory, current))) - cache) / BYTES_PER_MB;
  }

  outOfMemoryKills(): number {
    const file = this.#version === 2 ? 'memory.events' : 'memory.oom_control';
    this.#kills = Math.max(this.#kills, parseKeyedNumber(read(join(this.#folders.memory, file)), 'oom_kill'));
    return this.#kills;
  }

  async remove(): Promise<void> {
    this.cpuSeconds();
    this.outOfMemoryKills();
    await removeGroup(unique(this.#folders));
    this.#onRemoved();
  }
}

/** Kills until nobody is left, then takes the folders away. Gives up at its limit. */
async function removeGroup(folders: readonly string[]): Promise<void> {
  const deadline = Date.now() + REMOVE_TIMEOUT_MS;
  while (Date.now() < deadline) {
    for (const pid of pidsOf(folders)) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // It has just ended.
      }
    }
    if (removeEmpty(folders)) return;
    await sleep(REMOVE_POLL_MS);
  }
}

/** @returns whether all of them are gone */
function removeEmpty(folders: readonly string[]): boolean {
  let gone = true;
  for (const folder of folders) {
    try {
      rmdirSync(folder);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') gone = false;
    }
  }
  return gone;
}

function pidsOf(folders: readonly string[]): readonly number[] {
  const pids = folders.flatMap((folder) => read(join(folder, 'cgroup.procs')).split('\n').map(Number));
  // 0 stands for a process that this namespace does not see.
  return [...new Set(pids)].filter((pid) => pid > 1 && pid !== process.pid);
}

function childrenOf(folder: string): string[] {
  try {
    return readdirSync(folder, { withFileTypes: true }).flatMap((entry) =>
      entry.isDirectory() ? [entry.name] : [],
    );
  } catch {
    return [];
  }
}

function inEach(folders: Folders, name: string): Folders {
  const inside = (folder: string): string => join(folder, name);
  const { cpu, cpuacct, memory, pids } = folders;
  return { cpu: inside(cpu), cpuacct: inside(cpuacct), memory: inside(memory), pids: inside(pids) };
}

function unique(folders: Folders): string[] {
  return [...new Set(Object.values(folders))];
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return ''; // gone, or not there on this system
  }
}
