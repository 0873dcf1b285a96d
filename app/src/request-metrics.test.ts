import { describe, expect, it } from 'vitest';
import { renderExposition } from './exposition.ts';
import { type FinishedRequest, RequestMetrics } from './request-metrics.ts';

const REQUEST: FinishedRequest = {
  method: 'GET',
  route: '/',
  status: 200,
  durationMs: 20,
  endedMs: 0,
  probe: false,
};

function record(metrics: RequestMetrics, ...requests: readonly Partial<FinishedRequest>[]): void {
  for (const request of requests) {
    metrics.begin();
    metrics.end({ ...REQUEST, ...request });
  }
}

describe('RequestMetrics', () => {
  it('counts by method, route and status', () => {
    const metrics = new RequestMetrics();
    record(metrics, {}, {}, { status: 500 }, { route: 'unmatched', status: 404 });
    const text = renderExposition(metrics.families());
    expect(text).toContain('http_requests_total{method="GET",route="/",status="200"} 2\n');
    expect(text).toContain('http_requests_total{method="GET",route="/",status="500"} 1\n');
    expect(text).toContain('http_requests_total{method="GET",route="unmatched",status="404"} 1\n');
  });

  it('keeps a cumulative histogram of durations', () => {
    const metrics = new RequestMetrics();
    record(metrics, { durationMs: 5 }, { durationMs: 20 }, { durationMs: 60_000 });
    const text = renderExposition(metrics.families());
    const bucket = (le: string): string | undefined =>
      new RegExp(`_bucket\\{method="GET",route="/",le="${le.replace('+', '\\+')}"\\} (\\d+)`).exec(text)?.[1];
    expect([bucket('0.005'), bucket('0.01'), bucket('0.025'), bucket('10'), bucket('+Inf')]).toEqual([
      '1',
      '1',
      '2',
      '2',
      '3',
    ]);
    expect(text).toContain('http_request_duration_seconds_count{method="GET",route="/"} 3\n');
    expect(text).toContain('http_request_duration_seconds_sum{method="GET",route="/"} 60.025\n');
  });

  it('knows what is in flight', () => {
    const metrics = new RequestMetrics();
    metrics.begin();
    metrics.begin();
    expect(metrics.inFlight).toBe(2);
    metrics.end(REQUEST);
    expect(metrics.inFlight).toBe(1);
  });

  it('leaves probes out of the requests served', () => {
    const metrics = new RequestMetrics();
    record(metrics, { route: '/healthz', probe: true }, {});
    expect(metrics.served).toBe(1);
  });

  it('does not grow with methods that clients invent', () => {
    const metrics = new RequestMetrics();
    record(metrics, { method: 'PROPFIND' }, { method: 'MKCOL' });
    expect(renderExposition(metrics.families())).toContain(
      'http_requests_total{method="OTHER",route="/",status="200"} 2\n',
    );
  });
});
