/** Starts one process of a task: in a session of its own, tied to our life, inside the task's resource group. */
import { type ChildProcess, spawn } from 'node:child_process';

export interface MemberCommand {
  readonly program: string;
  readonly args: readonly string[];
}

export interface MemberOptions extends MemberCommand {
  readonly workingDirectory: string;
  readonly environment: Readonly<Record<string, string>>;
  /** Path of util-linux' setpriv, or undefined where there is none. */
  readonly setpriv: string | undefined;
  /** `cgroup.procs` files of the groups it belongs to; none where groups are not allowed. */
  readonly groups: readonly string[];
  readonly stdin: 'ignore' | 'pipe';
}

/**
 * Joins the groups and becomes the program, so that it never runs outside of them and the pid is the program's.
 * A shell sets PWD on its own account: it is taken away again, unless the task has one.
 */
const JOIN = `
while [ "$1" != -- ]; do echo 0 > "$1" || exit 126; shift; done
shift
if [ "$1" = unset ]; then unset PWD OLDPWD SHLVL _; fi
shift
exec "$@"`;

/** The command line that starts the program with all that it needs around it. Pure. */
export function decideMemberCommand(
  options: Pick<MemberOptions, 'program' | 'args' | 'setpriv' | 'groups' | 'environment'>,
): MemberCommand {
  const { program, args, setpriv, groups, environment } = options;
  // setpriv becomes the program by exec, as the shell does.
  const tied =
    setpriv === undefined ? [program, ...args] : [setpriv, '--pdeathsig', 'KILL', '--', program, ...args];
  if (groups.length === 0) return { program: tied[0] ?? program, args: tied.slice(1) };
  const keep = environment.PWD === undefined ? 'unset' : 'keep';
  return { program: '/bin/sh', args: ['-c', JOIN, 'sh', ...groups, '--', keep, ...tied] };
}

/** @throws Error of the operating system when it can't be executed */
export async function spawnMember(options: MemberOptions): Promise<{ child: ChildProcess; pid: number }> {
  const { program, args } = decideMemberCommand(options);
  const child = spawn(program, args, {
    cwd: options.workingDirectory,
    env: { ...options.environment },
    detached: true, // its own session and group
    stdio: [options.stdin, 'pipe', 'pipe'],
  });
  const { pid } = child;
  if (pid === undefined) {
    throw await new Promise<Error>((resolve) => child.once('error', resolve));
  }
  child.on('error', () => {}); // a failed kill; the exit tells the outcome
  return { child, pid };
}
