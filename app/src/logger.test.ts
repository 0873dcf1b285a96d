import { describe, expect, it } from 'vitest';
import { createLogger } from './logger.ts';

describe('createLogger', () => {
  it('writes one JSON object a line, time, level and message first', () => {
    const lines: string[] = [];
    const logger = createLogger('info', { write: (line) => lines.push(line), now: () => 0 });
    logger.log('info', 'request', { status: 200, path: '/a\nb', absent: undefined });
    expect(lines).toEqual([
      '{"time":"1970-01-01T00:00:00.000Z","level":"info","msg":"request","status":200,"path":"/a\\nb"}\n',
    ]);
  });

  it('drops what is below its level', () => {
    const lines: string[] = [];
    const logger = createLogger('warn', { write: (line) => lines.push(line), now: () => 0 });
    logger.log('debug', 'a');
    logger.log('info', 'b');
    logger.log('warn', 'c');
    logger.log('error', 'd');
    expect(lines.map((line) => JSON.parse(line).msg)).toEqual(['c', 'd']);
  });
});

describe('a line of a request', () => {
  const logged = (path: string) => {
    const lines: string[] = [];
    const logger = createLogger('info', {
      write: (line) => lines.push(line),
      now: () => 0,
      secrets: ['hunter2"'],
    });
    const fields = {
      method: 'GET',
      path,
      status: 200,
      durationMs: 1.23456,
      requestId: 'id-1',
      traceId: 'id-2',
    };
    logger.logRequest('info', fields);
    logger.logRequest('debug', fields);
    expect(lines).toHaveLength(1);
    return JSON.parse(lines[0] ?? '');
  };

  it('is JSON whatever the path is', () => {
    expect(logged('/a"\\\n\u2028ä')).toEqual({
      time: '1970-01-01T00:00:00.000Z',
      level: 'info',
      msg: 'request',
      method: 'GET',
      path: '/a"\\\n\u2028ä',
      status: 200,
      durationMs: 1.235,
      requestId: 'id-1',
      traceId: 'id-2',
    });
  });

  it('never shows a secret', () => {
    expect(logged('/cache/hunter2"').path).toBe('/cache/[secret]');
  });
});
