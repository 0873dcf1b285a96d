/**
 * Gathers log lines and writes them in batches: one system call for each line would cost more than many a request.
 * Lines go into one buffer at once, since strings that wait would have to be moved by every garbage collection.
 * What is kept back is bounded in time and size; the caller flushes before the process ends.
 */

const MAX_BATCH_BYTES = 64 * 1024;
/** A task that is killed loses at most the lines of this time. */
const MAX_BATCH_AGE_MS = 20;
/** Of UTF-8, for one unit of a string. */
const MAX_BYTES_PER_CHAR = 3;

export interface BatchWriter {
  write(line: string): void;
  flush(): void;
}

export interface BatchPorts {
  /** Takes whole lines. */
  readonly sink: (bytes: Buffer) => void;
  readonly schedule: (delayMs: number, action: () => void) => void;
}

export function createBatchWriter({ sink, schedule }: BatchPorts): BatchWriter {
  const batch = Buffer.allocUnsafe(MAX_BATCH_BYTES);
  let used = 0;
  let planned = false;
  const flush = (): void => {
    if (used === 0) return;
    // A copy, for the stream may keep it for longer than this call.
    const bytes = Buffer.from(batch.subarray(0, used));
    used = 0;
    sink(bytes);
  };
  const plan = (): void => {
    planned = true;
    schedule(MAX_BATCH_AGE_MS, () => {
      planned = false;
      flush();
    });
  };
  return {
    flush,
    write(line) {
      const most = line.length * MAX_BYTES_PER_CHAR;
      if (used + most > MAX_BATCH_BYTES) flush();
      if (most > MAX_BATCH_BYTES) {
        sink(Buffer.from(line));
        return;
      }
      used += batch.write(line, used);
      if (!planned) plan();
    },
  };
}
