/** What every way to read the log of an environment must do. */
import { expect, it } from 'vitest';
import type { LogEvent, LogQuery } from '../../src/domain/log-event.ts';
import type { LogsPort } from '../../src/ports.ts';

export interface LogsHarness {
  readonly logs: LogsPort;
  /** Of an environment without a log. */
  readonly nothing: LogsPort;
  /** Writes lines of a task. @param at milliseconds since the epoch */
  write(task: string, lines: readonly { readonly at: number; readonly message: string }[]): Promise<void>;
  /** Milliseconds since the epoch; lines may be written for times around it. */
  readonly now: number;
}

/** More than any page of CloudWatch Logs holds. */
const MANY = 10_050;
const MAX_PAGES = 500;

async function readAll(logs: LogsPort, query: Partial<LogQuery> = {}): Promise<readonly LogEvent[]> {
  const all: LogEvent[] = [];
  let cursor: string | undefined;
  const whole = { from: 0, to: undefined, filter: undefined, task: undefined, tasks: undefined };
  for (let pages = 0; pages < MAX_PAGES; pages += 1) {
    const page = await logs.read({ ...whole, ...query }, cursor);
    all.push(...(page?.events ?? []));
    cursor = page?.cursor;
    if (cursor === undefined) return all;
  }
  throw new Error('the log has no end');
}

const messages = (events: readonly LogEvent[]) => events.map(({ message }) => message).sort();

export function logsContract(open: () => Promise<LogsHarness>): void {
  it('has neither lines nor streams where there is no log', async () => {
    const { nothing } = await open();
    const query = { from: 0, to: undefined, filter: undefined, task: undefined, tasks: undefined };
    expect(await nothing.read(query)).toBeUndefined();
    expect(await nothing.streams()).toEqual([]);
  });

  it('tells of each line when, by which task and what, and the same id each time', async () => {
    const { logs, write, now } = await open();
    await write('aa11', [{ at: now - 2_000, message: '{"msg":"one"}' }]);
    await write('bb22', [{ at: now - 1_000, message: '    two, indented' }]);
    const first = await readAll(logs);
    expect(first.map(({ at, task, message }) => [at, task, message]).sort()).toEqual([
      [now - 2_000, 'aa11', '{"msg":"one"}'],
      [now - 1_000, 'bb22', '    two, indented'],
    ]);
    const again = await readAll(logs);
    expect(again).toEqual(first);
    expect(new Set(first.map(({ id }) => id)).size).toBe(2);
  });

  it('reads from a moment to a moment, both included', async () => {
    const { logs, write, now } = await open();
    const at = [4, 3, 2, 1].map((seconds) => now - seconds * 1_000);
    await write(
      'aa11',
      at.map((time, index) => ({ at: time, message: String(index) })),
    );
    expect(messages(await readAll(logs, { from: at[1] ?? 0, to: at[2] }))).toEqual(['1', '2']);
  });

  it.each(['boom', 'a "quoted" word', '?x', '-minus', '100%', '{ $.level = "error" }', '[a, b]', '\\'])(
    'finds lines that contain %j and no others',
    async (filter) => {
      const { logs, write, now } = await open();
      await write('aa11', [
        { at: now - 3, message: `before ${filter} after` },
        { at: now - 2, message: 'Boo' },
        { at: now - 1, message: 'something else' },
      ]);
      expect(messages(await readAll(logs, { filter }))).toEqual([`before ${filter} after`]);
    },
  );

  it('reads one task, by the beginning of its id, or those that are named', async () => {
    const { logs, write, now } = await open();
    for (const task of ['aa11', 'aa22', 'bb11']) await write(task, [{ at: now, message: task }]);
    expect(messages(await readAll(logs, { task: 'aa' }))).toEqual(['aa11', 'aa22']);
    expect(messages(await readAll(logs, { task: 'x' }))).toEqual([]);
    expect(messages(await readAll(logs, { tasks: ['aa22', 'bb11'] }))).toEqual(['aa22', 'bb11']);
    expect(messages(await readAll(logs, { task: 'bb', tasks: ['aa22', 'bb11'] }))).toEqual(['bb11']);
    expect(messages(await readAll(logs, { tasks: [] }))).toEqual([]);
  });

  it('reads all pages of a long log, each line once', async () => {
    const { logs, write, now } = await open();
    const lines = Array.from({ length: MANY }, (_, index) => ({
      at: now - MANY + index,
      message: `${index}`,
    }));
    await write('aa11', lines);
    const read = await readAll(logs);
    expect(read.length).toBe(MANY);
    expect(new Set(read.map(({ id }) => id)).size).toBe(MANY);
  });

  it('knows the streams and when each was begun', async () => {
    const { logs, write, now } = await open();
    await write('aa11', [{ at: now - 1_000, message: 'x' }]);
    await write('bb22', [{ at: now, message: 'y' }]);
    const streams = await logs.streams();
    expect(streams.map(({ task }) => task).sort()).toEqual(['aa11', 'bb22']);
    for (const { createdAt } of streams) expect(Math.abs(createdAt - now)).toBeLessThan(120_000);
  });

  it('ends when it is told to', async () => {
    const { logs } = await open();
    const query = { from: 0, to: undefined, filter: undefined, task: undefined, tasks: undefined };
    await expect(logs.read(query, undefined, AbortSignal.abort(new Error('enough')))).rejects.toThrow(
      'enough',
    );
  });
}
