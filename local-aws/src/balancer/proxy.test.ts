import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import http from 'node:http';
import net from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Target } from '../contract.ts';
import { BalancerFixture, FORWARD, GROUP, groupOf, topologyOf, until } from './balancer-fixture.ts';

let fixture: BalancerFixture;
beforeEach(() => {
  fixture = new BalancerFixture();
});
afterEach(() => fixture.close());

async function serve(
  handler: http.RequestListener,
  options: { idleTimeoutSeconds?: number; prepare?: (server: http.Server) => void } = {},
): Promise<{ url: string; target: Target }> {
  const url = await fixture.apply({ idleTimeoutSeconds: options.idleTimeoutSeconds ?? 60 });
  const withProbe: http.RequestListener = (request, response) => {
    if (request.url === '/healthz') response.end();
    else handler(request, response);
  };
  const target = await fixture.target(withProbe, options.prepare);
  fixture.plane.register(GROUP, [target]);
  await fixture.reaches(target.id, 'healthy');
  return { url, target };
}

/** Writes bytes to the listener and reads all that comes back until the connection ends. */
async function raw(url: string, bytes: string): Promise<string> {
  const socket = net.connect(Number(new URL(url).port), '127.0.0.1');
  socket.write(bytes);
  let text = '';
  for await (const chunk of socket) text += chunk;
  return text;
}

describe('forwarding', () => {
  it('passes method, path, headers, status and body both ways', async () => {
    const { url } = await serve((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        response.writeHead(207, 'Many', { 'X-Back': '1', 'Set-Cookie': ['a=1', 'b=2'] });
        const { method, url: path, headers } = request;
        response.end(JSON.stringify({ method, path, headers, body: Buffer.concat(chunks).toString() }));
      });
    });
    const answer = await fetch(`${url}/a%20b?c=d`, {
      method: 'PATCH',
      body: 'hello',
      headers: { 'X-To': 'you' },
    });
    expect([answer.status, answer.statusText, answer.headers.get('x-back')]).toEqual([207, 'Many', '1']);
    expect(answer.headers.getSetCookie()).toEqual(['a=1', 'b=2']);
    expect(await answer.json()).toMatchObject({
      method: 'PATCH',
      path: '/a%20b?c=d',
      body: 'hello',
      headers: {
        host: new URL(url).host,
        'x-to': 'you',
        'x-forwarded-for': '127.0.0.1',
        'x-forwarded-proto': 'http',
        'x-forwarded-port': '80',
        'x-amzn-trace-id': expect.stringMatching(/^Root=1-[0-9a-f]{8}-[0-9a-f]{24}$/),
      },
    });
  });

  it('answers HEAD without a body and POST without one too', async () => {
    const { url } = await serve((request, response) => {
      response.setHeader('X-Length', request.headers['content-length'] ?? 'none');
      response.setHeader('Content-Length', 4);
      response.end('body');
    });
    const head = await fetch(url, { method: 'HEAD' });
    expect([head.status, head.headers.get('content-length'), await head.text()]).toEqual([200, '4', '']);
    const post = await raw(url, 'POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    expect(post).toContain('X-Length: 0');
    const old = await raw(url, 'GET / HTTP/1.0\r\n\r\n');
    expect(old).toMatch(/^HTTP\/1\.1 200 OK[\s\S]*body$/);
  });

  it('reuses connections on both sides', async () => {
    let connections = 0;
    const { url } = await serve((_, response) => response.end('ok'), {
      prepare: (server) =>
        server.on('request', (request) => {
          if (request.url !== '/healthz' && !seen.has(request.socket)) {
            seen.add(request.socket);
            connections += 1;
          }
        }),
    });
    const seen = new WeakSet<object>();
    for (let i = 0; i < 20; i += 1) await (await fetch(url)).text();
    expect(connections).toBe(1);
  });

  it('streams a large body both ways, unharmed', async () => {
    const { url } = await serve((request, response) => request.pipe(response));
    const block = randomBytes(1024 * 1024);
    const blocks = 48;
    const sent = createHash('sha256');
    const received = createHash('sha256');
    let bytes = 0;
    await new Promise<void>((resolve, reject) => {
      const request = http.request(url, { method: 'POST' }, (response) => {
        response.on('data', (chunk: Buffer) => {
          received.update(chunk);
          bytes += chunk.length;
        });
        response.on('end', resolve);
        response.on('error', reject);
      });
      request.on('error', reject);
      const send = async () => {
        for (let i = 0; i < blocks; i += 1) {
          sent.update(block);
          if (!request.write(block)) await new Promise((drained) => request.once('drain', drained));
        }
        request.end();
      };
      send().catch(reject);
    });
    expect(bytes).toBe(blocks * block.length);
    expect(received.digest('hex')).toBe(sent.digest('hex'));
  });

  it('holds the target back for a slow reader instead of filling memory', async () => {
    let written = 0;
    const { url } = await serve((_, response) => {
      const block = Buffer.alloc(256 * 1024);
      const write = (): void => {
        while (written < 256 * 1024 * 1024) {
          written += block.length;
          if (!response.write(block)) {
            response.once('drain', write);
            return;
          }
        }
        response.end();
      };
      write();
    });
    const response = await new Promise<http.IncomingMessage>((resolve) => http.get(url, resolve));
    response.pause();
    await sleep(500);
    expect(written).toBeLessThan(64 * 1024 * 1024);
    const before = written;
    response.resume();
    await until('it goes on', () => written > before + 10 * 1024 * 1024);
    response.destroy();
  });

  it('lets a client with Expect: 100-continue send its body', async () => {
    const { url } = await serve((request, response) => request.pipe(response));
    const request = http.request(url, {
      method: 'PUT',
      headers: { Expect: '100-continue', 'Content-Length': 4 },
    });
    const answered = new Promise<http.IncomingMessage>((resolve) => request.once('response', resolve));
    request.flushHeaders();
    await new Promise((resolve) => request.once('continue', resolve));
    request.end('body');
    let text = '';
    for await (const chunk of await answered) text += chunk;
    expect(text).toBe('body');
  });

  it('joins a WebSocket, with what comes along with the handshake', async () => {
    const { url } = await serve(() => {}, {
      prepare: (server) =>
        server.on('upgrade', (request, socket, head) => {
          socket.write(
            `HTTP/1.1 101 Switching Protocols\r\nUpgrade: ${request.headers.upgrade}\r\nConnection: Upgrade\r\nX-Key: ${request.headers['sec-websocket-key']}\r\n\r\nwelcome;`,
          );
          socket.write(head);
          socket.pipe(socket);
        }),
    });
    const socket = net.connect(Number(new URL(url).port), '127.0.0.1');
    let text = '';
    socket.on('data', (chunk) => {
      text += chunk;
    });
    socket.write(
      'GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: k\r\n\r\nearly;',
    );
    await until('handshake', () => text.includes('early;'));
    expect(text).toMatch(/^HTTP\/1\.1 101 Switching Protocols\r\n[\s\S]*X-Key: k\r\n\r\nwelcome;early;$/);
    socket.write('echo;');
    await until('echo', () => text.endsWith('echo;'));
    socket.end();
    await new Promise((resolve) => socket.once('close', resolve));
  });

  it.each([
    ['a changed protocol', 'GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n', '101'],
    ['a body', `POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: ${20_000_000}\r\n\r\n`, '200'],
  ])('carries %s unharmed past a slow reader and the traffic of others', async (_, head, status) => {
    const echo: http.RequestListener = (request, response) => {
      if (request.url !== '/echo') return response.end(Buffer.alloc(300_000));
      response.writeHead(200, { 'Content-Length': 20_000_000 }).flushHeaders();
      return request.pipe(response);
    };
    const { url } = await serve(echo, {
      prepare: (server) =>
        server.on('upgrade', (_request, socket) => {
          socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n');
          socket.pipe(socket);
        }),
    });
    const socket = net.connect(Number(new URL(url).port), '127.0.0.1');
    socket.write(head);
    const [answer] = await once(socket, 'data');
    expect(String(answer)).toMatch(new RegExp(`^HTTP/1.1 ${status} [^]*\r\n\r\n$`));
    socket.pause();
    const sent = randomBytes(20_000_000);
    socket.write(sent);
    // Both ways are full now: what was read last waits to be written, while others read into the same buffer.
    for (let i = 0; i < 5; i += 1) {
      await sleep(50);
      const other = await fetch(url, { method: 'POST', body: Buffer.alloc(300_000) });
      expect((await other.arrayBuffer()).byteLength).toBe(300_000);
    }
    const back = createHash('sha256');
    let bytes = 0;
    socket.on('data', (chunk) => {
      bytes += chunk.length;
      back.update(chunk);
    });
    socket.resume();
    await until('all has come back', () => bytes === sent.length);
    socket.destroy();
    expect(back.digest('hex')).toBe(createHash('sha256').update(sent).digest('hex'));
  });

  it('passes on the refusal of an upgrade', async () => {
    const { url } = await serve((_, response) => response.writeHead(403).end('not you'));
    const text = await raw(
      url,
      'GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
    );
    expect(text).toMatch(/^HTTP\/1\.1 403 Forbidden[\s\S]*not you/);
  });

  it('shares requests by the weights of target groups', async () => {
    const other = `${GROUP}2`;
    const topology = topologyOf({
      action: {
        type: 'forward',
        targets: [
          { targetGroupArn: GROUP, weight: 3 },
          { targetGroupArn: other, weight: 1 },
        ],
      },
    });
    await fixture.plane.apply({ ...topology, targetGroups: [groupOf(), { ...groupOf(), arn: other }] });
    const [a, b] = [await fixture.target((_, r) => r.end('a')), await fixture.target((_, r) => r.end('b'))];
    fixture.plane.register(GROUP, [a]);
    fixture.plane.register(other, [b]);
    const url = `http://127.0.0.1:${fixture.plane.localPort(topology.loadBalancers[0]?.arn ?? '', 80)}`;
    let text = '';
    for (let i = 0; i < 40; i += 1) text += await (await fetch(url)).text();
    expect(text.replaceAll('b', '')).toHaveLength(30);
  });
});

describe('failures', () => {
  it('answers 503 without a target, and other pages where they are due', async () => {
    const url = await fixture.apply();
    const answer = await fetch(url);
    expect([answer.status, answer.headers.get('server')]).toEqual([503, 'awselb/2.0']);
    expect(await answer.text()).toContain('<h1>503 Service Temporarily Unavailable</h1>');
    expect(await raw(url, 'nonsense\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 Bad Request/);
    const huge = `GET / HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(70_000)}\r\n\r\n`;
    expect(await raw(url, huge)).toMatch(/^HTTP\/1\.1 400 Bad Request/);
    expect(await raw(url, 'TRACE / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')).toMatch(
      /^HTTP\/1\.1 405/,
    );
  });

  it('[alb.fail-open] fails open when no target is healthy, and no longer when one is', async () => {
    let status = 500;
    const handler =
      (name: string, own: () => number): http.RequestListener =>
      (request, response) =>
        response.writeHead(request.url === '/healthz' ? own() : 200).end(name);
    const url = await fixture.apply();
    const a = await fixture.target(handler('a', () => 500));
    const b = await fixture.target(handler('b', () => status));
    fixture.plane.register(GROUP, [a, b]);
    await fixture.reaches(a.id, 'unhealthy');
    await fixture.reaches(b.id, 'unhealthy');
    const answers = async (): Promise<string> => {
      let text = '';
      for (let i = 0; i < 6; i += 1) text += await (await fetch(url)).text();
      return text;
    };
    expect([...(await answers())].sort().join('')).toBe('aaabbb');
    status = 200;
    await fixture.reaches(b.id, 'healthy');
    expect(await answers()).toBe('bbbbbb');
  });

  it('answers 502 when the target refuses, resets or does not speak HTTP', async () => {
    const { url, target } = await serve((request, response) => {
      if (request.url === '/reset') request.socket.resetAndDestroy();
      else if (request.url === '/nonsense') request.socket.end('hello?\r\n\r\n');
      else response.end();
    });
    expect((await fetch(`${url}/reset`, { method: 'POST' })).status).toBe(502);
    expect((await fetch(`${url}/nonsense`, { method: 'POST' })).status).toBe(502);
    fixture.plane.deregister(GROUP, [target]);
    fixture.plane.register(GROUP, [
      { ...target, id: '10.9.9.9', dial: { address: '127.251.7.250', port: 9 } },
    ]);
    const refused = await fetch(url);
    expect(refused.status).toBe(502);
    expect(await refused.text()).toContain('<h1>502 Bad Gateway</h1>');
  });

  it('answers 504 when the target says nothing, and cuts what it began', async () => {
    const { url } = await serve(
      (request, response) => {
        if (request.url === '/began') response.write('half');
      },
      { idleTimeoutSeconds: 0.3 },
    );
    const from = Date.now();
    expect((await fetch(url)).status).toBe(504);
    expect(Date.now() - from).toBeGreaterThan(280);
    const began = await fetch(`${url}/began`);
    await expect(began.text()).rejects.toThrow();
  });

  it('answers 408 when the client stops sending, and closes what is idle', async () => {
    const { url } = await serve((request, response) => request.resume().on('end', () => response.end()), {
      idleTimeoutSeconds: 0.3,
    });
    const stalled = await raw(url, 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf');
    expect(stalled).toMatch(/^HTTP\/1\.1 408 /);
    const from = Date.now();
    await raw(url, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'); // ends when the balancer closes it
    expect(Date.now() - from).toBeLessThan(2000);
  });

  it('takes another connection when a kept one turns out closed', async () => {
    const closing = new WeakSet<object>();
    let resets = 0;
    const { url } = await serve((request, response) => {
      // Says keep-alive on the first request of a connection, and breaks the second.
      if (closing.has(request.socket)) {
        resets += 1;
        request.socket.resetAndDestroy();
        return;
      }
      closing.add(request.socket);
      response.end('ok');
    });
    for (let i = 0; i < 10; i += 1) expect((await fetch(url)).status).toBe(200);
    expect(resets).toBeGreaterThan(0);
    // What can't be repeated does not go out on a kept connection in the first place.
    const before = resets;
    for (let i = 0; i < 10; i += 1)
      expect((await fetch(url, { method: 'POST', body: 'x' })).status).toBe(200);
    expect(resets).toBe(before);
  });

  it('passes on an answer that comes before the body has ended', async () => {
    const { url } = await serve((_, response) => {
      response.writeHead(413).end('too large');
    });
    const request = http.request(url, { method: 'POST' });
    const answered = new Promise<http.IncomingMessage>((resolve, reject) => {
      request.on('response', resolve);
      request.on('error', reject);
    });
    for (let i = 0; i < 64; i += 1) request.write(Buffer.alloc(64 * 1024));
    request.end();
    const answer = await answered;
    const { socket } = answer;
    let text = '';
    for await (const chunk of answer) text += chunk;
    expect([answer.statusCode, text]).toEqual([413, 'too large']);
    await until('all was sent', () => request.writableFinished && socket.writableLength === 0);
  });

  it('gives up a request whose client is gone', async () => {
    let closed = false;
    const { url } = await serve((_, response) => {
      response.on('close', () => {
        closed = true;
      });
    });
    const controller = new AbortController();
    const going = fetch(url, { signal: controller.signal });
    await sleep(50);
    controller.abort();
    await expect(going).rejects.toThrow();
    await until('the target knows', () => closed);
  });

  it('fixed responses need no target', async () => {
    const url = await fixture.apply({
      action: { type: 'fixed-response', statusCode: 404, contentType: 'text/plain', body: 'nothing here' },
    });
    const answer = await fetch(url);
    expect([answer.status, await answer.text()]).toEqual([404, 'nothing here']);
    await fixture.apply({ action: FORWARD });
    expect((await fetch(url)).status).toBe(503);
  });
});
