/** What a group of the system's (a cgroup) does for a task: limits, accounts, and a list of its processes. */

export interface TaskGroup {
  /** Files that a process writes its id to in order to join. */
  readonly joinFiles: readonly string[];
  /** Ids of all its processes, whatever session or parent they have. */
  pids(): readonly number[];
  cpuSeconds(): number;
  /** Memory without the page cache that the system can take back. */
  memoryMb(): number;
  /** How many processes were killed because the group's memory was full. */
  outOfMemoryKills(): number;
  /** Kills what is left in it and takes it away. Bounded; never rejects. */
  remove(): Promise<void>;
}
