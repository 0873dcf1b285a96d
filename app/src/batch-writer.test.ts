import { describe, expect, it } from 'vitest';
import { createBatchWriter } from './batch-writer.ts';

function setUp() {
  const written: string[] = [];
  const scheduled: (() => void)[] = [];
  const writer = createBatchWriter({
    sink: (bytes) => written.push(bytes.toString()),
    schedule: (_delayMs, action) => scheduled.push(action),
  });
  return { writer, written, scheduled };
}

describe('createBatchWriter', () => {
  it('gathers lines until their time is over', () => {
    const { writer, written, scheduled } = setUp();
    writer.write('a\n');
    writer.write('ä\n');
    expect([written, scheduled.length]).toEqual([[], 1]);
    scheduled[0]?.();
    writer.flush();
    expect(written).toEqual(['a\nä\n']);
  });

  it('keeps back a bounded number of bytes, in order, and loses none', () => {
    const { writer, written } = setUp();
    const lines = Array.from({ length: 2_000 }, (_, index) => `${index} ${'€'.repeat(index % 100)}\n`);
    for (const line of [...lines, `${'x'.repeat(100_000)}\n`, 'last\n']) writer.write(line);
    writer.flush();
    expect(written.length).toBeGreaterThan(3);
    expect(written.join('')).toBe(`${lines.join('')}${'x'.repeat(100_000)}\nlast\n`);
  });
});
