/** Memory, CPU and event-loop lag of this process. The port is `sampleRuntime`; routes see only its result. */
import { monitorEventLoopDelay } from 'node:perf_hooks';

export interface RuntimeSample {
  readonly residentBytes: number;
  readonly heapUsedBytes: number;
  readonly heapTotalBytes: number;
  /** User and system time since the start of the process. */
  readonly cpuSeconds: number;
  /** Mean delay of the event loop since the sample before, seconds. */
  readonly lagMeanSeconds: number;
  readonly lagP99Seconds: number;
}

/** Often enough to see a stall of a few milliseconds, seldom enough to cost nothing on a quarter of a core. */
const LAG_RESOLUTION_MS = 20;
const NS_PER_SECOND = 1e9;
const US_PER_SECOND = 1e6;

export interface RuntimeSampler {
  sample(): RuntimeSample;
  stop(): void;
}

/**
 * Starts measuring. The lag covers the time since the sample before, so that a scrape shows its own interval.
 * Node records the distance between two ticks of a timer; what exceeds the timer's period is lag.
 */
export function startRuntimeSampler(): RuntimeSampler {
  const delay = monitorEventLoopDelay({ resolution: LAG_RESOLUTION_MS });
  delay.enable();
  const lagSeconds = (ns: number): number =>
    Number.isFinite(ns) ? Math.max(0, ns / NS_PER_SECOND - LAG_RESOLUTION_MS / 1000) : 0;
  return {
    sample() {
      const memory = process.memoryUsage();
      const cpu = process.cpuUsage();
      const measured = delay.count > 0;
      const sample: RuntimeSample = {
        residentBytes: memory.rss,
        heapUsedBytes: memory.heapUsed,
        heapTotalBytes: memory.heapTotal,
        cpuSeconds: (cpu.user + cpu.system) / US_PER_SECOND,
        lagMeanSeconds: measured ? lagSeconds(delay.mean) : 0,
        lagP99Seconds: measured ? lagSeconds(delay.percentile(99)) : 0,
      };
      delay.reset();
      return sample;
    },
    stop() {
      delay.disable();
    },
  };
}
