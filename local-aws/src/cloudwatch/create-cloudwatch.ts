/** The part of CloudWatch that lives: metrics of the services, and alarms that are evaluated. */
import type { Clock, ControlPlane, MetricSink, Overlay } from '../contract.ts';
import type { ServiceLoad } from '../ecs/service-load.ts';
import { type EvaluatedAlarm, startAlarmEvaluator } from './alarm-evaluator.ts';
import { createMetricPublisher } from './metric-publisher.ts';
import { MetricStore } from './metric-store.ts';
import { createMetricsOverlay } from './metrics-overlay.ts';
import { startServiceMetrics } from './service-metrics.ts';

export interface CloudWatch {
  /** Takes what any part measures. */
  readonly metrics: MetricSink;
  /** Tells what was measured. */
  readonly overlay: Overlay;
  /** Begins to measure the services and to evaluate alarms. */
  start(watched: {
    readonly services: () => readonly ServiceLoad[];
    readonly onRound: (alarms: readonly EvaluatedAlarm[], at: number) => void | Promise<void>;
  }): void;
  /** Idempotent. */
  stop(): Promise<void>;
}

export function createCloudWatch(options: {
  readonly clock: Clock;
  readonly control: ControlPlane;
  readonly log: (line: string) => void;
}): CloudWatch {
  const store = new MetricStore(options.clock);
  const publisher = createMetricPublisher(options);
  const metrics: MetricSink = {
    record(samples) {
      store.record(samples);
      publisher.record(samples);
    },
  };
  const parts: { stop(): Promise<void> }[] = [publisher];
  return {
    metrics,
    overlay: createMetricsOverlay({ ...options, store }),
    start({ services, onRound }) {
      if (parts.length > 1) return;
      parts.push(startServiceMetrics({ ...options, services, sink: metrics }));
      parts.push(startAlarmEvaluator({ ...options, store, onRound }));
    },
    async stop() {
      await Promise.all(parts.map((part) => part.stop()));
    },
  };
}
