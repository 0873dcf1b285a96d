import { describe, expect, it } from 'vitest';
import { BodyReader } from './body-reader.ts';
import { parseRequestHead, parseResponseHead } from './message-head.ts';

const head = (...lines: string[]) => lines.join('\r\n');
const bytesOf = (text: string) => Buffer.from(`${text}\r\n`, 'latin1');
const parseRequest = (text: string) => parseRequestHead(bytesOf(text), text.length + 2);
const parseResponse = (text: string, method: string) =>
  parseResponseHead(bytesOf(text), text.length + 2, method);
const get = (...headers: string[]) => parseRequest(head('GET / HTTP/1.1', 'Host: a', ...headers));

describe('parseRequestHead', () => {
  it('reads a request', () => {
    const text = head('POST /a?b=%20 HTTP/1.1', 'Host: x:1', 'X-Two:  a b\t', 'x-two:', 'Content-Length: 5');
    expect(parseRequest(text)).toMatchObject({
      method: 'POST',
      url: '/a?b=%20',
      minorVersion: 1,
      headers: ['Host', 'x:1', 'X-Two', 'a b', 'x-two', '', 'Content-Length', '5'],
      host: 'x:1',
      userAgent: undefined,
      framing: { kind: 'length', bytes: 5 },
      keepAlive: true,
      expectsContinue: false,
      upgrade: undefined,
    });
  });

  it('reads no further than its end', () => {
    const first = 'GET /1 HTTP/1.1\r\nHost: a\r\n';
    const bytes = Buffer.from(`${first}\r\nGET /2 HTTP/1.1\r\nHost: b\r\nX: \0\r\n`, 'latin1');
    expect(parseRequestHead(bytes, first.length)).toMatchObject({ url: '/1', headers: ['Host', 'a'] });
  });

  it.each<[string, number, string]>([
    ['two lengths', 400, head('GET / HTTP/1.1', 'Host: a', 'Content-Length: 5', 'Content-Length: 5')],
    [
      'length and chunks',
      400,
      head('GET / HTTP/1.1', 'Host: a', 'Content-Length: 5', 'Transfer-Encoding: chunked'),
    ],
    ['a list of lengths', 400, head('GET / HTTP/1.1', 'Host: a', 'Content-Length: 5, 5')],
    ['a signed length', 400, head('GET / HTTP/1.1', 'Host: a', 'Content-Length: +5')],
    ['a hexadecimal length', 400, head('GET / HTTP/1.1', 'Host: a', 'Content-Length: 0x5')],
    ['an endless length', 400, head('GET / HTTP/1.1', 'Host: a', 'Content-Length: 9999999999999999999')],
    ['another coding', 501, head('GET / HTTP/1.1', 'Host: a', 'Transfer-Encoding: gzip, chunked')],
    ['a disguised coding', 501, head('GET / HTTP/1.1', 'Host: a', 'Transfer-Encoding: xchunked')],
    [
      'chunked twice',
      501,
      head('GET / HTTP/1.1', 'Host: a', 'Transfer-Encoding: chunked', 'Transfer-Encoding: identity'),
    ],
    ['chunks in HTTP/1.0', 400, head('GET / HTTP/1.0', 'Transfer-Encoding: chunked')],
    ['a space before the colon', 400, head('GET / HTTP/1.1', 'Host: a', 'Content-Length : 5')],
    ['a folded header', 400, head('GET / HTTP/1.1', 'Host: a', 'X: a', ' b')],
    ['a folded first header', 400, head('GET / HTTP/1.1', ' Host: a')],
    ['a bare LF', 400, head('GET / HTTP/1.1', 'Host: a', 'X: a\nContent-Length: 5')],
    ['a bare CR', 400, head('GET / HTTP/1.1', 'Host: a', 'X: a\rb')],
    ['a NUL', 400, head('GET / HTTP/1.1', 'Host: a', 'X: a\0b')],
    ['a header without a name', 400, head('GET / HTTP/1.1', 'Host: a', ': b')],
    ['a header without a colon', 400, head('GET / HTTP/1.1', 'Host: a', 'nothing')],
    ['no host', 400, 'GET / HTTP/1.1'],
    ['two hosts', 400, head('GET / HTTP/1.1', 'Host: a', 'Host: b')],
    ['a space in the path', 400, head('GET /a b HTTP/1.1', 'Host: a')],
    ['no path', 400, head('GET HTTP/1.1', 'Host: a')],
    ['HTTP/2 said aloud', 505, head('PRI * HTTP/2.0', 'Host: a')],
    ['HTTP/1.2', 505, head('GET / HTTP/1.2', 'Host: a')],
    ['no HTTP', 400, 'nonsense'],
    ['an endless path', 414, head(`GET /${'x'.repeat(17_000)} HTTP/1.1`, 'Host: a')],
    ['an endless header', 400, head('GET / HTTP/1.1', 'Host: a', `X: ${'x'.repeat(17_000)}`)],
  ])('refuses %s with %i', (_, status, text) => {
    expect(parseRequest(text)).toBe(status);
  });

  it.each<[string[], boolean]>([
    [[], true],
    [['Connection: close'], false],
    [['connection: X-Hop , Close'], false],
    [['Connection: keep-alive', 'Connection: close'], false],
  ])('%j leaves the connection open: %s', (headers, open) => {
    expect(get(...headers)).toMatchObject({ keepAlive: open });
  });

  it('keeps HTTP/1.0 open only where that is asked for', () => {
    expect(parseRequest('GET / HTTP/1.0')).toMatchObject({ keepAlive: false, minorVersion: 0 });
    const asked = parseRequest(head('GET / HTTP/1.0', 'Connection: Keep-Alive'));
    expect(asked).toMatchObject({ keepAlive: true });
  });

  it('takes no upgrade together with a body, as the bytes after the head would be open to debate', () => {
    const upgrade = ['Connection: Upgrade', 'Upgrade: websocket'];
    expect(get(...upgrade)).toMatchObject({ upgrade: 'websocket' });
    expect(get('Upgrade: h2c')).toMatchObject({ upgrade: undefined });
    expect(get(...upgrade, 'Content-Length: 3')).toMatchObject({ upgrade: undefined });
  });
});

describe('parseResponseHead', () => {
  it.each<[string, string, string | undefined]>([
    ['a length', head('HTTP/1.1 200 OK', 'Content-Length: 3'), 'length'],
    ['chunks', head('HTTP/1.1 200 OK', 'Transfer-Encoding: chunked'), 'chunked'],
    ['neither', 'HTTP/1.1 200', 'until-close'],
    ['no content', 'HTTP/1.1 204 No Content', 'none'],
    ['not modified, with a length', head('HTTP/1.1 304 Not Modified', 'Content-Length: 3'), 'none'],
    ['both', head('HTTP/1.1 200 OK', 'Content-Length: 3', 'Transfer-Encoding: chunked'), undefined],
    ['another coding', head('HTTP/1.1 200 OK', 'Transfer-Encoding: gzip'), undefined],
    ['two lengths', head('HTTP/1.1 200 OK', 'Content-Length: 3', 'Content-Length: 4'), undefined],
    ['a folded header', head('HTTP/1.1 200 OK', 'X: a', ' b'), undefined],
    ['no HTTP', 'hello?', undefined],
    ['a bare LF', head('HTTP/1.1 200 OK', 'X: a\nContent-Length: 3'), undefined],
    ['a control character in the reason', 'HTTP/1.1 200 O\0K', undefined],
    ['HTTP/2', 'HTTP/2 200', undefined],
    ['no status', 'HTTP/1.1 2000 OK', undefined],
  ])('%s', (_, text, kind) => {
    expect(parseResponse(text, 'GET')?.framing.kind).toBe(kind);
  });

  it('has no body after HEAD', () => {
    expect(parseResponse(head('HTTP/1.1 200 OK', 'Content-Length: 3'), 'HEAD')?.framing.kind).toBe('none');
  });
});

describe('BodyReader', () => {
  const readAll = (text: string, step: number) => {
    const reader = new BodyReader({ kind: 'chunked' });
    let content = '';
    let at = 0;
    const bytes = Buffer.from(text, 'latin1');
    for (; at < bytes.length && !reader.complete; ) {
      const piece = bytes.subarray(at, at + step);
      at += reader.read(piece, 0, (data) => {
        content += data.toString('latin1');
      });
    }
    return { content, complete: reader.complete, rest: text.slice(at) };
  };

  it.each([1, 2, 3, 7, 100])('takes chunks apart, %i bytes at a time', (step) => {
    const text = '5\r\nhello\r\n00C;a="b"\r\n world, all!\r\n0\r\nX-Trailer: 1\r\n\r\nGET / HTTP/1.1';
    expect(readAll(text, step)).toEqual({
      content: 'hello world, all!',
      complete: true,
      rest: 'GET / HTTP/1.1',
    });
  });

  it.each([
    ['no size', '\r\nhello'],
    ['a size with a sign', '+5\r\nhello\r\n'],
    ['a size with a prefix', '0x5\r\nhello\r\n'],
    ['a size after a blank', ' 5\r\nhello\r\n'],
    ['an endless size', 'fffffffffffff\r\n'],
    ['a bare LF', '5\nhello\r\n'],
    ['a bare LF in an extension', '5;a\nb\r\nhello\r\n'],
    ['more than its size', '5\r\nhello!\r\n'],
    ['a chunk without its end', '5\r\nhello0\r\n\r\n'],
    ['an endless extension', `5;${'x'.repeat(5000)}`],
    ['endless trailers', `0\r\n${'X: 1\r\n'.repeat(5000)}`],
  ])('refuses %s', (_, text) => {
    expect(() => readAll(text, 1)).toThrow('malformed chunked body');
  });

  it('ends with its length, and leaves what follows', () => {
    const reader = new BodyReader({ kind: 'length', bytes: 3 });
    const seen: string[] = [];
    expect(reader.read(Buffer.from('xabcd'), 1, (data) => seen.push(data.toString()))).toBe(4);
    expect([seen, reader.complete]).toEqual([['abc'], true]);
  });
});
