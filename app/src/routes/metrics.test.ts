import { describe, expect, it } from 'vitest';
import type { Service } from '../route.ts';
import { ServiceState } from '../service-state.ts';
import { bodyOf, testRequest, testService } from '../test-service.ts';
import { metricsRoute } from './metrics.ts';

async function scrape(service: Service): Promise<string> {
  const response = await metricsRoute.handle(testRequest(), service);
  expect(response.headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8');
  return bodyOf(response);
}

describe('/metrics', () => {
  it('shows requests, process and build', async () => {
    const service = testService({ ENVIRONMENT: 'qa' });
    service.metrics.begin();
    const request = { method: 'GET', route: '/', status: 200, durationMs: 10, endedMs: 0, probe: false };
    service.metrics.end(request);
    const lines = (await scrape(service)).split('\n');
    expect(lines).toEqual(
      expect.arrayContaining([
        'http_requests_total{method="GET",route="/",status="200"} 1',
        'http_request_duration_seconds_count{method="GET",route="/"} 1',
        'http_requests_in_flight 0',
        'process_cpu_seconds_total 1.5',
        'process_resident_memory_bytes 50000000',
        'app_memory_limit_bytes 536870912',
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

  it('shows the limit of the system where the task has none, and none where nobody sets one', async () => {
    const service = testService();
    const sampleRuntime = () => ({ ...service.sampleRuntime(), memoryLimitBytes: 268_435_456 });
    const state = new ServiceState();
    expect(await scrape({ ...service, state, sampleRuntime })).toContain(
      '\napp_memory_limit_bytes 268435456\n',
    );
    expect(await scrape({ ...service, state })).not.toContain('app_memory_limit_bytes');
  });

  it('shows a draining service as not ready', async () => {
    const service = testService();
    service.state.startDraining();
    expect(await scrape(service)).toContain('\napp_ready 0\n');
  });
});
