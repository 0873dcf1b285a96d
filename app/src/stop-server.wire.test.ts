import { Agent, get, type Server } from 'node:http';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { createServer } from './create-server.ts';
import { listen } from './listen.ts';
import { createLogger } from './logger.ts';
import type { Route, Service } from './route.ts';
import { readyzRoute } from './routes/readyz.ts';
import { stopServer } from './stop-server.ts';
import { testService } from './test-service.ts';

const logger = createLogger('error', { write: () => {}, now: () => 0 });

function slowRoute(ms: number): Route {
  const handle: Route['handle'] = async () => {
    await sleep(ms);
    return { status: 200, headers: {}, body: 'slow but whole' };
  };
  return { path: '/slow', probe: false, handle };
}

interface Running {
  readonly server: Server;
  readonly service: Service;
  readonly send: (path: string, agent?: Agent) => Promise<{ status: number; body: string }>;
}

const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup();
});

async function run(route: Route): Promise<Running> {
  const service = testService();
  const deps = { service, routes: [route, readyzRoute], logger, elapsedMs: Date.now, generateId: () => 'id' };
  const server = createServer(deps);
  cleanups.push(() => {
    server.close();
    server.closeAllConnections();
  });
  const { port } = await listen(server, '127.0.0.1', 0);
  const send: Running['send'] = (path, agent) =>
    new Promise((resolve, reject) => {
      get({ host: '127.0.0.1', port, path, agent: agent ?? false }, (response) => {
        text(response).then((body) => resolve({ status: response.statusCode ?? 0, body }), reject);
      }).on('error', reject);
    });
  return { server, service, send };
}

describe('stopServer', () => {
  it('fails readiness at once, serves during the delay, then closes', async () => {
    const { server, service, send } = await run(slowRoute(1));
    const stopped = stopServer({ server, ...service, logger, delayMs: 150, timeoutMs: 1_000 });
    expect((await send('/readyz')).status).toBe(503);
    expect((await send('/slow')).status).toBe(200);
    expect(await stopped).toEqual({ cutRequests: 0 });
    await expect(send('/slow')).rejects.toThrow('ECONNREFUSED');
  });

  it('waits for a request in flight', async () => {
    const { server, service, send } = await run(slowRoute(200));
    const answer = send('/slow');
    await expect.poll(() => service.metrics.inFlight).toBe(1);
    const stopped = stopServer({ server, ...service, logger, delayMs: 0, timeoutMs: 2_000 });
    expect(await answer).toEqual({ status: 200, body: 'slow but whole' });
    expect(await stopped).toEqual({ cutRequests: 0 });
  });

  it('does not wait for idle keep-alive connections', async () => {
    const { server, service, send } = await run(slowRoute(1));
    const agent = new Agent({ keepAlive: true });
    cleanups.push(() => agent.destroy());
    await send('/slow', agent);
    const before = Date.now();
    await stopServer({ server, ...service, logger, delayMs: 0, timeoutMs: 5_000 });
    expect(Date.now() - before).toBeLessThan(1_000);
  });

  it('cuts what does not end in time, and says how much', async () => {
    const { server, service, send } = await run(slowRoute(1_500));
    const answer = send('/slow').catch((error: NodeJS.ErrnoException) => error.code);
    await expect.poll(() => service.metrics.inFlight).toBe(1);
    expect(await stopServer({ server, ...service, logger, delayMs: 0, timeoutMs: 50 })).toEqual({
      cutRequests: 1,
    });
    expect(await answer).toBe('ECONNRESET');
  });
});
