/**
 * One run of the Terraform program: its own process group (a terminal's Ctrl-C reaches it once, through us),
 * a graceful interrupt when we are aborted, and an interrupt from the kernel when we are killed.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { realpathSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { findExecutable } from '../process/find-executable.ts';
import { processStartTime } from '../process/process-identity.ts';
import { followOutput, splitLines } from './followed-output.ts';

/** Terraform finishes the resource at hand after an interrupt; a load balancer takes about a minute. */
const INTERRUPT_GRACE_MS = 180_000;
const STDERR_LIMIT_CHARS = 64_000;

export interface TerraformRun {
  readonly program: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  /** Where the pid is noted while it runs, so that a later command can tell whether it still does. */
  readonly pidFile: string;
  readonly onLine?: (line: string) => void;
  readonly signal?: AbortSignal | undefined;
  /** Kills it, with its provider plugins: for when what it works on is gone and there is nothing to save. */
  readonly kill?: AbortSignal | undefined;
}

export interface TerraformResult {
  readonly code: number | null;
  readonly stderr: string;
  readonly interrupted: boolean;
}

export async function runTerraform(run: TerraformRun): Promise<TerraformResult> {
  run.signal?.throwIfAborted();
  const [command, args] = supervise(run.program, run.args, process.pid);
  const folder = dirname(run.pidFile);
  let stderr = '';
  const lines = splitLines((line) => run.onLine?.(line));
  const output = followOutput(folder, lines.take);
  const errors = followOutput(folder, (text) => {
    stderr = (stderr + text).slice(-STDERR_LIMIT_CHARS);
  });
  const child = spawn(command, args, {
    cwd: run.cwd,
    env: run.env as NodeJS.ProcessEnv,
    detached: true,
    stdio: ['pipe', output.fd, errors.fd],
  });
  // Whoever ended before it read our word has said all by its exit code.
  child.stdin?.on('error', () => {});
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve(code));
  });
  const interruption = interruptOnAbort(child, run.signal);
  const killNow = () => killGroup(child);
  run.kill?.addEventListener('abort', killNow, { once: true });
  try {
    if (child.pid !== undefined) await notePid(run.pidFile, child.pid);
    child.stdin?.end('noted\n');
    const code = await ended.finally(() => Promise.all([output.finish(), errors.finish()]));
    lines.end();
    return { code, stderr, interrupted: interruption.happened() };
  } finally {
    interruption.dispose();
    run.kill?.removeEventListener('abort', killNow);
    await rm(run.pidFile, { force: true });
  }
}

/**
 * Stands between us and Terraform (`$1`: our process id).
 * - Starts it only once we have noted whom we started, and not when we are gone by then: no command could tell that
 *   it runs, and `unlock` would free the lock of a Terraform that is at work.
 * - Passes the first interrupt on and no other: a second one makes Terraform drop everything without saving its state.
 *   The kernel sends one for each thread of ours that dies as the parent of its child, so there may be several.
 * - A shell's background child ignores interrupts until it asks for them. `env` (where it is GNU's) undoes that, or
 *   one that comes while Terraform is being loaded would be lost, and Terraform would go on.
 */
const SUPERVISE = `
stop() { trap '' INT; stopped=1; [ -z "$child" ] || kill -INT "$child"; }
trap stop INT
[ "$PPID" = "$1" ] || exit 130
shift
read -r noted || exit 130
[ -z "$stopped" ] || exit 130
if env --default-signal=INT true 2>/dev/null; then set -- env --default-signal=INT "$@"; fi
"$@" </dev/null &
child=$!
[ -z "$stopped" ] || kill -INT "$child"
wait "$child"
code=$?
# The interrupt ends the first wait, not the child.
if [ -n "$stopped" ] && [ "$code" -gt 128 ]; then
  wait "$child"
  code=$?
fi
exit "$code"
`;

/**
 * On Linux the kernel interrupts Terraform when this process is killed outright: it then saves its state
 * and gives the lock back, instead of going on unseen.
 */
export function supervise(program: string, args: readonly string[], parentPid: number): [string, string[]] {
  const setpriv = process.platform === 'linux' ? findExecutable('setpriv', process.env.PATH) : undefined;
  // BusyBox (Alpine) has one that knows no --pdeathsig.
  if (setpriv === undefined || basename(realpathSync(setpriv)) === 'busybox') return [program, [...args]];
  const supervised = ['sh', '-c', SUPERVISE, 'sh', String(parentPid), program, ...args];
  return [setpriv, ['--pdeathsig', 'INT', ...supervised]];
}

async function notePid(file: string, pid: number): Promise<void> {
  await writeFile(file, JSON.stringify({ pid, startTime: processStartTime(pid) }), { mode: 0o600 });
}

function interruptOnAbort(child: ChildProcess, signal: AbortSignal | undefined) {
  let happened = false;
  let timer: NodeJS.Timeout | undefined;
  const interrupt = () => {
    happened = true;
    child.kill('SIGINT');
    timer = setTimeout(() => killGroup(child), INTERRUPT_GRACE_MS);
  };
  signal?.addEventListener('abort', interrupt, { once: true });
  return {
    happened: () => happened,
    dispose: () => {
      signal?.removeEventListener('abort', interrupt);
      if (timer) clearTimeout(timer);
    },
  };
}

/** Provider plugins are in Terraform's group, and outlive a Terraform that was killed alone. */
function killGroup(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch (error) {
    // Nobody of the group is left: what was wanted.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
