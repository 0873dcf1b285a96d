import { describe, expect, it } from 'vitest';
import { AwsError, type ControlPlane } from '../contract.ts';
import { CloudWatchLogSink } from './cloudwatch-log-sink.ts';
import { LineSplitter } from './line-splitter.ts';
import { LogQueue, type LogQueueOptions } from './log-queue.ts';
import { type LogLine, MAX_BATCH_LINES, MissingLogGroupError } from './log-sink.ts';

describe('LineSplitter', () => {
  const split = (chunks: (string | Buffer)[], limit?: number): string[] => {
    const splitter = new LineSplitter(limit);
    return [...chunks.flatMap((chunk) => splitter.push(Buffer.from(chunk))), ...splitter.end()];
  };
  it.each<[string, string[], string[]]>([
    ['lines in one chunk', ['a\nb\n'], ['a', 'b']],
    ['a line over chunks', ['a', 'b', 'c\nd'], ['abc', 'd']],
    ['carriage returns and empty lines', ['a\r\n\r\n\nb'], ['a', 'b']],
    ['nothing', [''], []],
  ])('cuts %s', (_, chunks, expected) => {
    expect(split(chunks)).toEqual(expected);
  });
  it('cuts long lines into pieces, never within a character', () => {
    const line = 'aé€😀'.repeat(50);
    const pieces = split([line.slice(0, 77), line.slice(77), '\nnext\n'], 16);
    expect(pieces.slice(0, -1).join('')).toBe(line);
    expect(pieces.at(-1)).toBe('next');
    expect(Math.max(...pieces.map((piece) => Buffer.byteLength(piece)))).toBeLessThanOrEqual(16);
  });
  it('keeps a character whose bytes come in two chunks', () => {
    const bytes = Buffer.from('€\n');
    expect(split([bytes.subarray(0, 1), bytes.subarray(1)])).toEqual(['€']);
  });
});

describe('LogQueue', () => {
  const start = (changes: Partial<LogQueueOptions> = {}) => {
    const batches: (readonly LogLine[])[] = [];
    const lost: number[] = [];
    let now = 1000;
    const queue = new LogQueue({
      put: async (lines) => void batches.push(lines),
      now: () => now,
      onLost: (_, lines) => lost.push(lines),
      ...changes,
    });
    const setNow = (ms: number): void => {
      now = ms;
    };
    return { queue, batches, lost, setNow };
  };

  it('delivers by itself, and the rest when it closes', async () => {
    const { queue, batches } = start();
    queue.add('a');
    queue.add('b');
    await expect.poll(() => batches.length).toBe(1);
    queue.add('c');
    await queue.close(1000);
    expect(batches.map((batch) => batch.map(({ message }) => message))).toEqual([['a', 'b'], ['c']]);
  });

  it('never puts more in a batch than CloudWatch takes', async () => {
    const { queue, batches } = start();
    for (let i = 0; i < MAX_BATCH_LINES + 5; i += 1) queue.add('x');
    for (let i = 0; i < 9; i += 1) queue.add('y'.repeat(200_000));
    await queue.close(1000);
    expect(batches.map((batch) => batch.length)).toEqual([10_000, 10, 4]);
  });

  it('drops the oldest lines over its limits, and says how many', async () => {
    const { queue, batches } = start({ maxQueuedLines: 3 });
    for (const line of ['a', 'b', 'c', 'd', 'e']) queue.add(line);
    await queue.close(1000);
    const messages = batches.flat().map(({ message }) => message);
    expect(messages).toEqual([expect.stringContaining('2 log lines were dropped here'), 'c', 'd', 'e']);
  });

  it('keeps times in order when the clock goes back', async () => {
    const { queue, batches, setNow } = start();
    queue.add('a');
    setNow(500);
    queue.add('b');
    await queue.close(1000);
    expect(batches.flat().map(({ timestamp }) => timestamp)).toEqual([1000, 1000]);
  });

  it('goes on after a batch that is lost, and gives up at its deadline', async () => {
    let refuse = true;
    const failing = start({ put: async () => (refuse ? Promise.reject(new Error('no')) : undefined) });
    failing.queue.add('a');
    await expect.poll(() => failing.lost).toEqual([1]);
    refuse = false;
    failing.queue.add('b');
    await failing.queue.close(1000);
    expect(failing.lost).toEqual([1]);

    const stuck = start({ put: () => new Promise(() => {}) });
    stuck.queue.add('a');
    const from = Date.now();
    await stuck.queue.close(100);
    expect(Date.now() - from).toBeLessThan(1000);
    expect(stuck.lost).toEqual([1]);
  });
});

describe('CloudWatchLogSink', () => {
  const sinkOf = (answers: (unknown | Error)[]) => {
    const calls: { action: string; payload: object }[] = [];
    const control: ControlPlane = {
      region: 'us-east-1',
      accountId: '1',
      json: async <T>(_service: string, action: string, payload: object): Promise<T> => {
        calls.push({ action, payload });
        const answer = answers.shift();
        if (answer instanceof Error) throw answer;
        return {} as T;
      },
      query: async () => '',
    };
    const taken: string[] = [];
    const delivered = (group: string, lines: readonly LogLine[]) =>
      void taken.push(`${group} ${lines.length}`);
    const sink = new CloudWatchLogSink({ control, clock: { sleep: async () => {} }, delivered });
    return { sink, calls, taken };
  };

  it('opens a stream that may be there, in a group that must be', async () => {
    const there = sinkOf([new AwsError('ResourceAlreadyExistsException', 'exists')]);
    await there.sink.openStream('g', 's');
    expect(there.calls).toEqual([
      { action: 'CreateLogStream', payload: { logGroupName: 'g', logStreamName: 's' } },
    ]);
    const missing = sinkOf([new AwsError('ResourceNotFoundException', 'no group')]);
    await expect(missing.sink.openStream('g', 's')).rejects.toBeInstanceOf(MissingLogGroupError);
    expect(missing.calls).toHaveLength(1);
  });

  it('tries again what may pass, four times at most', async () => {
    const lines = [{ timestamp: 1, message: 'a' }];
    const passing = sinkOf([new AwsError('InternalFailure', 'x', 500), new Error('socket hang up')]);
    await passing.sink.put('g', 's', lines);
    expect(passing.calls).toHaveLength(3);
    expect(passing.calls[2]).toEqual({
      action: 'PutLogEvents',
      payload: { logGroupName: 'g', logStreamName: 's', logEvents: lines },
    });
    expect(passing.taken).toEqual(['g 1']);
    const failing = sinkOf(Array.from({ length: 9 }, () => new Error('down')));
    await expect(failing.sink.put('g', 's', lines)).rejects.toThrow('down');
    expect(failing.taken).toEqual([]);
    expect(failing.calls).toHaveLength(4);
    const refused = sinkOf([new AwsError('InvalidParameterException', 'bad')]);
    await expect(refused.sink.put('g', 's', lines)).rejects.toThrow('bad');
    expect(refused.calls).toHaveLength(1);
  });
});
