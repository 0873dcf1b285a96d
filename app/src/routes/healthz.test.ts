import { describe, expect, it } from 'vitest';
import { testRequest, testService } from '../test-service.ts';
import { healthzRoute } from './healthz.ts';

describe('/healthz', () => {
  it('is alive in every phase', async () => {
    const service = testService();
    service.state.startDraining();
    expect(await healthzRoute.handle(testRequest(), service)).toMatchObject({
      status: 200,
      body: '{"status":"ok"}\n',
    });
  });
});
