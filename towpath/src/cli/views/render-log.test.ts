import { describe, expect, it } from 'vitest';
import { renderLogEvent, renderLogJson } from './render-log.ts';
import { createPaint } from './style.ts';

const NOW = Date.parse('2026-01-02T12:00:00.000Z');
const AT = Date.parse('2026-01-02T11:59:58.123Z');
const event = (message: string, at = AT, task = '0123456789abcdef') => ({ id: '1', at, task, message });
const plain = (message: string, at = AT) => renderLogEvent(event(message, at), createPaint(false), NOW);

describe('a line for people', () => {
  it.each([
    ['hello', '11:59:58.123 01234567 hello'],
    ['    at f (a.js:1)', '11:59:58.123 01234567     at f (a.js:1)'],
    [
      '{"level":"info","msg":"request","status":200,"path":"/a b","user":{"id":1}}',
      '11:59:58.123 01234567 INFO  request status=200 path="/a b" user={"id":1}',
    ],
    [
      '{"level":"error","msg":"boom","stack":"Error: boom\\n    at f"}',
      '11:59:58.123 01234567 ERROR boom\n  stack:\n    Error: boom\n        at f',
    ],
    [
      '{"msg":"x","requestId":"0123456789abcdef","traceId":"0123456789abcdef","in":2,"out":2}',
      '11:59:58.123 01234567 x requestId=0123456789abcdef in=2 out=2',
    ],
    ['{"Requests":3}', '11:59:58.123 01234567 Requests=3'],
    ['\u001b[31mred\u001b[0m', '11:59:58.123 01234567 red'],
    ['a\u001b]0;title\u0007b\tc\r', '11:59:58.123 01234567 a\ufffd]0;title\ufffdb\tc\ufffd'],
    ['{"msg":"x\\u001b[2Jy"}', '11:59:58.123 01234567 xy'],
  ])('%j', (message, expected) => expect(plain(message)).toBe(expected));

  it('of another day tells the day', () => {
    expect(plain('x', AT - 86_400_000)).toBe('01-01 11:59:58.123 01234567 x');
  });

  it('has a colour for its level, and one that stays for its task', () => {
    const paint = createPaint(true);
    const coloured = (task: string) =>
      renderLogEvent(event('{"level":"warn","msg":"x"}', AT, task), paint, NOW);
    expect(coloured('a')).toContain('\u001b[33mWARN ');
    expect(coloured('a')).toBe(coloured('a'));
    const styles = ['a', 'b', 'c', 'd', 'e'].map((task) => coloured(task).split(' ')[1]?.replace(task, ''));
    expect(new Set(styles).size).toBeGreaterThan(1);
  });
});

it('a line for machines is an object with what the line says', () => {
  expect(renderLogJson(event('{"level":"info","msg":"request","status":200}'))).toEqual({
    time: '2026-01-02T11:59:58.123Z',
    task: '0123456789abcdef',
    level: 'info',
    message: 'request',
    fields: { status: 200 },
  });
  expect(JSON.parse(JSON.stringify(renderLogJson(event('plain'))))).toEqual({
    time: '2026-01-02T11:59:58.123Z',
    task: '0123456789abcdef',
    message: 'plain',
  });
});
