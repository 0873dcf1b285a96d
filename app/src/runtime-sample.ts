/** Memory, CPU and event-loop lag of this process. The port is `sampleRuntime`; routes see only its result. */
import { totalmem } from 'node:os';
import { createHistogram, performance } from 'node:perf_hooks';

export interface RuntimeSample {
  readonly residentBytes: number;
  /** What the system lets this process have, as a container engine sets it; undefined where that is all there is. */
  readonly memoryLimitBytes: number | undefined;
  readonly heapUsedBytes: number;
  readonly heapTotalBytes: number;
  /** User and system time since the start of the process. */
  readonly cpuSeconds: number;
  /** Mean delay of the event loop since the sample before, seconds. */
  readonly lagMeanSeconds: number;
  readonly lagP99Seconds: number;
}

export interface LookPauses {
  /** Between two looks at a loop that works, milliseconds. */
  readonly busyMs: number;
  /** While it mostly waits. */
  readonly idleMs: number;
}

/**
 * Often enough to see stalls of a few milliseconds where requests would meet them. Looking as often at an idle loop, as
 * Node's own `monitorEventLoopDelay` does, costs a task many times what its health checks cost.
 */
const PAUSES: LookPauses = { busyMs: 20, idleMs: 2_000 };
/** Share of the time from which on a loop counts as working. */
const BUSY_SHARE = 0.1;
const NS_PER_MS = 1e6;
const NS_PER_SECOND = 1e9;
const US_PER_SECOND = 1e6;

/** Node says 0 where it does not know, and more than any computer has where nothing is set. */
function loadMemoryLimit(): number | undefined {
  const bytes = process.constrainedMemory();
  return bytes > 0 && bytes < totalmem() ? bytes : undefined;
}

export interface RuntimeSampler {
  /** @param peek leaves the interval of the lag as it is, for whoever is not the scraper */
  sample(peek?: boolean): RuntimeSample;
  stop(): void;
}

/**
 * Starts measuring. The lag covers the time since the sample before, so that a scrape shows its own interval: it is how
 * late a timer fires. Time in which the loop works is looked at more often, and so counts for more: it is the time in
 * which requests wait.
 * @param pauses only tests have others
 */
export function startRuntimeSampler({ busyMs, idleMs }: LookPauses = PAUSES): RuntimeSampler {
  const memoryLimitBytes = loadMemoryLimit();
  const lag = createHistogram();
  let pauseMs = busyMs;
  let dueMs = 0;
  let judgedMs = performance.now();
  let use = performance.eventLoopUtilization();

  function plan(now: number): void {
    dueMs = now + pauseMs;
    timer = setTimeout(look, pauseMs).unref();
  }

  function look(): void {
    const now = performance.now();
    // Whole nanoseconds from 1 on are all that a histogram takes.
    lag.record(Math.max(1, Math.round((now - dueMs) * NS_PER_MS)));
    if (now - judgedMs >= idleMs / 2) {
      const before = use;
      use = performance.eventLoopUtilization();
      judgedMs = now;
      const { utilization } = performance.eventLoopUtilization(use, before);
      pauseMs = utilization < BUSY_SHARE ? idleMs : busyMs;
    }
    plan(now);
  }

  let timer: NodeJS.Timeout | undefined;
  plan(judgedMs);
  return {
    sample(peek = false) {
      const memory = process.memoryUsage();
      const cpu = process.cpuUsage();
      const measured = lag.count > 0;
      const sample: RuntimeSample = {
        residentBytes: memory.rss,
        memoryLimitBytes,
        heapUsedBytes: memory.heapUsed,
        heapTotalBytes: memory.heapTotal,
        cpuSeconds: (cpu.user + cpu.system) / US_PER_SECOND,
        lagMeanSeconds: measured ? lag.mean / NS_PER_SECOND : 0,
        lagP99Seconds: measured ? lag.percentile(99) / NS_PER_SECOND : 0,
      };
      if (!peek) lag.reset();
      return sample;
    },
    stop() {
      clearTimeout(timer);
    },
  };
}
