import { describe, expect, it } from 'vitest';
import { renderEmbeddedMetrics } from './embedded-metrics.ts';
import { RequestWindow } from './request-window.ts';
import { testService } from './test-service.ts';

const service = testService();

function render(durationsMs: readonly number[]) {
  return renderEmbeddedMetrics({
    nowMs: 1_000,
    application: 'app',
    environment: 'qa',
    interval: { requests: 5, serverErrors: 1, durationsMs },
    runtime: service.sampleRuntime(),
    cache: service.cache.status(),
  });
}

describe('renderEmbeddedMetrics', () => {
  it('declares exactly the values that it holds', () => {
    const line = render([1.23456, 2]) as Record<string, unknown> & {
      _aws: {
        Timestamp: number;
        CloudWatchMetrics: { Dimensions: string[][]; Metrics: { Name: string }[] }[];
      };
    };
    const [directive] = line._aws.CloudWatchMetrics;
    const declared = [
      ...(directive?.Metrics.map(({ Name }) => Name) ?? []),
      ...(directive?.Dimensions.flat() ?? []),
    ];
    expect(
      Object.keys(line)
        .filter((key) => key !== '_aws')
        .sort(),
    ).toEqual(declared.sort());
    expect(line).toMatchObject({ Requests: 5, ServerErrors: 1, Duration: [1.235, 2], Environment: 'qa' });
  });

  it('has no duration without requests', () => {
    const text = JSON.stringify(render([]));
    expect(text).not.toContain('Duration');
  });
});

describe('RequestWindow', () => {
  it('counts by second, and forgets after a minute', () => {
    let nowMs = 0;
    const window = new RequestWindow(
      () => nowMs,
      () => 0,
    );
    for (const endedMs of [500, 900, 1_100]) window.add({ status: 200, durationMs: 10, endedMs });
    nowMs = 2_000;
    expect(window.history().slice(-3)).toEqual([0, 2, 1]);
    expect(window.perSecond(2)).toBe(1.5);
    nowMs = 61_500;
    expect(window.history().reduce((sum, count) => sum + count)).toBe(0);
  });

  it('samples at most a hundred durations of an interval', () => {
    const window = new RequestWindow(
      () => 0,
      () => 0.001,
    );
    const ended = { status: 200, durationMs: 10, endedMs: 0 };
    for (let index = 0; index < 500; index += 1) window.add(index === 0 ? { ...ended, status: 503 } : ended);
    expect(window.takeInterval()).toMatchObject({ requests: 500, serverErrors: 1 });
    for (let index = 0; index < 500; index += 1) window.add(ended);
    expect(window.takeInterval().durationsMs).toHaveLength(100);
    expect(window.takeInterval()).toEqual({ requests: 0, serverErrors: 0, durationsMs: [] });
  });
});
