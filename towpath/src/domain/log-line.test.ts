import { describe, expect, it } from 'vitest';
import { parseLogLine } from './log-line.ts';

describe('a line', () => {
  it.each([
    ['plain text', { level: undefined, message: 'plain text', fields: undefined }],
    ['    at f (a.js:1)', { level: undefined, message: '    at f (a.js:1)', fields: undefined }],
    ['', { level: undefined, message: '', fields: undefined }],
    ['{"a":', { level: undefined, message: '{"a":', fields: undefined }],
    ['{not json}', { level: undefined, message: '{not json}', fields: undefined }],
    ['[1,2]', { level: undefined, message: '[1,2]', fields: undefined }],
    [
      '{"time":"2026-01-01T00:00:00Z","level":"warn","msg":"slow","ms":12,"path":"/"}\n',
      { level: 'warn', message: 'slow', fields: { ms: 12, path: '/' } },
    ],
    [
      '{"severity":"CRITICAL","message":"out","err":{"code":1}}',
      { level: 'fatal', message: 'out', fields: { err: { code: 1 } } },
    ],
    ['{"level":30,"msg":"pino"}', { level: 'info', message: 'pino', fields: {} }],
    ['{"level":35,"msg":"between"}', { level: 'info', message: 'between', fields: {} }],
    ['{"level":"loud","msg":"x"}', { level: undefined, message: 'x', fields: { level: 'loud' } }],
    ['{"_aws":{"Timestamp":1},"Requests":3}', { level: undefined, message: '', fields: { Requests: 3 } }],
    ['{"msg":7,"message":"text"}', { level: undefined, message: 'text', fields: { msg: 7 } }],
    ['{}', { level: undefined, message: '', fields: {} }],
  ])('%j', (text, expected) => {
    expect(parseLogLine(text)).toEqual(expected);
  });
});
