/** What every way to look at metrics and alarms of an environment must do. */
import { expect, it } from 'vitest';
import { METRICS, type MetricQuery } from '../../src/domain/metric.ts';
import type { MonitoringPort } from '../../src/ports.ts';

export interface MonitoringHarness {
  readonly monitoring: MonitoringPort;
  /** Of an environment of which nothing was measured, and which has no load balancer. */
  readonly nothing: MonitoringPort;
  /** One value each. */
  measure(
    metric: MetricQuery,
    points: readonly { readonly at: number; readonly value: number }[],
  ): Promise<void>;
  /** An alarm of the environment, or of the one whose name begins like it. */
  raise(name: string, description: string, of: 'environment' | 'other', state: 'ALARM' | 'OK'): Promise<void>;
  /** Begin of a minute some hours ago; milliseconds since the epoch. */
  readonly start: number;
}

function metric(id: string): MetricQuery {
  const found = METRICS.find((each) => each.id === id);
  if (!found) throw new Error(`there is no metric ${id}`);
  return found;
}

export function monitoringContract(open: () => Promise<MonitoringHarness>): void {
  it('knows nothing where nothing was measured', async () => {
    const { nothing, start } = await open();
    const found = await nothing.series(METRICS, { from: start, to: start + 3_600_000, periodSeconds: 60 });
    expect([...found.values()].flat()).toEqual([]);
    expect(await nothing.alarms()).toEqual([]);
  });

  it.each([
    ['cpu', 15],
    ['requests', 30],
    ['healthy', 15],
    ['latencyP50', 15],
  ])('sums %s up by period, oldest first', async (id, first) => {
    const { monitoring, measure, start } = await open();
    const at = (second: number) => start + second * 1_000;
    await measure(metric(id), [
      { at: at(130), value: 7 },
      { at: at(10), value: 10 },
      { at: at(50), value: 20 },
      { at: at(-10), value: 1_000 },
      { at: at(3_700), value: 1_000 },
    ]);
    const window = { from: start, to: at(3_600), periodSeconds: 60 };
    expect((await monitoring.series([metric(id)], window)).get(id)).toEqual([
      { at: start, value: first },
      { at: at(120), value: 7 },
    ]);
    const wide = await monitoring.series([metric(id)], { ...window, periodSeconds: 300 });
    expect(wide.get(id)?.map(({ at: begin }) => begin)).toEqual([start]);
  });

  it('answers for several metrics at once', async () => {
    const { monitoring, measure, start } = await open();
    await measure(metric('cpu'), [{ at: start, value: 10 }]);
    await measure(metric('requests'), [{ at: start, value: 20 }]);
    const found = await monitoring.series(METRICS, { from: start, to: start + 60_000, periodSeconds: 60 });
    expect(found.get('cpu')).toEqual([{ at: start, value: 10 }]);
    expect(found.get('requests')).toEqual([{ at: start, value: 20 }]);
    expect(found.get('memory') ?? []).toEqual([]);
  });

  it('knows how slow the slowest of twenty answers are', async () => {
    const { monitoring, measure, start } = await open();
    const points = Array.from({ length: 21 }, (_, i) => ({ at: start + i * 1_000, value: i }));
    await measure(metric('latencyP95'), points);
    const found = await monitoring.series(METRICS, { from: start, to: start + 60_000, periodSeconds: 60 });
    expect(found.get('latencyP95')).toEqual([{ at: start, value: 19 }]);
  });

  it('tells of the alarms that ring, by name, with what they say', async () => {
    const { monitoring, raise } = await open();
    await raise('tasks-low-alarm', 'Few tasks. Look.', 'environment', 'ALARM');
    await raise('5xx-alarm', 'Errors.', 'environment', 'ALARM');
    await raise('cpu-at-max-alarm', 'Hot.', 'environment', 'OK');
    await raise('latency-alarm', 'Slow.', 'other', 'ALARM');
    const alarms = await monitoring.alarms();
    expect(alarms.map(({ name, description }) => [name.replace(/^shop.*?-test-/, ''), description])).toEqual([
      ['5xx-alarm', 'Errors.'],
      ['tasks-low-alarm', 'Few tasks. Look.'],
    ]);
    for (const { since } of alarms) expect(Date.parse(since ?? '')).not.toBeNaN();
  });
}
