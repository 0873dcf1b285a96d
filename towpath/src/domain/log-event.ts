/** A line in the log of a service, and the order and memory that many of them need. Pure. */

export interface LogEvent {
  /** The same for the same line, however often it is read. */
  readonly id: string;
  /** Milliseconds since the epoch, by the clock of whoever wrote it. */
  readonly at: number;
  /** Id of the task. */
  readonly task: string;
  readonly message: string;
}

export interface LogQuery {
  /** Milliseconds since the epoch. */
  readonly from: number;
  /** The last one, itself included; undefined: without end. */
  readonly to: number | undefined;
  /** Lines that contain this, letter by letter. */
  readonly filter: string | undefined;
  /** Of tasks whose id begins so. */
  readonly task: string | undefined;
  /** Of these tasks alone; each of them has a stream. */
  readonly tasks: readonly string[] | undefined;
}

export interface LogPage {
  readonly events: readonly LogEvent[];
  /** Leads to the next page; undefined after the last. A page without lines may have one. */
  readonly cursor: string | undefined;
}

/** The stream that a task logs to. */
export interface LogStreamView {
  readonly task: string;
  /** Milliseconds since the epoch: when the task was started. */
  readonly createdAt: number;
}

export function matchesQuery(event: LogEvent, query: LogQuery): boolean {
  return (
    event.at >= query.from &&
    (query.to === undefined || event.at <= query.to) &&
    (query.filter === undefined || event.message.includes(query.filter)) &&
    (query.task === undefined || event.task.startsWith(query.task)) &&
    (query.tasks === undefined || query.tasks.includes(event.task))
  );
}

/** What goes on with the line before: an indented one, or one of a stack trace. */
const CONTINUATION = /^(?:\s+\S|Caused by: |Traceback |\.{3} \d+ more)/;

/** By time; the lines of a stack trace stay together behind the line of the same task that they belong to. */
export function orderEvents(events: readonly LogEvent[]): readonly LogEvent[] {
  const heads = new Map<string, number>();
  return [...events]
    .sort((a, b) => a.at - b.at)
    .map((event, place) => {
      const head = CONTINUATION.test(event.message) ? heads.get(event.task) : undefined;
      if (head === undefined) heads.set(event.task, place);
      return { event, head: head ?? place, place };
    })
    .sort((a, b) => a.head - b.head || a.place - b.place)
    .map(({ event }) => event);
}

export interface SeenEvents {
  /** Those that were not seen before; from now on they were. */
  fresh(events: readonly LogEvent[]): readonly LogEvent[];
  /** Nothing from before is asked for again. @param at milliseconds since the epoch */
  forgetBefore(at: number): void;
  readonly size: number;
}

/** @param maxEvents the oldest are forgotten when there are more */
export function createSeenEvents(maxEvents: number): SeenEvents {
  const seen = new Map<string, number>();
  return {
    fresh(events) {
      const unseen = events.filter(({ id, at }) => {
        if (seen.has(id)) return false;
        seen.set(id, at);
        return true;
      });
      for (const id of seen.keys()) {
        if (seen.size <= maxEvents) break;
        seen.delete(id);
      }
      return unseen;
    },
    forgetBefore(at) {
      for (const [id, time] of seen) if (time < at) seen.delete(id);
    },
    get size() {
      return seen.size;
    },
  };
}
