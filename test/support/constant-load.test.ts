/** Tests of the load generator against small servers in this process. */
import { createServer, type RequestListener, type Server } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { constantLoad } from './constant-load.ts';
import { freePort } from './free-port.ts';

let server: Server | undefined;
afterEach(() => {
  server?.closeAllConnections();
  server?.close();
  server = undefined;
});

async function serve(listener: RequestListener): Promise<string> {
  const port = await freePort();
  const started = createServer(listener);
  server = started;
  await new Promise<void>((resolve) => started.listen(port, '127.0.0.1', resolve));
  return `http://127.0.0.1:${port}/`;
}

describe('constantLoad', () => {
  it('sends at the rate asked for, and counts what came back', async () => {
    let requests = 0;
    const url = await serve((_request, response) => {
      requests += 1;
      response.statusCode = requests % 10 === 0 ? 503 : 200;
      response.end('overloaded');
    });
    const report = await constantLoad({ url, ratePerSecond: 200, durationMs: 500 });
    expect(report.sent).toBe(100);
    expect(report.statuses).toEqual({ 200: 90, 503: 10 });
    expect(report.succeeded).toBe(90);
    expect(report.errors).toEqual({});
    expect(report.firstFailures).toContain('503 overloaded');
    expect(report.latencyMs.p99).toBeGreaterThanOrEqual(report.latencyMs.p50);
  });

  it('sends what each request is said to be', async () => {
    const seen: string[] = [];
    const url = await serve((request, response) => {
      request.on('data', (chunk) => seen.push(`${request.method} ${request.url} ${chunk}`));
      request.on('end', () => response.end());
    });
    const report = await constantLoad({
      url,
      ratePerSecond: 100,
      durationMs: 30,
      requestAt: (index) => ({ method: 'PUT', path: `/${index}`, body: `value ${index}` }),
    });
    expect(report.statuses).toEqual({ 200: 3 });
    expect(seen.sort()).toEqual(['PUT /0 value 0', 'PUT /1 value 1', 'PUT /2 value 2']);
  });

  it('does not wait for answers, and counts one that never comes', async () => {
    const url = await serve(() => {});
    const report = await constantLoad({ url, ratePerSecond: 100, durationMs: 200, requestTimeoutMs: 150 });
    expect(report.sent).toBe(20);
    expect(report.errors).toEqual({ TIMEOUT: 20 });
    expect(report.durationMs).toBeLessThan(1_500);
  });

  it('counts refused connections', async () => {
    const url = `http://127.0.0.1:${await freePort()}/`;
    const report = await constantLoad({ url, ratePerSecond: 50, durationMs: 100 });
    expect(report).toMatchObject({ sent: 5, succeeded: 0, errors: { ECONNREFUSED: 5 } });
  });

  it('goes on until a promise settles, even by failing', async () => {
    const url = await serve((_request, response) => response.end());
    const until = new Promise((_resolve, reject) => setTimeout(() => reject(new Error('over')), 200));
    const report = await constantLoad({ url, ratePerSecond: 100, until });
    expect(report.sent).toBeGreaterThanOrEqual(10);
    expect(report.succeeded).toBe(report.sent);
  });

  it('refuses addresses beyond this machine, and a load without an end', async () => {
    await expect(constantLoad({ url: 'http://10.0.0.1/', ratePerSecond: 1, durationMs: 1 })).rejects.toThrow(
      '10.0.0.1',
    );
    await expect(constantLoad({ url: 'http://127.0.0.1/', ratePerSecond: 1 })).rejects.toThrow('durationMs');
  });
});
