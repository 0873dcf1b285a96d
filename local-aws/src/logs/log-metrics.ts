/** All that CloudWatch makes of lines once a log group has taken them: metric filters, and metrics within the lines. */
import { minuteAt, startOfMinute } from '../cloudwatch/aws-minute.ts';
import type { Clock, ControlPlane, MetricSink } from '../contract.ts';
import { mayHoldMetrics, readEmbeddedMetrics } from './embedded-metrics.ts';
import { readLine } from './filter-pattern.ts';
import { createMetricFilters } from './metric-filters.ts';

export interface LogMetrics {
  /** Lines that a group has taken. Comes back at once, and never throws. */
  observe(group: string, lines: readonly { readonly message: string }[]): void;
  /** Says that metric filters may have changed. */
  filtersChanged(): void;
  /** Idempotent. */
  stop(): Promise<void>;
}

export function createLogMetrics(options: {
  readonly clock: Clock;
  readonly control: ControlPlane;
  readonly sink: MetricSink;
  readonly log: (line: string) => void;
}): LogMetrics {
  const { clock, sink } = options;
  const filters = createMetricFilters(options);
  return {
    observe(group, lines) {
      filters.observe(group, lines);
      const at = startOfMinute(clock, minuteAt(clock, clock.now()) + 1);
      for (const { message } of lines)
        if (mayHoldMetrics(message)) sink.record(readEmbeddedMetrics(readLine(message), at));
    },
    filtersChanged: () => filters.changed(),
    stop: () => filters.stop(),
  };
}
