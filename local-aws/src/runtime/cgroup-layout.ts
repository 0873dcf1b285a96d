/**
 * Where a process may make groups of its own, read from /proc/self/cgroup and /proc/self/mountinfo, and what is
 * written into them. Both versions of Linux' control groups, cgroups(7). Pure.
 */

/** What a task may have at most. */
export interface GroupLimits {
  readonly cpuUnits: number;
  readonly memoryMb: number;
  readonly processes: number;
}

export interface CgroupLayout {
  readonly version: 1 | 2;
  /**
   * Folders to make a group in, the best first. Version 1 has a hierarchy for each controller and needs one folder
   * of each; version 2 has one for all.
   */
  readonly candidates: readonly Readonly<Record<Controller, string>>[];
}

const CONTROLLERS = ['cpu', 'cpuacct', 'memory', 'pids'] as const;
export type Controller = (typeof CONTROLLERS)[number];

const CPU_UNITS_PER_CORE = 1024;
/** The period of every container runtime. Without burst, as on Fargate. */
const CPU_PERIOD_US = 100_000;
/** The kernel takes no less. */
const MIN_CPU_QUOTA_US = 1_000;
const BYTES_PER_MB = 1024 * 1024;

interface Mount {
  readonly root: string;
  readonly at: string;
  readonly type: string;
  readonly options: readonly string[];
}

/** The layouts to try, the newer first. */
export function decideCgroupLayouts(files: {
  readonly cgroup: string;
  readonly mountinfo: string;
}): readonly CgroupLayout[] {
  const mounts = parseMounts(files.mountinfo);
  const own = parseOwnGroups(files.cgroup);
  const layouts: CgroupLayout[] = [];
  const unified = mounts.find(({ type }) => type === 'cgroup2');
  const ownUnified = own.get('');
  if (unified !== undefined && ownUnified !== undefined) {
    // Only a folder without processes hands its controllers on: so upwards from the own one.
    const candidates = foldersUpwards(unified, ownUnified).map((folder) => sameForAll(folder));
    layouts.push({ version: 2, candidates });
  }
  const folders = CONTROLLERS.map((controller) => {
    const mount = mounts.find(({ type, options }) => type === 'cgroup' && options.includes(controller));
    const path = own.get(controller);
    return mount === undefined || path === undefined ? undefined : foldersUpwards(mount, path)[0];
  });
  if (folders.every((folder) => folder !== undefined)) {
    const [cpu = '', cpuacct = '', memory = '', pids = ''] = folders;
    layouts.push({ version: 1, candidates: [{ cpu, cpuacct, memory, pids }] });
  }
  return layouts;
}

export interface LimitFile {
  readonly file: string;
  readonly content: string;
  /** Not everywhere. */
  readonly optional?: true;
  /** The kernel refuses more than a group above has (EINVAL), as in a container with less CPU; that bound holds anyway. */
  readonly capped?: true;
}

/** Files and their content for a new group; `optional` ones may be missing in a kernel without swap accounting. */
export function decideLimitFiles(
  version: 1 | 2,
  folders: Readonly<Record<Controller, string>>,
  limits: GroupLimits,
): readonly LimitFile[] {
  const quota = Math.max(
    MIN_CPU_QUOTA_US,
    Math.round((limits.cpuUnits / CPU_UNITS_PER_CORE) * CPU_PERIOD_US),
  );
  const bytes = String(limits.memoryMb * BYTES_PER_MB);
  const processes = { file: `${folders.pids}/pids.max`, content: String(limits.processes) };
  if (version === 2) {
    return [
      { file: `${folders.cpu}/cpu.max`, content: `${quota} ${CPU_PERIOD_US}` },
      { file: `${folders.memory}/memory.max`, content: bytes },
      { file: `${folders.memory}/memory.swap.max`, content: '0', optional: true },
      processes,
    ];
  }
  return [
    { file: `${folders.cpu}/cpu.cfs_period_us`, content: String(CPU_PERIOD_US) },
    { file: `${folders.cpu}/cpu.cfs_quota_us`, content: String(quota), capped: true },
    { file: `${folders.memory}/memory.limit_in_bytes`, content: bytes },
    // Memory and swap together: no swap, as on Fargate.
    { file: `${folders.memory}/memory.memsw.limit_in_bytes`, content: bytes, optional: true },
    processes,
  ];
}

/** `name 123` in a file of such lines; 0 when it is not there. */
export function parseKeyedNumber(text: string, name: string): number {
  return Number(new RegExp(`^${name} (\\d+)$`, 'm').exec(text)?.[1] ?? 0);
}

function sameForAll(folder: string): Record<Controller, string> {
  return { cpu: folder, cpuacct: folder, memory: folder, pids: folder };
}

function parseMounts(text: string): Mount[] {
  return text.split('\n').flatMap((line) => {
    const [before = '', after] = line.split(' - ');
    const [, , , root, at] = before.split(' ');
    const [type, , options] = (after ?? '').split(' ');
    if (root === undefined || at === undefined || type === undefined || options === undefined) return [];
    return [{ root, at, type, options: options.split(',') }];
  });
}

/** By controller; the unified hierarchy has the empty name. */
function parseOwnGroups(text: string): Map<string, string> {
  const own = new Map<string, string>();
  for (const line of text.split('\n')) {
    const match = /^\d+:([^:]*):(.*)$/.exec(line);
    for (const controller of match?.[1]?.split(',') ?? []) own.set(controller, match?.[2] ?? '/');
  }
  return own;
}

/** The own folder below the mount and its parents; the mount alone where the own one lies outside of it. */
function foldersUpwards(mount: Mount, path: string): string[] {
  const root = mount.root === '/' ? '' : mount.root;
  const parts = path.startsWith(`${root}/`) ? path.slice(root.length).split('/').filter(Boolean) : [];
  return Array.from({ length: parts.length + 1 }, (_, up) =>
    [mount.at, ...parts.slice(0, parts.length - up)].join('/'),
  );
}
