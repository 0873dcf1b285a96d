/** Containers that ended by themselves, told apart by exit code, what they wrote, and how long they ran. Pure. */
import { type Evidence, type Explanation, taskName } from './explanation.ts';
import {
  quoteComplaint,
  readAnnouncements,
  saysCommandNotFound,
  saysOutOfMemory,
  saysWrongFormat,
} from './explanation-log.ts';
import type { TaskView } from './rollout.ts';

/** A program that ran this long has started, even if it did not say so. */
const STARTED_AFTER_MS = 10_000;
const KILLED = 137;
const NOT_EXECUTABLE = 126;
const NOT_FOUND = 127;

/** @returns undefined for a task that runs, or that was stopped from outside */
export function explainExit(evidence: Evidence): Explanation | undefined {
  const { culprit, log } = evidence;
  if (!culprit || culprit.exitCode === undefined || wasStopped(culprit)) return undefined;
  return (
    explainMemory(evidence, culprit) ??
    explainFormat(evidence, culprit) ??
    explainCode(culprit, culprit.exitCode, log)
  );
}

/** By health checks, the scheduler or a person: the exit code is then that of our own signal. */
function wasStopped({ stoppedReason }: TaskView): boolean {
  return /health checks|scaling activity|stopped by user|Spot (?:Task|interruption)/i.test(
    stoppedReason ?? '',
  );
}

function explainMemory({ settings, log }: Evidence, task: TaskView): Explanation | undefined {
  const said = /OutOfMemory/i.test(`${task.containerReason} ${task.stoppedReason}`);
  const wrote = saysOutOfMemory(log);
  if (!said && !wrote && task.exitCode !== KILLED) return undefined;
  const limit = settings?.container?.memoryMb;
  const size = limit === undefined ? 'its memory' : `its ${limit} MB of memory`;
  return {
    kind: said || wrote ? 'out-of-memory' : 'killed',
    cause: `the container ${said || wrote ? `needs more than ${size} and was killed` : `was killed, most likely for using more than ${size}`} (exit code ${task.exitCode}; ${taskName(task)})`,
    hint: `raise \`memory\` of the service in towpath.config.ts${limit === undefined ? '' : ` (now ${limit})`}, or let the program use less; then towpath sync and deploy again`,
    confidence: said ? 'certain' : 'likely',
  };
}

function explainFormat({ settings, log }: Evidence, task: TaskView): Explanation | undefined {
  if (!saysWrongFormat(log) && !/exec format error/i.test(task.containerReason ?? '')) return undefined;
  const platform = settings?.container?.architecture === 'ARM64' ? 'linux/arm64' : 'linux/amd64';
  return {
    kind: 'image-architecture',
    cause: `the image is for another architecture than ${platform}: exec format error (${taskName(task)})`,
    hint: `build the image for ${platform} (docker build --platform ${platform}), or set the architecture of the service`,
    confidence: 'certain',
  };
}

function explainCode(task: TaskView, exitCode: number, log: readonly string[]): Explanation {
  const complaint = quoteComplaint(log);
  const said = complaint === undefined ? '' : `: ${complaint}`;
  const what = `exit code ${exitCode}; ${taskName(task)}`;
  if (exitCode === 0)
    return {
      kind: 'exits-with-zero',
      cause: `the container ends by itself, without an error (${what})${said}`,
      hint: 'a service must keep running: start the server in the foreground as the command of the container, then deploy again',
      confidence: 'certain',
    };
  if (exitCode === NOT_FOUND || (exitCode === NOT_EXECUTABLE && saysCommandNotFound(log)))
    return {
      kind: 'command-not-found',
      cause: `the container's command is not in the image (${what})${said}`,
      hint: 'mend ENTRYPOINT and CMD of the Dockerfile, then deploy again',
      confidence: 'likely',
    };
  const ranMs = ranFor(task);
  const started = readAnnouncements(log).length > 0 || (ranMs ?? 0) >= STARTED_AFTER_MS;
  const after = ranMs === undefined ? '' : ` after ${formatSeconds(ranMs)}`;
  return {
    kind: started ? 'exits-after-start' : 'crash-at-start',
    cause: started
      ? `the container starts and then exits${after} (${what})${said}`
      : `the container crashes at start${after} (${what})${said}`,
    hint: 'mend what the log says, then deploy again',
    confidence: 'likely',
  };
}

/** Milliseconds from RUNNING to the end of the program. */
export function ranFor({ startedAt, stoppedAt }: TaskView): number | undefined {
  if (startedAt === undefined || stoppedAt === undefined) return undefined;
  const ms = Date.parse(stoppedAt) - Date.parse(startedAt);
  return Number.isFinite(ms) ? Math.max(0, ms) : undefined;
}

export function formatSeconds(ms: number): string {
  return ms < 10_000 ? `${(ms / 1000).toFixed(1)} s` : `${Math.round(ms / 1000)} s`;
}
