import { describe, expect, it } from 'vitest';
import { renderFixedResponse, renderRedirect } from './balancer-answer.ts';
import { renderRequestHeaders, renderResponseHeaders } from './forward-headers.ts';

const facts = {
  method: 'GET',
  clientAddress: '127.0.0.1',
  protocol: 'https',
  port: 443,
  defaultHost: 'balancer.test',
  traceRoot: '1-67891233-abcdef012345678912345678',
} as const;

function asObject(flat: readonly string[]): Record<string, string> {
  return Object.fromEntries(flat.flatMap((name, i) => (i % 2 === 0 ? [[name, flat[i + 1] ?? '']] : [])));
}

describe('renderRequestHeaders', () => {
  it('keeps the message and drops the connection', () => {
    const raw = [
      'Host',
      'a.b',
      'Connection',
      'close, X-Hop',
      'X-Hop',
      '1',
      'TE',
      'trailers',
      'X-Keep',
      'Ä',
      'X-Keep',
      '2',
    ];
    const { headers, hasBody } = renderRequestHeaders(raw, facts);
    expect(headers.slice(0, 6)).toEqual(['Host', 'a.b', 'X-Keep', 'Ä', 'X-Keep', '2']);
    expect(asObject(headers.slice(6))).toEqual({
      'X-Forwarded-For': '127.0.0.1',
      'X-Forwarded-Proto': 'https',
      'X-Forwarded-Port': '443',
      'X-Amzn-Trace-Id': 'Root=1-67891233-abcdef012345678912345678',
    });
    expect(hasBody).toBe(false);
  });

  it('appends the client and keeps the trace of a caller', () => {
    const raw = [
      'Host',
      'a',
      'X-Forwarded-For',
      '10.0.0.9',
      'x-forwarded-proto',
      'gopher',
      'X-Amzn-Trace-Id',
      'Root=1-aa-bb;Sampled=1',
    ];
    expect(asObject(renderRequestHeaders(raw, facts).headers)).toEqual({
      Host: 'a',
      'X-Forwarded-For': '10.0.0.9, 127.0.0.1',
      'X-Forwarded-Proto': 'https',
      'X-Forwarded-Port': '443',
      'X-Amzn-Trace-Id': `Self=${facts.traceRoot};Root=1-aa-bb;Sampled=1`,
    });
  });

  it.each([
    [['Transfer-Encoding', 'chunked'], 'POST', true, { 'Transfer-Encoding': 'chunked' }],
    [['Content-Length', '3'], 'POST', true, { 'Content-Length': '3' }],
    [['Content-Length', '0'], 'POST', false, { 'Content-Length': '0' }],
    [[], 'POST', false, { 'Content-Length': '0' }],
  ])('frames the body of %j %s', (raw, method, hasBody, expected) => {
    const forwarded = renderRequestHeaders(raw, { ...facts, method });
    expect(forwarded.hasBody).toBe(hasBody);
    expect(asObject(forwarded.headers)).toMatchObject(expected);
  });

  it('names a host where HTTP/1.0 did not', () => {
    expect(asObject(renderRequestHeaders([], facts).headers).Host).toBe('balancer.test');
  });

  it('never lets Connection name the length away', () => {
    const raw = ['Connection', 'content-length', 'Content-Length', '5'];
    expect(asObject(renderRequestHeaders(raw, facts).headers)['Content-Length']).toBe('5');
  });
});

it('renderResponseHeaders keeps doubles and their order', () => {
  const raw = [
    'Set-Cookie',
    'a',
    'Connection',
    'keep-alive',
    'Keep-Alive',
    'timeout=5',
    'set-cookie',
    'b',
    'Transfer-Encoding',
    'chunked',
  ];
  expect(renderResponseHeaders(raw)).toEqual(['Set-Cookie', 'a', 'set-cookie', 'b']);
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
