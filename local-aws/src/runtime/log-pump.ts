/** Reads the output of one process line by line, at a rate that leaves the embedded AWS responsive. */
import type { Readable } from 'node:stream';
import { LineSplitter } from './line-splitter.ts';

/** 10 MB a second; a task that writes more waits in its own write call, as on a full pipe. */
const MAX_BYTES_PER_INTERVAL = 2 * 1024 * 1024;
const INTERVAL_MS = 200;

/** Resolves when both streams have ended or were destroyed. Never rejects. */
export async function pumpLines(streams: readonly Readable[], onLine: (line: string) => void): Promise<void> {
  let budget = MAX_BYTES_PER_INTERVAL;
  let refill: NodeJS.Timeout | undefined;
  const open = new Set(streams);

  const spend = (bytes: number): void => {
    budget -= bytes;
    if (budget > 0 || refill !== undefined) return;
    for (const stream of open) stream.pause();
    refill = setTimeout(() => {
      refill = undefined;
      budget = MAX_BYTES_PER_INTERVAL;
      for (const stream of open) stream.resume();
    }, INTERVAL_MS);
  };

  await Promise.all(
    streams.map(
      (stream) =>
        new Promise<void>((resolve) => {
          const splitter = new LineSplitter();
          stream.on('data', (chunk: Buffer) => {
            for (const line of splitter.push(chunk)) onLine(line);
            spend(chunk.length);
          });
          stream.on('error', () => {}); // 'close' follows
          stream.once('close', () => {
            for (const line of splitter.end()) onLine(line);
            open.delete(stream);
            resolve();
          });
        }),
    ),
  );
  clearTimeout(refill);
}
