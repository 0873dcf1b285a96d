/** What happened lately: requests of the last minute by second, and a sample of the durations of an interval. */

export const WINDOW_SECONDS = 60;
/** What an embedded metric may hold (CloudWatch embedded metric format, "Metric value"). */
export const MAX_SAMPLED_DURATIONS = 100;
const MS_PER_SECOND = 1_000;

export interface EndedRequest {
  readonly status: number;
  readonly durationMs: number;
  readonly endedMs: number;
}

export interface Interval {
  readonly requests: number;
  readonly serverErrors: number;
  /** Of at most 100 requests, each as likely as any other. */
  readonly durationsMs: readonly number[];
}

export class RequestWindow {
  readonly #elapsedMs: () => number;
  readonly #random: () => number;
  /** Ring of seconds; each slot belongs to the second that is noted beside it. */
  readonly #counts = new Array<number>(WINDOW_SECONDS).fill(0);
  readonly #seconds = new Array<number>(WINDOW_SECONDS).fill(-1);
  #requests = 0;
  #serverErrors = 0;
  #durationsMs: number[] = [];

  /** @param elapsedMs monotonic milliseconds */
  constructor(elapsedMs: () => number, random: () => number) {
    this.#elapsedMs = elapsedMs;
    this.#random = random;
  }

  /** @param ended.endedMs of the clock that the window was made with */
  add({ status, durationMs, endedMs }: EndedRequest): void {
    const second = Math.floor(endedMs / MS_PER_SECOND);
    const slot = second % WINDOW_SECONDS;
    if (this.#seconds[slot] !== second) {
      this.#seconds[slot] = second;
      this.#counts[slot] = 0;
    }
    this.#counts[slot] = (this.#counts[slot] ?? 0) + 1;
    this.#requests += 1;
    if (status >= 500) this.#serverErrors += 1;
    this.#sample(durationMs);
  }

  /** Requests in each of the last whole seconds, the oldest first. */
  history(): readonly number[] {
    const current = Math.floor(this.#elapsedMs() / MS_PER_SECOND);
    return Array.from({ length: WINDOW_SECONDS - 1 }, (_, index) => {
      const second = current - (WINDOW_SECONDS - 1) + index;
      const slot = ((second % WINDOW_SECONDS) + WINDOW_SECONDS) % WINDOW_SECONDS;
      return this.#seconds[slot] === second ? (this.#counts[slot] ?? 0) : 0;
    });
  }

  /** Mean of the last whole seconds. */
  perSecond(seconds: number): number {
    const last = this.history().slice(-seconds);
    return last.reduce((sum, count) => sum + count, 0) / last.length;
  }

  /** What came since the call before. */
  takeInterval(): Interval {
    const interval = {
      requests: this.#requests,
      serverErrors: this.#serverErrors,
      durationsMs: this.#durationsMs,
    };
    this.#requests = 0;
    this.#serverErrors = 0;
    this.#durationsMs = [];
    return interval;
  }

  /** Reservoir sampling: the n-th request takes the place of another with the chance 100 / n. */
  #sample(durationMs: number): void {
    if (this.#durationsMs.length < MAX_SAMPLED_DURATIONS) {
      this.#durationsMs.push(durationMs);
      return;
    }
    const place = Math.floor(this.#random() * this.#requests);
    if (place < MAX_SAMPLED_DURATIONS) this.#durationsMs[place] = durationMs;
  }
}
