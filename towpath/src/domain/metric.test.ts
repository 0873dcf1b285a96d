import { describe, expect, it } from 'vitest';
import { decideSeries, decideWindow, type MetricPoint } from './metric.ts';

const NOW = Date.parse('2026-11-25T12:00:30.000Z');
const HOUR = 3_600_000;

describe('the window', () => {
  it.each([
    [HOUR, 60, 60],
    [HOUR, 40, 120],
    [HOUR, 1_440, 60],
    [60_000, 40, 60],
    [24 * HOUR, 48, 1_800],
    [20 * 24 * HOUR, 100_000, 300],
    [70 * 24 * HOUR, 100_000, 3_600],
  ])('of %d ms with %d points has periods of %d s', (age, maxPoints, periodSeconds) => {
    const window = decideWindow(NOW - age, NOW, maxPoints);
    expect(window.periodSeconds).toBe(periodSeconds);
    expect(window.from % (periodSeconds * 1_000)).toBe(0);
    expect(window.from).toBeLessThanOrEqual(NOW - age);
    expect(window.to).toBeGreaterThanOrEqual(NOW);
  });
});

describe('the rows', () => {
  const facts = { periodSeconds: 120, changedMsAgo: undefined };
  const rows = (answers: Record<string, readonly MetricPoint[]>, changed = facts) =>
    new Map(decideSeries(new Map(Object.entries(answers)), changed).map((row) => [row.id, row]));

  it('have sums a minute and times in milliseconds', () => {
    const found = rows({
      requests: [{ at: 0, value: 120 }],
      latencyP95: [{ at: 0, value: 0.25 }],
      cpu: [{ at: 0, value: 12 }],
    });
    expect(found.get('requests')?.points).toEqual([{ at: 0, value: 60 }]);
    expect(found.get('latencyP95')?.points).toEqual([{ at: 0, value: 250 }]);
    expect(found.get('cpu')?.points).toEqual([{ at: 0, value: 12 }]);
  });

  it('count no reported error as none, where there were requests', () => {
    const requests = [1, 2, 3].map((at) => ({ at, value: 2 }));
    const found = rows({ requests, errors: [{ at: 2, value: 4 }] });
    expect(found.get('errors')?.points).toEqual([
      { at: 1, value: 0 },
      { at: 2, value: 2 },
      { at: 3, value: 0 },
    ]);
    expect(found.get('balancerErrors')?.points.map(({ value }) => value)).toEqual([0, 0, 0]);
    expect(rows({}).get('errors')).toMatchObject({ points: [], reason: 'no requests' });
  });

  it('tell requests that met no task from no requests', () => {
    const found = rows({ balancerErrors: [{ at: 1, value: 60 }] });
    expect(found.get('balancerErrors')?.points).toEqual([{ at: 1, value: 30 }]);
    for (const id of ['requests', 'errors', 'latencyP95'])
      expect(found.get(id)).toMatchObject({ points: [], reason: 'none reached a task' });
  });

  it.each([
    ['cpu', undefined, 'no task may be running'],
    ['cpu', 60_000, 'not yet'],
    ['cpu', 10 * 60_000, 'no task may be running'],
    ['tasks', undefined, 'Container Insights'],
    ['healthy', undefined, 'load balancer'],
    ['latencyP50', undefined, 'no requests'],
    ['requests', 60_000, 'not yet'],
  ])('say why %s has no value (changed %s ms ago)', (id, changedMsAgo, text) => {
    const found = new Map(
      decideSeries(new Map(), { periodSeconds: 60, changedMsAgo }).map((row) => [row.id, row.reason]),
    );
    expect(found.get(id)).toContain(text);
  });
});
