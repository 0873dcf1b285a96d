/** Shows what the tasks of an environment wrote: what there is, and with `follow` what comes. */
import { TowpathError } from '../domain/errors.ts';
import { foldLedger } from '../domain/ledger.ts';
import {
  createSeenEvents,
  type LogEvent,
  type LogQuery,
  orderEvents,
  type SeenEvents,
} from '../domain/log-event.ts';
import { commandToFill } from '../domain/next-command.ts';
import type { Environment } from '../domain/project.ts';
import { decideRelease, decideReleaseWindows, ranRelease } from '../domain/release-tasks.ts';
import type { Cloud, Ports } from '../ports.ts';
import { followLogs, MAX_SEEN_EVENTS, OVERLAP_MS, type TaskChoice } from './follow-logs.ts';
import { enter } from './select-environment.ts';

/** How far back we look unless told. */
const DEFAULT_SINCE_MS = 10 * 60_000;
/** Lines shown of what there is already, unless told. */
export const DEFAULT_LOG_LIMIT = 1_000;
/** Pages of the log read for what there is already; CloudWatch reads through about 1 MB for each. */
const MAX_HISTORY_PAGES = 300;
/** Lines kept while more are read, as a multiple of those that are shown: they come in no certain order. */
const KEPT_PER_SHOWN = 4;

export interface LogsOptions {
  /** Milliseconds since the epoch; undefined: ten minutes ago, or with a release when it last began to be deployed. */
  readonly from: number | undefined;
  readonly to: number | undefined;
  readonly filter: string | undefined;
  /** The beginning of a task's id. */
  readonly task: string | undefined;
  /** `current`, `previous`, or the beginning of a release's id. */
  readonly release: string | undefined;
  /** The newest so many lines of what there is already. */
  readonly limit: number | undefined;
  readonly follow: boolean;
  show(events: readonly LogEvent[]): void;
  /** Ends a `follow` well. */
  readonly signal: AbortSignal;
}

export interface LogsResult {
  readonly environment: string;
  readonly release: string | undefined;
  /** Since when lines were looked for. */
  readonly since: string;
  readonly lines: number;
  /** Older ones that were found and not shown. */
  readonly earlier: number;
}

interface History {
  readonly events: readonly LogEvent[];
  readonly earlier: number;
}

/** @throws TowpathError `NOT_DEPLOYED`, `UNKNOWN_TASK`, `UNKNOWN_RELEASE` */
export async function logs(ports: Ports, environmentName: string, options: LogsOptions): Promise<LogsResult> {
  const { environment, cloud } = await enter(ports, environmentName);
  const chosen =
    options.release === undefined ? undefined : await chooseRelease(environment, cloud, options.release);
  const now = ports.clock.now().getTime();
  const query: LogQuery = {
    from: options.from ?? chosen?.from ?? now - DEFAULT_SINCE_MS,
    to: options.follow ? undefined : options.to,
    filter: options.filter,
    task: options.task,
    tasks: undefined,
  };
  const seen = createSeenEvents(MAX_SEEN_EVENTS);
  const since = new Date(query.from).toISOString();
  const result = { environment: environment.name, release: chosen?.release, since };
  let shown = 0;
  const show = (events: readonly LogEvent[]): void => {
    shown += events.length;
    if (events.length > 0) options.show(events);
  };
  try {
    const tasks = await chosen?.choose([]);
    const narrowed = { ...query, tasks: tasks === undefined ? undefined : [...tasks] };
    const { events, earlier } = await readHistory(environment, ports, cloud, narrowed, options, seen);
    if (events.length === 0 && options.task !== undefined)
      await assertTask(environment.name, cloud, options.task);
    tellWhatIsThere(ports, { events, earlier }, since, options);
    show(events);
    if (!options.follow) return { ...result, lines: shown, earlier };
    const newest = Math.min(now, events.at(-1)?.at ?? query.from);
    const { signal } = options;
    await followLogs(ports, cloud.logs, { query, newest, seen, choose: chosen?.choose, show, signal });
    return { ...result, lines: shown, earlier };
  } catch (error) {
    if (options.follow && options.signal.aborted) return { ...result, lines: shown, earlier: 0 };
    throw error;
  }
}

interface ChosenRelease {
  readonly release: string;
  /** When it began to be deployed for the last time. */
  readonly from: number | undefined;
  readonly choose: TaskChoice;
}

async function chooseRelease(environment: Environment, cloud: Cloud, wanted: string): Promise<ChosenRelease> {
  const ledger = foldLedger((await cloud.bootstrap.exists()) ? await cloud.ledger.load() : []);
  const release = decideRelease(environment, ledger, wanted);
  const windows = decideReleaseWindows(ledger.deployments, release.id);
  /** Of tasks that have logged; it never changes. */
  const decided = new Map<string, boolean>();
  return {
    release: release.id,
    from: windows.at(-1)?.from,
    async choose(asked) {
      if (decided.size === 0 || asked.some((task) => !decided.has(task))) {
        const [streams, snapshot] = await Promise.all([cloud.logs.streams(), cloud.service.snapshot()]);
        const digests = new Map<string, string>();
        for (const { id, imageDigest } of [...(snapshot?.tasks ?? []), ...(snapshot?.stopped ?? [])])
          if (imageDigest !== undefined) digests.set(id, imageDigest);
        for (const stream of streams) decided.set(stream.task, ranRelease(stream, release, windows, digests));
        // Of another program than a task of ours; asking again would not tell.
        for (const task of asked) if (!decided.has(task)) decided.set(task, false);
      }
      return new Set([...decided].flatMap(([task, ran]) => (ran ? [task] : [])));
    },
  };
}

/** The newest lines in their order. All that is near the end is marked as seen, shown or not. */
async function readHistory(
  environment: Environment,
  ports: Pick<Ports, 'notifier'>,
  cloud: Cloud,
  query: LogQuery,
  { limit = DEFAULT_LOG_LIMIT, signal }: Pick<LogsOptions, 'limit' | 'signal'>,
  seen: SeenEvents,
): Promise<History> {
  // None of the release has logged; whoever follows still waits for the first.
  if (query.tasks?.length === 0) return { events: [], earlier: 0 };
  let kept: readonly LogEvent[] = [];
  let found = 0;
  let cursor: string | undefined;
  for (let pages = 1; ; pages += 1) {
    const page = await cloud.logs.read(query, cursor, signal);
    if (page === undefined)
      throw new TowpathError('NOT_DEPLOYED', `${environment.name} has no log: it runs nothing yet.`, {
        hint: commandToFill(environment),
      });
    const fresh = seen.fresh(page.events);
    found += fresh.length;
    kept = [...kept, ...fresh];
    if (kept.length > limit * KEPT_PER_SHOWN) kept = orderEvents(kept).slice(-limit);
    cursor = page.cursor;
    if (cursor === undefined) break;
    if (pages >= MAX_HISTORY_PAGES) {
      const until = kept.at(-1)?.at ?? query.from;
      ports.notifier.notify({
        type: 'warning',
        text: `only the beginning was read, up to ${new Date(until).toISOString()}: the log is too long for one look`,
        hint: 'a later --since, or --task, narrows it',
      });
      break;
    }
  }
  const events = orderEvents(kept).slice(-limit);
  seen.forgetBefore((events.at(-1)?.at ?? 0) - OVERLAP_MS);
  return { events, earlier: found - events.length };
}

async function assertTask(environment: string, cloud: Cloud, wanted: string): Promise<void> {
  const streams = await cloud.logs.streams();
  if (streams.some(({ task }) => task.startsWith(wanted))) return;
  const known = streams.slice(0, 5).map(({ task }) => task);
  throw new TowpathError(
    'UNKNOWN_TASK',
    `No task of ${environment} that begins with "${wanted}" has logged.`,
    {
      hint: known.length === 0 ? `towpath status ${environment}` : `the last that did: ${known.join(', ')}`,
    },
  );
}

function tellWhatIsThere(
  { notifier }: Pick<Ports, 'notifier'>,
  { events, earlier }: History,
  since: string,
  { follow, filter }: LogsOptions,
): void {
  const what = filter === undefined ? 'no lines' : `no lines with "${filter}"`;
  if (earlier > 0)
    notifier.notify({
      type: 'note',
      text: `${earlier} earlier lines are not shown: --limit, or a later --since`,
    });
  if (events.length > 0) return;
  const next = follow ? 'waiting for the next' : 'an earlier --since looks further back';
  notifier.notify({ type: 'note', text: `${what} since ${since}; ${next}` });
}
