/** Which task a command is to run in. Pure. */
import { TowpathError } from './errors.ts';

export interface ExecTask {
  readonly id: string;
  readonly zone: string;
  /** AWS's lastStatus. */
  readonly status: string;
  readonly startedAt: string | undefined;
  /** Whether ECS Exec was on when the task was started. */
  readonly enabled: boolean;
  /** Whether its agent takes sessions now. */
  readonly ready: boolean;
}

/**
 * The task whose id begins with `wanted`; the one started last where none is named.
 * @throws TowpathError `NO_RUNNING_TASK`, `UNKNOWN_TASK`, `EXEC_DISABLED`
 */
export function decideExecTask(
  environment: string,
  tasks: readonly ExecTask[],
  wanted: string | undefined,
): ExecTask {
  const running = tasks.filter(({ status }) => status === 'RUNNING');
  if (running.length === 0) {
    const states = [...new Set(tasks.map(({ status }) => status))].join(', ');
    const other = tasks.length === 0 ? '' : ` (${tasks.length} ${states})`;
    throw new TowpathError('NO_RUNNING_TASK', `No task of ${environment} is running${other}.`, {
      hint: `towpath status ${environment}`,
    });
  }
  const candidates = wanted === undefined ? running : [findTask(environment, running, wanted)];
  const enabled = candidates.filter((task) => task.enabled);
  if (enabled.length === 0) throw disabled(environment, candidates);
  // A task that was just started can be slow to wake its agent; an older one answers now.
  const [best] = [...enabled].sort(
    (a, b) =>
      Number(b.ready) - Number(a.ready) ||
      (b.startedAt ?? '').localeCompare(a.startedAt ?? '') ||
      a.id.localeCompare(b.id),
  );
  if (best === undefined) throw disabled(environment, candidates);
  return best;
}

function findTask(environment: string, running: readonly ExecTask[], wanted: string): ExecTask {
  const found = running.filter(({ id }) => id.startsWith(wanted));
  const [only] = found;
  if (only !== undefined && (found.length === 1 || wanted === only.id)) return only;
  const problem = found.length === 0 ? 'No running task of' : 'Several running tasks of';
  throw new TowpathError(
    'UNKNOWN_TASK',
    `${problem} ${environment} begin${found.length === 0 ? 's' : ''} with "${wanted}".`,
    {
      hint: `one of: ${running.map(({ id }) => id).join(', ')}`,
    },
  );
}

function disabled(environment: string, tasks: readonly ExecTask[]): TowpathError {
  const which = tasks.length === 1 ? `Task ${tasks[0]?.id} was` : `The ${tasks.length} running tasks were`;
  return new TowpathError('EXEC_DISABLED', `${which} started without ECS Exec.`, {
    hint: `set service.exec: true for ${environment} in towpath.config.ts, then towpath sync and towpath apply ${environment}`,
  });
}
