/**
 * The log lines of one task on their way to the sink: batched, in order, in bounded memory.
 * When the task writes faster than the sink takes, the oldest lines go and a counted notice takes their place,
 * as with the awslogs driver's non-blocking mode.
 */
import { EVENT_OVERHEAD_BYTES, type LogLine, MAX_BATCH_BYTES, MAX_BATCH_LINES } from './log-sink.ts';

/** One batch each 200 ms is the five calls a second that CloudWatch long allowed for a stream. */
export const FLUSH_INTERVAL_MS = 200;
/** ECS's default `max-buffer-size`. */
const MAX_QUEUED_BYTES = 10 * 1024 * 1024;
const MAX_QUEUED_LINES = 100_000;
/** Dropped lines are cut off the array in steps, as moving it for each line would be slow in a flood. */
const COMPACT_AFTER_LINES = 4096;

export interface LogQueueOptions {
  put(lines: readonly LogLine[]): Promise<void>;
  now(): number;
  /** Told once for each batch that the sink refused for good. */
  onLost(error: unknown, lines: number): void;
  readonly maxQueuedBytes?: number;
  readonly maxQueuedLines?: number;
}

interface QueuedLine extends LogLine {
  readonly bytes: number;
}

export class LogQueue {
  readonly #options: LogQueueOptions;
  readonly #maxBytes: number;
  readonly #maxLines: number;
  #lines: QueuedLine[] = [];
  #head = 0;
  #bytes = 0;
  #dropped = 0;
  #inFlight = 0;
  #timer: NodeJS.Timeout | undefined;
  #flushing: Promise<void> | undefined;
  #lastTimestamp = 0;

  constructor(options: LogQueueOptions) {
    this.#options = options;
    this.#maxBytes = options.maxQueuedBytes ?? MAX_QUEUED_BYTES;
    this.#maxLines = options.maxQueuedLines ?? MAX_QUEUED_LINES;
  }

  add(message: string): void {
    const bytes = Buffer.byteLength(message) + EVENT_OVERHEAD_BYTES;
    // CloudWatch refuses a batch whose times go backwards, which the wall clock may do.
    this.#lastTimestamp = Math.max(this.#lastTimestamp, this.#options.now());
    this.#lines.push({ timestamp: this.#lastTimestamp, message, bytes });
    this.#bytes += bytes;
    while (this.#bytes > this.#maxBytes || this.#size() > this.#maxLines) {
      this.#take();
      this.#dropped += 1;
    }
    this.#schedule();
  }

  /** Delivers what is queued; gives up at the deadline, and then counts the rest as lost. */
  async close(withinMs: number): Promise<void> {
    const deadline = Date.now() + withinMs;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    while (this.#size() > 0 || this.#dropped > 0 || this.#flushing !== undefined) {
      const left = deadline - Date.now();
      const done = left > 0 && (await withinTime(this.#flush(), left));
      if (!done) {
        const lost = this.#inFlight + this.#size() + this.#dropped;
        if (lost > 0)
          this.#options.onLost(new Error(`not delivered within ${withinMs} ms of the exit`), lost);
        break;
      }
    }
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#lines = [];
    this.#head = 0;
  }

  #size(): number {
    return this.#lines.length - this.#head;
  }

  #schedule(): void {
    if (this.#timer !== undefined || this.#flushing !== undefined) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      void this.#flush();
    }, FLUSH_INTERVAL_MS);
  }

  /** One batch; never rejects. A flush under way is joined instead. */
  #flush(): Promise<void> {
    if (this.#flushing !== undefined) return this.#flushing;
    const batch = this.#nextBatch();
    if (batch.length === 0) return Promise.resolve();
    this.#inFlight = batch.length;
    this.#flushing = this.#options
      .put(batch)
      .catch((error) => this.#options.onLost(error, batch.length))
      .finally(() => {
        this.#flushing = undefined;
        this.#inFlight = 0;
        if (this.#size() > 0) this.#schedule();
      });
    return this.#flushing;
  }

  #nextBatch(): LogLine[] {
    const batch: LogLine[] = [];
    let bytes = 0;
    if (this.#dropped > 0) {
      const message = `[local-aws] ${this.#dropped} log lines were dropped here: the task wrote faster than CloudWatch Logs took them`;
      const timestamp = this.#lines[this.#head]?.timestamp ?? this.#lastTimestamp;
      batch.push({ timestamp, message });
      bytes += Buffer.byteLength(message) + EVENT_OVERHEAD_BYTES;
      this.#dropped = 0;
    }
    while (batch.length < MAX_BATCH_LINES) {
      const next = this.#lines[this.#head];
      if (next === undefined || bytes + next.bytes > MAX_BATCH_BYTES) break;
      bytes += next.bytes;
      batch.push({ timestamp: next.timestamp, message: next.message });
      this.#take();
    }
    return batch;
  }

  #take(): void {
    this.#bytes -= this.#lines[this.#head]?.bytes ?? 0;
    this.#head += 1;
    if (this.#head < COMPACT_AFTER_LINES && this.#head < this.#lines.length) return;
    this.#lines = this.#lines.slice(this.#head);
    this.#head = 0;
  }
}

/** @returns false when the time is over first */
async function withinTime(work: Promise<void>, timeoutMs: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), timeoutMs);
  });
  try {
    return await Promise.race([work.then(() => true), late]);
  } finally {
    clearTimeout(timer);
  }
}
