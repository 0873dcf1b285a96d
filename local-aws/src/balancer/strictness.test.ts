/** Raw bytes against a listening load balancer: requests that must not be smuggled, clients that must not hold it up. */
import type http from 'node:http';
import net from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Target } from '../contract.ts';
import { BalancerFixture, FORWARD, GROUP, groupOf, until } from './balancer-fixture.ts';

let fixture: BalancerFixture;
beforeEach(() => {
  fixture = new BalancerFixture();
});
afterEach(() => fixture.close());

/** Every request that reaches the target, as `METHOD path body`. */
let seen: string[];

async function serve(
  handler?: http.RequestListener,
  idleTimeoutSeconds = 60,
): Promise<{ port: number; target: Target }> {
  seen = [];
  const url = await fixture.apply({ idleTimeoutSeconds });
  const target = await fixture.target((request, response) => {
    if (request.url === '/healthz') {
      response.end();
      return;
    }
    if (handler !== undefined) {
      handler(request, response);
      return;
    }
    let body = '';
    request.on('data', (chunk) => {
      body += chunk;
    });
    request.on('end', () => {
      seen.push(`${request.method} ${request.url} ${body}`);
      response.end(`<${request.url}>`);
    });
  });
  fixture.plane.register(GROUP, [target]);
  await fixture.reaches(target.id, 'healthy');
  return { port: Number(new URL(url).port), target };
}

async function raw(port: number, ...pieces: string[]): Promise<string> {
  const socket = net.connect(port, '127.0.0.1');
  let text = '';
  socket.on('data', (chunk) => {
    text += chunk;
  });
  const closed = new Promise((resolve) => socket.once('close', resolve));
  socket.on('error', () => undefined);
  for (const piece of pieces) {
    socket.write(piece);
    await sleep(5);
  }
  await closed;
  return text;
}

const statuses = (text: string) =>
  [...text.matchAll(/HTTP\/1\.1 (\d{3})/g)].map(([, status]) => Number(status));
const CLOSE = 'GET /last HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';

describe('smuggling', () => {
  it.each([
    [
      'length and chunks',
      'Content-Length: 40\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /x HTTP/1.1\r\nHost: a\r\n\r\n',
      400,
    ],
    ['two lengths', 'Content-Length: 0\r\nContent-Length: 30\r\n\r\nGET /x HTTP/1.1\r\nHost: a\r\n\r\n', 400],
    ['an unknown coding', 'Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n', 501],
    ['a blank before the colon', 'Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n', 400],
    ['a bare LF', 'X: a\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n', 400],
    ['a bad chunk', 'Transfer-Encoding: chunked\r\n\r\nxyz\r\n', 400],
    ['a chunk longer than its size', 'Transfer-Encoding: chunked\r\n\r\n3\r\nabcdef\r\n0\r\n\r\n', 400],
  ])('%s is refused, and nothing after it is taken for a request', async (_, rest, status) => {
    const { port } = await serve();
    const text = await raw(port, `POST /first HTTP/1.1\r\nHost: a\r\n${rest}${CLOSE}`);
    expect(statuses(text)).toEqual([status]);
    expect(seen.filter((line) => line.startsWith('GET'))).toEqual([]);
  });

  it('chunks are written anew: extensions and trailers end here', async () => {
    let body = '';
    const { port } = await serve((request, response) => {
      request.socket.on('data', () => undefined);
      request.on('data', (chunk) => {
        body += chunk;
      });
      request.on('end', () => response.end(JSON.stringify(request.trailers)));
    });
    const text = await raw(
      port,
      'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n5;x=y\r\nhe',
      'llo\r\n1\r\n!\r\n0\r\nX-Trailer: 1\r\n\r\n',
    );
    expect(body).toBe('hello!');
    expect(text).toMatch(/\{\}/);
  });

  it('an answer that could be read in two ways becomes a 502', async () => {
    const { port } = await serve((request) =>
      request.socket.end(
        'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
      ),
    );
    expect(statuses(await raw(port, CLOSE))).toEqual([502]);
  });

  it('what a target says after its answer reaches no other client', async () => {
    const { port } = await serve((request) =>
      request.socket.write(
        'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil',
      ),
    );
    const text = await raw(port, 'GET /1 HTTP/1.1\r\nHost: a\r\n\r\n', CLOSE);
    expect(text).not.toContain('evil');
    expect(statuses(text)).toEqual([200, 200]);
  });
});

describe('connections', () => {
  it('answer pipelined requests in order, with their bodies', async () => {
    const { port } = await serve();
    const post = 'POST /2 HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody';
    const text = await raw(
      port,
      `\r\nGET /1 HTTP/1.1\r\nHost: a\r\n\r\n${post}GET /3 HTTP/1.1\r\nHost: a\r\n\r\n${CLOSE}`,
    );
    expect([...text.matchAll(/<(.*?)>/g)].map(([, path]) => path)).toEqual(['/1', '/2', '/3', '/last']);
    expect(seen).toEqual(['GET /1 ', 'POST /2 body', 'GET /3 ', 'GET /last ']);
  });

  it('take a request byte by byte', async () => {
    const { port } = await serve();
    const text = 'POST /slow HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 3\r\n\r\nabc';
    expect(await raw(port, ...text)).toContain('</slow>');
    expect(seen).toEqual(['POST /slow abc']);
  });

  it('take request and answer byte by byte, while others are answered', async () => {
    const { port } = await serve(async ({ url, socket }, response) => {
      if (url !== '/trickle') return response.end('other');
      for (const byte of 'HTTP/1.1 200 OK\r\nX-Mine: yes\r\nContent-Length: 4\r\n\r\nmine') {
        socket.write(byte);
        await sleep(2);
      }
      return response;
    });
    const request = (path: string) => `GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`;
    const trickled = raw(port, ...request('/trickle'));
    for (let i = 0; i < 20; i += 1) expect(await raw(port, request('/other'))).toMatch(/other$/);
    expect(await trickled).toMatch(/^HTTP\/1\.1 200 OK\r\nX-Mine: yes\r\n[\s\S]*\r\n\r\nmine$/);
  });

  it('give what came of an answer before they are cut off', async () => {
    const { port } = await serve((request) =>
      request.socket.end('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf'),
    );
    const text = await raw(port, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    expect(text).toMatch(/^HTTP\/1\.1 200 OK\r\nContent-Length: 10\r\n[\s\S]*\r\n\r\nhalf$/);
  });

  it('give an early answer though the rest of the request is malformed', async () => {
    const { port } = await serve((_, response) => response.writeHead(413).end('too large'));
    const head = 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n';
    expect(await raw(port, head, '', '', '', '', '', '', 'no chunk\r\n')).toMatch(
      /^HTTP\/1\.1 413 [\s\S]*too large/,
    );
  });

  it('keep HTTP/1.0 apart: no chunks, and the end is the end', async () => {
    const { port } = await serve((_, response) => {
      response.write('a');
      setTimeout(() => response.end('b'), 20);
    });
    const text = await raw(port, 'GET / HTTP/1.0\r\n\r\n');
    expect(text).toMatch(/\r\n\r\nab$/);
    expect(text).not.toMatch(/transfer-encoding/i);
  });

  it('pass an answer without a length on in chunks, and stay open', async () => {
    const { port } = await serve((request) => request.socket.end('HTTP/1.1 200 OK\r\n\r\nhello'));
    const text = await raw(port, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n', CLOSE);
    expect(statuses(text)).toEqual([200, 200]);
    expect(text.match(/5\r\nhello\r\n0\r\n\r\n/g)).toHaveLength(2);
  });

  it('have no body after HEAD, 204 and 304', async () => {
    const { port } = await serve((request, response) => {
      const status = Number(request.url?.slice(1));
      if (status === 304) request.socket.end('HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n');
      else response.writeHead(status, status === 200 ? { 'Content-Length': 9 } : {}).end();
    });
    const request = (method: string, path: string) => `${method} ${path} HTTP/1.1\r\nHost: a\r\n\r\n`;
    const text = await raw(
      port,
      request('HEAD', '/200') +
        request('GET', '/204') +
        request('GET', '/304') +
        CLOSE.replace('/last', '/404'),
    );
    expect(statuses(text)).toEqual([200, 204, 304, 404]);
  });

  it('end when a head takes longer than the idle timeout, however busy it looks', async () => {
    const { port } = await serve(undefined, 0.3);
    const from = Date.now();
    const text = await raw(
      port,
      'GET / HTTP/1.1\r\n',
      ...Array.from({ length: 100 }, (_, i) => `X-${i}: 1\r\n`),
    );
    expect(statuses(text)).toEqual([408]);
    expect(Date.now() - from).toBeLessThan(3_500);
  });

  it('refuse a head without an end', async () => {
    const { port } = await serve();
    const line = `X: ${'x'.repeat(8_000)}\r\n`;
    const text = await raw(port, 'GET / HTTP/1.1\r\nHost: a\r\n', ...Array.from({ length: 12 }, () => line));
    expect(statuses(text)).toEqual([400]);
  });

  it('with a hundred requests waiting hold up nobody, and all are answered', async () => {
    const { port } = await serve();
    const one = 'GET /n HTTP/1.1\r\nHost: a\r\nX: '.concat('x'.repeat(2_000), '\r\n\r\n');
    const text = await raw(port, one.repeat(100) + CLOSE);
    expect(statuses(text)).toHaveLength(101);
  });
});

describe('routing', () => {
  it('obeys rules before the default action', async () => {
    const other = `${GROUP}2`;
    const base = { conditions: [{ field: 'path-pattern', values: ['/api/*'] }] } as const;
    const url = await fixture.apply({
      action: { type: 'fixed-response', statusCode: 404, contentType: 'text/plain', body: 'default' },
      moreGroups: [groupOf({ group: { arn: other } })],
      rules: [
        { arn: 'r1', priority: 1, ...base, action: FORWARD },
        {
          arn: 'r2',
          priority: 2,
          conditions: [{ field: 'http-header', name: 'X-Canary', values: ['yes'] }],
          action: { type: 'forward', targets: [{ targetGroupArn: other, weight: 1 }] },
        },
      ],
    });
    const a = await fixture.target((_, response) => response.end('a'));
    const b = await fixture.target((_, response) => response.end('b'));
    fixture.plane.register(GROUP, [a]);
    fixture.plane.register(other, [b]);
    await fixture.reaches(a.id, 'healthy');
    await until('the other group is in use', () => fixture.plane.health(other)[0]?.state === 'healthy');
    const ask = async (path: string, headers = {}) => (await fetch(`${url}${path}`, { headers })).text();
    expect(await ask('/')).toBe('default');
    expect(await ask('/api/x', { 'X-Canary': 'yes' })).toBe('a');
    expect(await ask('/x', { 'X-Canary': 'YES' })).toBe('b');
  });

  it('slow start lets a new target grow into its share', async () => {
    const url = await fixture.apply({ group: { slowStartSeconds: 60 } }); // 600 ms here
    const counts = { old: 0, fresh: 0 };
    const named = (name: keyof typeof counts) =>
      fixture.target((request, response) => {
        if (request.url !== '/healthz') counts[name] += 1;
        response.end();
      });
    const [old, fresh] = [await named('old'), await named('fresh')];
    fixture.plane.register(GROUP, [old]);
    await fixture.reaches(old.id, 'healthy');
    fixture.plane.register(GROUP, [fresh]);
    await fixture.reaches(fresh.id, 'healthy');
    const healthySince = performance.now();
    while (performance.now() - healthySince < 150) await (await fetch(url)).text();
    expect(counts.fresh).toBeLessThan(counts.old / 2);
    await sleep(500);
    counts.old = 0;
    counts.fresh = 0;
    for (let i = 0; i < 20; i += 1) await (await fetch(url)).text();
    expect(counts).toEqual({ old: 10, fresh: 10 });
  });
});
