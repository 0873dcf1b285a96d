import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { bodyOf, testRequest, testService } from '../test-service.ts';
import { homeRoute } from './home.ts';

const BROWSER_ACCEPT = 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8';

describe('/', () => {
  it('answers JSON to programs, without the value of the secret', async () => {
    const service = testService({ ENVIRONMENT: 'qa', GREETING: 'Good day', APP_SECRET: 'hunter2' });
    const response = await homeRoute.handle(testRequest({ accept: '*/*' }), service);
    expect(response.headers).toMatchObject({ 'cache-control': 'no-store' });
    expect(JSON.parse(bodyOf(response))).toEqual({
      greeting: 'Good day',
      application: 'app',
      version: '1.2.3',
      environment: 'qa',
      release: '0123456789ab',
      imageDigest: `sha256:${'0123456789abcdef'.repeat(4)}`,
      task: '0f1e2d3c4b5a69788796a5b4c3d2e1f0',
      zone: 'us-east-1b',
      secretPresent: true,
      phase: 'ready',
      uptimeSeconds: 3725,
      requestsServed: 0,
    });
  });

  it('answers a page to browsers, without the value of the secret', async () => {
    const service = testService({ ENVIRONMENT: 'qa', APP_SECRET: 'hunter2' });
    const response = await homeRoute.handle(testRequest({ accept: BROWSER_ACCEPT }), service);
    expect(response.headers['content-type']).toBe('text/html; charset=utf-8');
    for (const fact of ['Hello from Towpath', 'qa', '0123456789ab', 'us-east-1b', 'present', '1 h 2 min']) {
      expect(response.body).toContain(fact);
    }
    expect(response.body).not.toContain('hunter2');
  });

  it('allows exactly the style sheet and the script that the page carries', async () => {
    const response = await homeRoute.handle(testRequest({ accept: BROWSER_ACCEPT }), testService());
    const style = /<style>(.*)<\/style>/s.exec(bodyOf(response))?.[1] ?? '';
    const hash = createHash('sha256').update(style).digest('base64');
    expect(response.headers['content-security-policy']).toContain(`style-src 'sha256-${hash}'`);
    const script = /<script>(.*)<\/script>/s.exec(bodyOf(response))?.[1] ?? '';
    const scriptHash = createHash('sha256').update(script).digest('base64');
    expect(response.headers['content-security-policy']).toContain(`script-src 'sha256-${scriptHash}'`);
    expect(response.headers['content-security-policy']).toContain("default-src 'none'");
  });
});
