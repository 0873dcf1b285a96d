/**
 * The lines of a log as they come. CloudWatch shows a line some seconds late and not in order, so that each look
 * reaches back a little; what was shown already is known by its id.
 */
import type { ErrorCode } from '../domain/errors.ts';
import { TowpathError } from '../domain/errors.ts';
import { type LogEvent, type LogQuery, orderEvents, type SeenEvents } from '../domain/log-event.ts';
import type { LogsPort, Ports } from '../ports.ts';

/** FilterLogEvents allows 25 calls a second in an account and region; this leaves room for others. */
const POLL_MS = 1_000;
/** How far a look reaches back behind the newest line. */
export const OVERLAP_MS = 30_000;
/** Ids of lines that were shown; 30 s of more than 3 000 lines a second. */
export const MAX_SEEN_EVENTS = 100_000;
/** Pause after a look that failed: doubled each time, up to the second. */
const FIRST_RETRY_MS = 2_000;
const MAX_RETRY_MS = 30_000;
/** How long we go on trying. Long enough to sign in again. */
const MAX_TROUBLE_MS = 15 * 60_000;
/** What may be over when it is tried again. */
const PASSING: ReadonlySet<ErrorCode> = new Set([
  'AWS_CALL_FAILED',
  'AWS_UNREACHABLE',
  'CREDENTIALS_EXPIRED',
  'NO_CREDENTIALS',
]);

/** Those of all tasks known so far that are wanted; the ones asked for are known afterwards. */
export type TaskChoice = (asked: readonly string[]) => Promise<ReadonlySet<string>>;

export interface FollowOptions {
  /** Nothing from before its beginning is shown. */
  readonly query: LogQuery;
  /** Time of the newest line that was shown; milliseconds since the epoch. */
  readonly newest: number;
  readonly seen: SeenEvents;
  /** undefined: all tasks. */
  readonly choose: TaskChoice | undefined;
  show(events: readonly LogEvent[]): void;
  readonly signal: AbortSignal;
}

/** Ends only by the signal, as a rejection, or by trouble that does not pass. */
export async function followLogs(
  ports: Pick<Ports, 'clock' | 'notifier'>,
  logs: LogsPort,
  { query, seen, choose, show, signal, ...start }: FollowOptions,
): Promise<never> {
  const trouble = createTrouble(ports);
  let newest = start.newest;
  let look: { readonly query: LogQuery; readonly cursor: string | undefined } | undefined;
  for (;;) {
    try {
      look ??= { query: { ...query, from: Math.max(query.from, newest - OVERLAP_MS) }, cursor: undefined };
      const page = await logs.read(look.query, look.cursor, signal);
      const events = await wantedOf(page?.events ?? [], choose);
      trouble.over();
      show(orderEvents(seen.fresh(events)));
      // A line may claim a time in the future; those that come after it must not be missed.
      const now = ports.clock.now().getTime();
      newest = Math.max(newest, ...events.map(({ at }) => Math.min(at, now)));
      if (page?.cursor !== undefined) {
        look = { query: look.query, cursor: page.cursor };
        continue;
      }
      look = undefined;
      seen.forgetBefore(newest - OVERLAP_MS);
      await ports.clock.sleep(POLL_MS, signal);
    } catch (error) {
      if (signal.aborted) throw error;
      look = undefined;
      await ports.clock.sleep(trouble.tell(error), signal);
    }
  }
}

async function wantedOf(
  events: readonly LogEvent[],
  choose: TaskChoice | undefined,
): Promise<readonly LogEvent[]> {
  if (choose === undefined || events.length === 0) return events;
  const wanted = await choose([...new Set(events.map(({ task }) => task))]);
  return events.filter(({ task }) => wanted.has(task));
}

/** What went wrong since the last look that went well: told once, and tried again for a while. */
function createTrouble({ clock, notifier }: Pick<Ports, 'clock' | 'notifier'>) {
  let since: number | undefined;
  let told: string | undefined;
  let retryMs = FIRST_RETRY_MS;
  return {
    over(): void {
      if (since !== undefined) notifier.notify({ type: 'note', text: 'the log goes on' });
      since = undefined;
      told = undefined;
      retryMs = FIRST_RETRY_MS;
    },
    /** @returns the pause until the next look, in milliseconds @throws what does not pass, or lasts too long */
    tell(error: unknown): number {
      const now = clock.now().getTime();
      since ??= now;
      if (!(error instanceof TowpathError) || !PASSING.has(error.code) || now - since > MAX_TROUBLE_MS)
        throw error;
      if (told !== error.code)
        notifier.notify({ type: 'warning', text: `${error.message}; trying again`, hint: error.hint });
      told = error.code;
      const pauseMs = retryMs;
      retryMs = Math.min(MAX_RETRY_MS, retryMs * 2);
      return pauseMs;
    },
  };
}
