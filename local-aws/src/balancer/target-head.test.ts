import { describe, expect, it } from 'vitest';
import { renderFixedResponse, renderRedirect } from './balancer-answer.ts';
import { parseRequestHead, parseResponseHead, RequestHead } from './message-head.ts';
import { renderClientHead, renderListenerLines, renderTargetHead } from './target-head.ts';

const facts = {
  clientAddress: '127.0.0.1',
  listenerLines: renderListenerLines('https', 443),
  defaultHost: () => 'balancer.test',
  traceRoot: '1-67891233-abcdef012345678912345678',
} as const;
const OURS = [
  'X-Forwarded-For: 127.0.0.1',
  'X-Forwarded-Proto: https',
  'X-Forwarded-Port: 443',
  `X-Amzn-Trace-Id: Root=${facts.traceRoot}`,
];
const END = ['', ''];

function readRequest(...lines: string[]): RequestHead {
  const text = lines.map((line) => `${line}\r\n`).join('');
  const head = parseRequestHead(Buffer.from(text, 'latin1'), text.length);
  if (!(head instanceof RequestHead)) throw new Error(`refused with ${head}`);
  return head;
}

const sentOn = (...lines: string[]) => renderTargetHead(readRequest(...lines), facts).text.split('\r\n');

describe('renderTargetHead', () => {
  it('keeps the message and drops the connection', () => {
    const lines = sentOn(
      'GET /a HTTP/1.1',
      'X-Hop: 0',
      'Host: a.b',
      'Connection: close, X-Hop',
      'x-hop: 1',
      'TE: trailers',
      'Trailer: X',
      'Keep-Alive: timeout=5',
      'Proxy-Connection: keep-alive',
      'Expect: nothing',
      'X-Keep: Ä',
      'X-Keep:2 \t',
    );
    expect(lines).toEqual(['GET /a HTTP/1.1', 'Host: a.b', 'X-Keep: Ä', 'X-Keep: 2', ...OURS, ...END]);
  });

  it('leaves names alone that are as long as those it looks for', () => {
    const others = ['Hose: 1', 'Expert: 2', 'Connectors: 3', 'X-Forwarded-Fox: 4', 'Transfer-Encodinh: 5'];
    expect(sentOn('GET / HTTP/1.1', 'Host: a', ...others)).toEqual([
      'GET / HTTP/1.1',
      'Host: a',
      ...others,
      ...OURS,
      ...END,
    ]);
  });

  it('appends the client and keeps the trace of a caller', () => {
    const lines = sentOn(
      'GET / HTTP/1.1',
      'Host: a',
      'X-Forwarded-For: 10.0.0.9',
      'x-forwarded-proto: gopher',
      'X-FORWARDED-PORT: 1',
      'X-Amzn-Trace-Id: Root=1-aa-bb;Sampled=1',
    );
    expect(lines).toEqual([
      'GET / HTTP/1.1',
      'Host: a',
      'X-Forwarded-For: 10.0.0.9, 127.0.0.1',
      'X-Forwarded-Proto: https',
      'X-Forwarded-Port: 443',
      `X-Amzn-Trace-Id: Self=${facts.traceRoot};Root=1-aa-bb;Sampled=1`,
      ...END,
    ]);
  });

  it.each([
    [['Transfer-Encoding: chunked'], ['Host: a', ...OURS, 'Transfer-Encoding: chunked']],
    [['Content-Length: 3'], ['Host: a', 'Content-Length: 3', ...OURS]],
    [['Content-Length: 0'], ['Host: a', 'Content-Length: 0', ...OURS]],
    [[], ['Host: a', ...OURS, 'Content-Length: 0']],
  ])('frames the body of a POST with %j', (headers, expected) => {
    expect(sentOn('POST / HTTP/1.1', 'Host: a', ...headers).slice(1)).toEqual([...expected, ...END]);
  });

  it('speaks HTTP/1.1 for a client that does not, and names a host where it named none', () => {
    expect(sentOn('GET /old HTTP/1.0')).toEqual([
      'GET /old HTTP/1.1',
      'Host: balancer.test',
      ...OURS,
      ...END,
    ]);
  });

  it('never lets Connection name the length or the host away', () => {
    const lines = sentOn(
      'GET / HTTP/1.1',
      'Connection: content-length, host',
      'Host: a',
      'Content-Length: 5',
    );
    expect(lines.slice(0, 3)).toEqual(['GET / HTTP/1.1', 'Host: a', 'Content-Length: 5']);
  });

  it('passes a wish for another protocol on', () => {
    const lines = sentOn('GET / HTTP/1.1', 'Host: a', 'Connection: Upgrade', 'Upgrade: websocket');
    expect(lines).toEqual([
      'GET / HTTP/1.1',
      'Host: a',
      ...OURS,
      'Connection: Upgrade',
      'Upgrade: websocket',
      ...END,
    ]);
  });
});

describe('renderClientHead', () => {
  const render = (...lines: string[]) => {
    const text = lines.map((line) => `${line}\r\n`).join('');
    const answer = parseResponseHead(Buffer.from(text, 'latin1'), text.length, 'GET');
    if (answer === undefined) throw new Error('refused');
    return renderClientHead(answer, readRequest('GET / HTTP/1.1', 'Host: a'));
  };

  it('keeps doubles and their order, and what only a request would lose', () => {
    const { text, framing, keepAlive } = render(
      'HTTP/1.1 200 OK',
      'Set-Cookie: a',
      'Connection: keep-alive',
      'Keep-Alive: timeout=5',
      'set-cookie: b',
      'Transfer-Encoding: chunked',
      'X-Forwarded-For: c',
    );
    expect(text.split('\r\n')).toEqual([
      'HTTP/1.1 200 OK',
      'Set-Cookie: a',
      'set-cookie: b',
      'X-Forwarded-For: c',
      'Transfer-Encoding: chunked',
      'Connection: keep-alive',
      ...END,
    ]);
    expect([framing, keepAlive]).toEqual(['chunked', true]);
  });

  it.each([
    ['HTTP/1.0 200 Fine', 'HTTP/1.1 200 Fine'],
    ['HTTP/1.1 204', 'HTTP/1.1 204 '],
    ['HTTP/1.1 404 Not here', 'HTTP/1.1 404 Not here'],
  ])('begins %s with %s', (line, expected) => {
    expect(render(line, 'Content-Length: 0').text.split('\r\n')[0]).toBe(expected);
  });
});

describe('renderRedirect', () => {
  const toHttps = {
    type: 'redirect',
    statusCode: 301,
    protocol: 'HTTPS',
    port: '443',
    host: '#{host}',
    path: '/#{path}',
    query: '#{query}',
  } as const;
  const request = { host: 'shop.test:8123', url: '/a/b?x=1&y=%20', protocol: 'http', port: 80 } as const;
  const locationOf = (
    action: Parameters<typeof renderRedirect>[0],
    local?: number,
    from: typeof request = request,
  ) => new Map(renderRedirect(action, from, () => local).headers).get('Location');

  it.each([
    ['to AWS', toHttps, undefined, 'https://shop.test:443/a/b?x=1&y=%20'],
    ['to the local port of that listener', toHttps, 8444, 'http://shop.test:8444/a/b?x=1&y=%20'],
    [
      'with everything replaced',
      { ...toHttps, host: 'x.#{host}', path: '/new/#{path}', query: '' },
      undefined,
      'https://x.shop.test:443/new/a/b',
    ],
    [
      'with nothing replaced',
      { ...toHttps, protocol: '#{protocol}', port: '#{port}' },
      undefined,
      'http://shop.test:80/a/b?x=1&y=%20',
    ],
  ] as const)('%s', (_, action, local, expected) => {
    expect(locationOf(action, local)).toBe(expected);
  });

  it('keeps the brackets of an IPv6 host', () => {
    const from = { ...request, host: '[::1]:8123' } as unknown as typeof request;
    expect(locationOf(toHttps, undefined, from)).toBe('https://[::1]:443/a/b?x=1&y=%20');
  });
});

it('renderFixedResponse has length and type of its body', () => {
  const answer = renderFixedResponse({
    type: 'fixed-response',
    statusCode: 418,
    contentType: 'text/plain',
    body: 'té',
  });
  expect(answer.status).toBe(418);
  expect(new Map(answer.headers).get('Content-Length')).toBe('3');
});
