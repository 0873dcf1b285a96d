/**
 * Metrics through the log: a line in the CloudWatch embedded metric format becomes metrics without an agent, a
 * permission or a call. Pure. Source: "Specification: Embedded metric format" of the CloudWatch user guide.
 */
import type { CacheStatus } from './cache/cache-store.ts';
import type { Interval } from './request-window.ts';
import type { RuntimeSample } from './runtime-sample.ts';

export const NAMESPACE = 'Towpath/App';

export interface EmbeddedMetricsInput {
  readonly nowMs: number;
  readonly application: string;
  readonly environment: string;
  readonly interval: Interval;
  readonly runtime: RuntimeSample;
  readonly cache: CacheStatus;
}

const METRICS = [
  { Name: 'Requests', Unit: 'Count' },
  { Name: 'ServerErrors', Unit: 'Count' },
  { Name: 'Duration', Unit: 'Milliseconds' },
  { Name: 'EventLoopLag', Unit: 'Milliseconds' },
  { Name: 'ResidentMemory', Unit: 'Bytes' },
  { Name: 'CacheDegraded', Unit: 'Count' },
] as const;

function rounded(value: number): number {
  return Math.round(value * 1_000) / 1_000;
}

/** The fields of the line. Without requests there is no duration: an empty list is not allowed. */
export function renderEmbeddedMetrics(input: EmbeddedMetricsInput): Readonly<Record<string, unknown>> {
  const { interval, runtime } = input;
  const metrics = METRICS.filter(({ Name }) => Name !== 'Duration' || interval.durationsMs.length > 0);
  return {
    _aws: {
      Timestamp: input.nowMs,
      CloudWatchMetrics: [
        { Namespace: NAMESPACE, Dimensions: [['Application', 'Environment']], Metrics: metrics },
      ],
    },
    Application: input.application,
    Environment: input.environment,
    Requests: interval.requests,
    ServerErrors: interval.serverErrors,
    ...(interval.durationsMs.length > 0 ? { Duration: interval.durationsMs.map(rounded) } : {}),
    EventLoopLag: rounded(runtime.lagP99Seconds * 1_000),
    ResidentMemory: runtime.residentBytes,
    CacheDegraded: input.cache.mode === 'degraded' ? 1 : 0,
  };
}
