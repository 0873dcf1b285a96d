/** Metrics and alarms in memory. */
import type { AlarmView } from '../../src/domain/alarm.ts';
import type { MetricPoint } from '../../src/domain/metric.ts';
import type { MonitoringPort } from '../../src/ports.ts';

export interface MonitoringStore {
  /** Single values by the id of their metric. */
  readonly values: Map<string, readonly MetricPoint[]>;
  /** Those that ring. */
  alarms: readonly AlarmView[];
  /** What the next look at the alarms ends with. */
  failure: Error | undefined;
}

export function createMonitoringStore(): MonitoringStore {
  return { values: new Map(), alarms: [], failure: undefined };
}

export function createMemoryMonitoring(store: MonitoringStore): MonitoringPort {
  return {
    async series(metrics, { from, to, periodSeconds }) {
      const periodMs = periodSeconds * 1_000;
      return new Map(
        metrics.map(({ id, statistic }) => {
          const periods = new Map<number, number[]>();
          for (const { at, value } of store.values.get(id) ?? []) {
            if (at < from || at >= to) continue;
            const begin = from + Math.floor((at - from) / periodMs) * periodMs;
            periods.set(begin, [...(periods.get(begin) ?? []), value]);
          }
          const points = [...periods].map(([at, values]) => ({ at, value: statisticOf(statistic, values) }));
          return [id, points.sort((a, b) => a.at - b.at)] as const;
        }),
      );
    },
    async alarms() {
      if (store.failure !== undefined) throw store.failure;
      return [...store.alarms].sort((a, b) => a.name.localeCompare(b.name));
    },
  };
}

function statisticOf(name: string, values: readonly number[]): number {
  const percent = /^p(\d+)$/.exec(name)?.[1];
  const sum = values.reduce((total, value) => total + value, 0);
  if (percent === undefined) return name === 'Sum' ? sum : sum / values.length;
  const sorted = [...values].sort((a, b) => a - b);
  const rank = (Number(percent) / 100) * (sorted.length - 1);
  const [below = 0, above = 0] = [sorted[Math.floor(rank)], sorted[Math.ceil(rank)]];
  return below + (above - below) * (rank % 1);
}
