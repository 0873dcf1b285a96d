/** Logs in memory: what tests write, page by page. */
import { type LogEvent, type LogStreamView, matchesQuery } from '../../src/domain/log-event.ts';
import type { LogsPort } from '../../src/ports.ts';

export interface LogStore {
  /** false: there is no log group. */
  exists: boolean;
  /** In the order of their arrival. */
  readonly events: LogEvent[];
  streams: readonly LogStreamView[];
  /** Lines looked at for one page. */
  pageSize: number;
  /** Runs before each read; an error is what the read ends with. */
  beforeRead: () => Promise<void> | void;
  /** Writes a line. @param at milliseconds since the epoch */
  write(task: string, at: number, message: string): void;
}

export function createLogStore(): LogStore {
  const store: LogStore = {
    exists: true,
    events: [],
    streams: [],
    pageSize: 100,
    beforeRead: () => undefined,
    write(task, at, message) {
      store.events.push({ id: `event-${store.events.length}`, at, task, message });
      if (!store.streams.some((stream) => stream.task === task))
        store.streams = [{ task, createdAt: at }, ...store.streams];
    },
  };
  return store;
}

export function createMemoryLogs(store: LogStore): LogsPort {
  return {
    async read(query, cursor, signal) {
      signal?.throwIfAborted();
      await store.beforeRead();
      if (!store.exists) return undefined;
      const from = Number(cursor ?? 0);
      const to = from + store.pageSize;
      return {
        events: store.events.slice(from, to).filter((event) => matchesQuery(event, query)),
        cursor: to < store.events.length ? String(to) : undefined,
      };
    },
    streams: async () => (store.exists ? store.streams : []),
  };
}
