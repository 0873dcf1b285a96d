import { describe, expect, it } from 'vitest';
import type { Service } from '../route.ts';
import { testService } from '../test-service.ts';
import { metricsRoute } from './metrics.ts';

async function scrape(service: Service): Promise<string> {
  const response = await metricsRoute.handle({ accept: undefined }, service);
  expect(response.headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8');
  return response.body;
}

describe('/metrics', () => {
  it('shows requests, process and build', async () => {
    const service = testService({ ENVIRONMENT: 'qa' });
    service.metrics.begin();
    service.metrics.end({ method: 'GET', route: '/', status: 200, durationSeconds: 0.01, probe: false });
    const lines = (await scrape(service)).split('\n');
    expect(lines).toEqual(
      expect.arrayContaining([
        'http_requests_total{method="GET",route="/",status="200"} 1',
        'http_request_duration_seconds_count{method="GET",route="/"} 1',
        'http_requests_in_flight 0',
        'process_cpu_seconds_total 1.5',
        'process_resident_memory_bytes 50000000',
        'nodejs_eventloop_lag_p99_seconds 0.004',
        'app_ready 1',
        `app_build_info{application="app",version="1.2.3",environment="qa",release="0123456789ab",zone="us-east-1b",node="${process.version}"} 1`,
      ]),
    );
  });

  it('is valid exposition text: every line a comment or a sample of a declared family', async () => {
    const lines = (await scrape(testService())).split('\n').filter((line) => line !== '');
    const families = lines.flatMap((line) => /^# TYPE (\S+) /.exec(line)?.[1] ?? []);
    expect(new Set(families).size).toBe(families.length);
    for (const line of lines.filter((candidate) => !candidate.startsWith('#'))) {
      const name = /^([a-z_][a-z0-9_]*)(\{[^{}]*\})? \S+$/.exec(line)?.[1];
      expect(families, line).toContain(name?.replace(/_(bucket|sum|count)$/, ''));
    }
  });

  it('shows a draining service as not ready', async () => {
    const service = testService();
    service.state.startDraining();
    expect(await scrape(service)).toContain('\napp_ready 0\n');
  });
});
