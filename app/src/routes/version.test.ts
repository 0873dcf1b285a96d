import { describe, expect, it } from 'vitest';
import { ServiceState } from '../service-state.ts';
import { bodyOf, TEST_IDENTITY, testRequest, testService } from '../test-service.ts';
import { versionRoute } from './version.ts';

describe('/version', () => {
  it('says what runs', async () => {
    const response = await versionRoute.handle(testRequest(), testService({ ENVIRONMENT: 'qa' }));
    expect(JSON.parse(bodyOf(response))).toEqual({
      application: 'app',
      version: '1.2.3',
      environment: 'qa',
      release: '0123456789ab',
      imageDigest: TEST_IDENTITY.imageDigest,
      node: process.version,
    });
  });

  it('has null for what is not known', async () => {
    const service = { ...testService(), state: new ServiceState() };
    const response = await versionRoute.handle(testRequest(), service);
    expect(JSON.parse(bodyOf(response))).toMatchObject({ release: null, imageDigest: null });
  });
});
