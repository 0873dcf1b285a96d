import { request as httpRequest, type IncomingHttpHeaders, type Server } from 'node:http';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createServer, MAX_BODY_BYTES, MAX_HEADER_BYTES, type ServerLimits } from './create-server.ts';
import { renderExposition } from './exposition.ts';
import { listen } from './listen.ts';
import { createLogger } from './logger.ts';
import type { Route, Service } from './route.ts';
import { createRoutes } from './routes/all-routes.ts';
import { testService } from './test-service.ts';

interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

interface Sent {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Buffer;
}

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.close();
    server.closeAllConnections();
  }
});

interface Running {
  readonly service: Service;
  readonly port: number;
  readonly lines: Record<string, unknown>[];
  readonly send: (path: string, sent?: Sent) => Promise<Answer>;
}

async function run(
  routes: readonly Route[] = createRoutes({ faults: false }),
  limits?: ServerLimits,
): Promise<Running> {
  const service = testService({ APP_SECRET: 'hunter2' });
  const lines: Record<string, unknown>[] = [];
  const logger = createLogger('debug', { write: (line) => lines.push(JSON.parse(line)), now: () => 0 });
  const server = createServer({
    service,
    routes,
    logger,
    elapsedMs: () => performance.now(),
    generateId: () => 'new-id',
    ...(limits === undefined ? {} : { limits }),
  });
  servers.push(server);
  const { port } = await listen(server, '127.0.0.1', 0);
  const send = (path: string, sent: Sent = {}): Promise<Answer> =>
    new Promise((resolve, reject) => {
      const options = {
        host: '127.0.0.1',
        port,
        path,
        method: sent.method ?? 'GET',
        headers: sent.headers ?? {},
      };
      const request = httpRequest({ ...options, agent: false }, (response) => {
        const { statusCode = 0, headers } = response;
        text(response).then((body) => resolve({ status: statusCode, headers, body }), reject);
      });
      request.on('error', reject).end(sent.body);
    });
  return { service, port, lines, send };
}

/** Sends raw bytes; resolves with all that comes back until the server closes. */
function sendRaw(port: number, bytes: string): Promise<string> {
  const socket = connect({ host: '127.0.0.1', port });
  socket.write(bytes);
  return text(socket);
}

describe('createServer', () => {
  it.each(['/', '/healthz', '/readyz', '/version', '/metrics'])('serves %s to GET and HEAD', async (path) => {
    const { send } = await run();
    const got = await send(path);
    const head = await send(path, { method: 'HEAD' });
    expect([got.status, head.status]).toEqual([200, 200]);
    expect(got.body).not.toBe('');
    expect(Number(got.headers['content-length'])).toBe(Buffer.byteLength(got.body));
    expect(head.body).toBe('');
    expect(head.headers['content-type']).toBe(got.headers['content-type']);
  });

  it('answers 404 as a problem that lists the paths', async () => {
    const { send } = await run();
    const { status, headers, body } = await send('/nope');
    expect([status, headers['content-type']]).toEqual([404, 'application/problem+json']);
    expect(JSON.parse(body)).toMatchObject({ status: 404, title: 'Not Found' });
  });

  it('answers 405 with the allowed methods', async () => {
    const { send } = await run();
    const { status, headers, body } = await send('/version', { method: 'DELETE' });
    expect([status, headers.allow]).toEqual([405, 'GET, HEAD']);
    expect(JSON.parse(body).detail).toContain('DELETE');
  });

  it('logs one line a request, without query, headers or secret', async () => {
    const { send, lines } = await run();
    await send('/version?token=abc', { headers: { 'x-request-id': 'mine', authorization: 'Bearer abc' } });
    await vi.waitFor(() => expect(lines).toHaveLength(1));
    expect(lines[0]).toEqual({
      time: '1970-01-01T00:00:00.000Z',
      level: 'info',
      msg: 'request',
      method: 'GET',
      path: '/version',
      status: 200,
      durationMs: expect.any(Number),
      requestId: 'mine',
      traceId: 'new-id',
    });
  });

  it('logs probes at debug level and leaves them out of the requests served', async () => {
    const { send, lines, service } = await run();
    await send('/healthz');
    await vi.waitFor(() => expect(lines).toMatchObject([{ level: 'debug', path: '/healthz' }]));
    expect(service.metrics.served).toBe(0);
  });

  it('sends the request id back', async () => {
    const { send } = await run();
    const trace = { 'x-amzn-trace-id': 'Root=1-67891233-abcdef' };
    expect((await send('/', { headers: trace })).headers['x-request-id']).toBe('1-67891233-abcdef');
    expect((await send('/')).headers['x-request-id']).toBe('new-id');
  });

  it('asks clients to close their connection only while draining, and serves on', async () => {
    const { send, service } = await run();
    const keepAlive = { headers: { connection: 'keep-alive' } };
    expect((await send('/', keepAlive)).headers.connection).toBe('keep-alive');
    service.state.startDraining();
    const last = await send('/', keepAlive);
    expect([last.status, last.headers.connection]).toEqual([200, 'close']);
  });

  it('turns a failing route into a 500 that shows nothing of the error', async () => {
    const failing: Route = {
      path: '/fail',
      probe: false,
      handle: () => {
        throw new Error('the database password is hunter2');
      },
    };
    const { send, lines } = await run([failing]);
    const { status, body } = await send('/fail');
    expect(status).toBe(500);
    expect(body).not.toContain('hunter2');
    expect(body).toContain('new-id');
    expect(lines[0]).toMatchObject({ level: 'error', msg: 'route failed', requestId: 'new-id' });
  });

  it('counts a client that left as 499 and as no longer in flight', async () => {
    let reached = (): void => {};
    const arrived = new Promise<void>((resolve) => {
      reached = resolve;
    });
    const never: Route = {
      path: '/never',
      probe: false,
      handle: () => {
        reached();
        return new Promise(() => {});
      },
    };
    const { port, lines, service } = await run([never]);
    const socket = connect({ host: '127.0.0.1', port });
    socket.write('GET /never HTTP/1.1\r\nhost: x\r\n\r\n');
    await arrived;
    expect(service.metrics.inFlight).toBe(1);
    socket.destroy();
    await vi.waitFor(() => expect(lines).toMatchObject([{ path: '/never', status: 499 }]));
    expect(service.metrics.inFlight).toBe(0);
  });

  it.each([256, 5_000])('gives back %i bytes as they came, whatever they are', async (length) => {
    const { send, port } = await run();
    const body = Buffer.from(Array.from({ length }, (_, index) => index % 256));
    await send('/cache/bytes', { method: 'PUT', body, headers: { 'content-length': String(length) } });
    const got = await fetch(`http://127.0.0.1:${port}/cache/bytes`);
    expect(Buffer.from(await got.arrayBuffer()).equals(body)).toBe(true);
  });

  it('sends a text beyond ASCII in its full length', async () => {
    const speaking: Route = {
      path: '/text',
      probe: false,
      handle: () => ({ status: 200, headers: {}, body: 'Grüße → 日本' }),
    };
    const { send } = await run([speaking]);
    const { body, headers } = await send('/text');
    expect([body, headers['content-length']]).toEqual(['Grüße → 日本', '18']);
  });

  it('refuses a body that is declared too large', async () => {
    const { send } = await run();
    const body = Buffer.alloc(MAX_BODY_BYTES + 1);
    const answer = await send('/', {
      method: 'POST',
      body,
      headers: { 'content-length': String(body.length) },
    });
    expect([answer.status, answer.headers.connection]).toEqual([413, 'close']);
  });

  it('cuts a body without end', async () => {
    const { port } = await run();
    const chunk = `4000\r\n${'x'.repeat(0x4000)}\r\n`;
    const socket = connect({ host: '127.0.0.1', port });
    socket.on('error', () => {}); // A reset is one of the ways in which being cut off shows.
    const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
    socket.write(`POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n${chunk.repeat(5)}`);
    socket.resume();
    await closed;
  });

  it('rejects headers that are too large, and what is not HTTP', async () => {
    const { port, lines } = await run();
    const huge = `GET / HTTP/1.1\r\nhost: x\r\ncookie: ${'x'.repeat(MAX_HEADER_BYTES)}\r\n\r\n`;
    expect(await sendRaw(port, huge)).toMatch(/^HTTP\/1\.1 431 .*"status":431/s);
    expect(await sendRaw(port, 'what is this\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 .*"status":400/s);
    expect(lines.map(({ msg, status }) => [msg, status])).toEqual([
      ['malformed request', 431],
      ['malformed request', 400],
    ]);
  });

  it('hangs up on a slow client, and lets an idle connection be', async () => {
    const limits = { headersTimeoutMs: 100, requestTimeoutMs: 200, checkIntervalMs: 20 };
    const { port } = await run(createRoutes({ faults: false }), limits);
    expect(await sendRaw(port, 'GET / HTTP/1.1\r\nhost: x\r\nx-slow: ')).toMatch(
      /^HTTP\/1\.1 408 .*"status":408/s,
    );
    const body = 'PUT /cache/a HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\nabc';
    expect(await sendRaw(port, body)).toMatch(/^HTTP\/1\.1 408 /);
    const idle = connect({ host: '127.0.0.1', port });
    idle.write('GET /version HTTP/1.1\r\nhost: x\r\n\r\n');
    await new Promise((resolve) => setTimeout(resolve, 400));
    idle.write('GET /version HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n');
    expect((await text(idle)).match(/HTTP\/1\.1 200 OK/g)).toHaveLength(2);
  });

  it('needs a Host, meets one expectation, and takes only the media types of the route', async () => {
    const { port, send } = await run();
    expect(await sendRaw(port, 'GET / HTTP/1.1\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 .*application\/problem/s);
    const expectation = 'GET / HTTP/1.1\r\nhost: x\r\nexpect: wonders\r\n\r\n';
    expect(await sendRaw(port, expectation)).toMatch(/^HTTP\/1\.1 417 .*"status":417/s);
    const headers = { 'content-type': 'text/html' };
    const put = { method: 'PUT', body: Buffer.from('<b>'), headers };
    expect((await send('/cache/a', put)).status).toBe(415);
  });

  it('labels metrics with routes, never with what clients invent', async () => {
    const { send, service } = await run();
    await send('/secret-guess-1');
    await send('/secret-guess-2');
    await vi.waitFor(() => expect(service.metrics.served).toBe(2));
    const rendered = renderExposition(service.metrics.families());
    expect(rendered).toContain('http_requests_total{method="GET",route="unmatched",status="404"} 2');
    expect(rendered).not.toContain('secret-guess');
  });
});
