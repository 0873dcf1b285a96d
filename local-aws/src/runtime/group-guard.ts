/**
 * A tiny shell process that outlives the embedded AWS by a moment: when its standard input closes, because
 * the embedded AWS has ended in whatever way, it kills the process groups that are still on its list,
 * and whoever is in the control groups of tasks.
 * The kernel's parent-death signal reaches only a task's first process; this reaches the children too.
 */
import { type ChildProcess, spawn } from 'node:child_process';

const SCRIPT = `
groups=" "
while read -r verb id; do
  case "$verb" in
    add) groups="$groups$id " ;;
    del) before="\${groups%% $id *}"
         if [ "$before" != "$groups" ]; then groups="$before \${groups#* $id }"; fi ;;
    end) exit 0 ;;
  esac
done
for id in $groups; do kill -s KILL -- "-$id" 2>/dev/null; done
# A killed process leaves its group when the kernel has buried it, which takes its time on a busy computer.
round=0
while [ "$round" -lt 100 ]; do
  round=$((round + 1))
  left=
  for folder; do
    for group in "$folder"/*/; do
      if [ -e "$group/cgroup.procs" ]; then
        while read -r id; do kill -s KILL "$id" 2>/dev/null; done < "$group/cgroup.procs"
        rmdir "$group" 2>/dev/null
      fi
    done
    if [ -d "$folder" ]; then rmdir "$folder" 2>/dev/null || left=1; fi
  done
  [ -n "$left" ] || exit 0
  sleep 0.1
done
`;

export class GroupGuard {
  #shell: ChildProcess | undefined;
  readonly #groups = new Set<number>();
  readonly #log: (line: string) => void;
  readonly #folders: readonly string[];

  /** @param folders in which the control groups of tasks lie */
  constructor(log: (line: string) => void, folders: readonly string[] = []) {
    this.#log = log;
    this.#folders = folders;
  }

  get pid(): number | undefined {
    return this.#shell?.pid;
  }

  add(group: number): void {
    this.#groups.add(group);
    if (this.#shell === undefined) this.#start();
    else this.#tell(`add ${group}`);
  }

  remove(group: number): void {
    if (!this.#groups.delete(group)) return;
    this.#tell(`del ${group}`);
    if (this.#groups.size === 0) this.#stop();
  }

  #start(): void {
    // A session of its own: Ctrl-C on the terminal must not end the guard before the tasks.
    const shell = spawn('/bin/sh', ['-c', SCRIPT, 'sh', ...this.#folders], {
      detached: true,
      stdio: ['pipe', 'ignore', 'ignore'],
      env: { PATH: '/usr/bin:/bin' },
      cwd: '/',
    });
    this.#shell = shell;
    shell.on('error', (error) => this.#log(`the guard of task processes did not start: ${error.message}`));
    shell.stdin?.on('error', () => {}); // 'exit' follows
    shell.once('exit', () => {
      if (this.#shell === shell) this.#shell = undefined;
    });
    shell.unref();
    for (const group of this.#groups) this.#tell(`add ${group}`);
  }

  #stop(): void {
    // An orderly end: by now the control groups may have new tasks, which are another guard's.
    this.#shell?.stdin?.end('end\n');
    this.#shell = undefined;
  }

  #tell(line: string): void {
    this.#shell?.stdin?.write(`${line}\n`);
  }
}
