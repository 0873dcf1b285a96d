import { describe, expect, it } from 'vitest';
import { isLocalhost, quoteComplaint, readAnnouncements, soundsStarting } from './explanation-log.ts';

/** As servers of many kinds write it when they are up. */
const announcements: readonly [string, string | undefined, number][] = [
  ['Server listening on http://0.0.0.0:5000', '0.0.0.0', 5000],
  [' * Running on http://127.0.0.1:5000 (Press CTRL+C to quit)', '127.0.0.1', 5000],
  ['[2026-01-01 00:00:00 +0000] [1] [INFO] Listening at: http://127.0.0.1:8000 (1)', '127.0.0.1', 8000],
  ['INFO:     Uvicorn running on http://0.0.0.0:80 (Press CTRL+C to quit)', '0.0.0.0', 80],
  ['Tomcat started on port(s): 8080 (http) with context path', undefined, 8080],
  ['Tomcat started on port 8080 (http) with context path', undefined, 8080],
  ['{"level":"info","msg":"listening","host":"0.0.0.0","port":5000}', '0.0.0.0', 5000],
  ['{"level":30,"msg":"Server listening at http://[::1]:3000"}', '::1', 3000],
  ['{"level":30,"pid":1234,"msg":"server up","port":"8080","address":"127.0.0.1"}', '127.0.0.1', 8080],
  ['Example app listening on port 3000', undefined, 3000],
  ['ready - started server on 0.0.0.0:3000, url: http://localhost:3000', '0.0.0.0', 3000],
  ['Now listening on: http://[::]:8080', '::', 8080],
  ['* Listening on tcp://localhost:9292', 'localhost', 9292],
  ['time="2026" level=info msg="server started" addr=":8080"', undefined, 8080],
];

describe('where a server listens', () => {
  it.each(announcements)('%s', (line, host, port) => {
    expect(readAnnouncements([line])).toMatchObject([{ host, port }]);
  });

  it.each([
    'connected to database at 10.0.0.5:5432',
    'redis ready at 10.0.0.6:6379',
    'starting up',
    'loaded 5000 rows',
    '2026-01-01T12:34:56 INFO started',
    'GET /healthz 200 12ms',
    'listening for events',
    '{"level":30,"pid":1234,"msg":"ready"}',
  ])('is not said by: %s', (line) => {
    expect(readAnnouncements([line])).toEqual([]);
  });

  it.each([
    ['localhost', true],
    ['127.0.0.1', true],
    ['::1', true],
    ['0.0.0.0', false],
    ['127.3.101.7', false],
    [undefined, false],
  ])('%s is out of reach: %s', (host, expected) => {
    expect(isLocalhost(host)).toBe(expected);
  });
});

it.each([
  [
    ['booting', "Error: Cannot find module './a'", '    at load (file.js:1)', 'Node.js v20.1'],
    "Error: Cannot find module './a'",
  ],
  [
    ['Traceback (most recent call last):', '  File "a.py", line 1', 'KeyError: DATABASE_URL'],
    'KeyError: DATABASE_URL',
  ],
  [['{"level":"fatal","msg":"no database","err":"ECONNREFUSED"}'], 'no database: ECONNREFUSED'],
  [['{"msg":"boot failed","err":{"type":"Error","message":"no table"}}'], 'boot failed: no table'],
  [['panic: missing DSN', '', 'goroutine 1 [running]:', 'main.main()'], 'panic: missing DSN'],
  [['done'], 'done'],
  [['', '   '], undefined],
])('quotes the line that tells why: %j', (lines, expected) => {
  expect(quoteComplaint(lines)).toBe(expected);
});

it('hears a program that is still starting, by its last lines alone', () => {
  expect(soundsStarting(['loading the model: 80%'])).toBe(true);
  expect(soundsStarting(['Running database migrations'])).toBe(true);
  expect(soundsStarting(['starting', ...Array.from({ length: 6 }, () => 'GET / 200')])).toBe(false);
});
