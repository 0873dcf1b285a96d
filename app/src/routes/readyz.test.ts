import { describe, expect, it } from 'vitest';
import { ServiceState } from '../service-state.ts';
import { bodyOf, testRequest, testService } from '../test-service.ts';
import { readyzRoute } from './readyz.ts';

describe('/readyz', () => {
  it('is 200 when ready', async () => {
    expect(await readyzRoute.handle(testRequest(), testService())).toMatchObject({ status: 200 });
  });

  it.each(['starting', 'draining'] as const)('is 503 while %s', async (phase) => {
    const state = new ServiceState();
    if (phase === 'draining') state.startDraining();
    const response = await readyzRoute.handle(testRequest(), { ...testService(), state });
    expect(response.status).toBe(503);
    expect(response.headers['content-type']).toBe('application/problem+json');
    expect(JSON.parse(bodyOf(response)).detail).toContain(phase);
  });
});
