/** Patterns and lines, as AWS's user guide explains them. */
import { describe, expect, it } from 'vitest';
import { parseFilterPattern, readLine } from './filter-pattern.ts';
import { FilterPatternError } from './filter-pattern-error.ts';

const matches = (pattern: string, line: string | object) =>
  parseFilterPattern(pattern)(readLine(typeof line === 'string' ? line : JSON.stringify(line)));

const event = {
  level: 'error',
  status: 503,
  user: { id: 1, email: 'John.Stiles@example.com', admin: true, left: null },
  ips: [{ addr: '10.0.0.1' }, { addr: '192.168.7.1' }],
  'odd.name': 'x',
  big: 1.5e3,
};

describe('patterns for JSON', () => {
  it.each([
    ['{ $.level = "error" }', true],
    ['{ $.level = error }', true],
    ['{$.level="error"}', true],
    ['{ $.level = "Error" }', false],
    ['{ $.level = "err" }', false],
    ['{ $.level = "err*" }', true],
    ['{ $.level = "*" }', true],
    ['{ $.level != "info" }', true],
    ['{ $.level != "err*" }', false],
    ['{ $.missing = "x" }', false],
    ['{ $.missing != "x" }', false],
    ['{ $.status = 503 }', true],
    ['{ $.status = "503" }', false],
    ['{ $.status >= 500 }', true],
    ['{ $.status > 503 }', false],
    ['{ $.status < 503.5 }', true],
    ['{ $.status <= 502 }', false],
    ['{ $.big = 1.5e3 }', true],
    ['{ $.level > 3 }', false],
    ['{ $.status = 50* }', true],
    ['{ $.user.email = "John.*" }', true],
    ['{ $.user.email = %S[a-z]iles@% }', true],
    ['{ $.user.admin IS TRUE }', true],
    ['{ $.user.admin is false }', false],
    ['{ $.user.left IS NULL }', true],
    ['{ $.user.name NOT EXISTS }', true],
    ['{ $.user.left NOT EXISTS }', false],
    ['{ $.ips[1].addr = "192.168.*" }', true],
    ['{ $.ips[0].addr = 192.168.* }', false],
    ['{ $.ips[*].addr = 192.168.* }', true],
    ["{ $.['odd.name'] = x }", true],
    ['{ ($.level = "error") || ($.level = "fatal") }', true],
    ['{ $.level = "fatal" || $.status = 503 && $.user.id = 1 }', true],
    ['{ ($.level = "error" || $.status = 200) && $.user.id = 2 }', false],
    ['{ (($.level = "error")) }', true],
  ])('%s', (pattern, expected) => {
    expect(matches(pattern, event)).toBe(expected);
  });

  it.each(['level error', '["error"]', '"error"', '{"level": "error"', ''])(
    '%s is no JSON object',
    (line) => {
      expect(matches('{ $.level = "error" }', line)).toBe(false);
      expect(matches('{ $.level NOT EXISTS }', line)).toBe(false);
    },
  );
});

it.each([
  [{ level: 'error' }, true],
  [{ level: 'CRITICAL' }, true],
  [{ severity: 'ERROR' }, true],
  [{ level: 50 }, true],
  [{ level: 30, severity: 'INFO' }, false],
  [{ msg: 'error' }, false],
])('the errors that the monitoring module counts: %j', (line, expected) => {
  const words = ['error', 'ERROR', 'fatal', 'FATAL', 'critical', 'CRITICAL'];
  const terms = ['level', 'severity'].flatMap((field) => words.map((word) => `($.${field} = "${word}")`));
  expect(matches(`{ ${[...terms, '($.level >= 50)'].join(' || ')} }`, line)).toBe(expected);
});

describe('terms', () => {
  it.each([
    ['', 'anything', true],
    ['ERROR', 'an ERROR came', true],
    ['ERROR', 'an error came', false],
    ['ERROR came', 'came an ERROR', true],
    ['ERROR came', 'an ERROR', false],
    ['"an ERROR"', 'an ERROR', true],
    ['"an ERROR"', 'ERROR an', false],
    ['"said \\"no\\""', 'it said "no"', true],
    ['?ERROR ?WARN', 'a WARN', true],
    ['?ERROR ?WARN', 'an INFO', false],
    ['ERROR -retry', 'ERROR, gone', true],
    ['ERROR -retry', 'ERROR, retry', false],
    ['-"not this"', 'not this one', false],
    ['ERROR ?WARN', 'a WARN', false],
    ['%ERR[A-Z]+ \\d%', 'ERROR 7', true],
  ])('%s in %s', (pattern, line, expected) => {
    expect(matches(pattern, line)).toBe(expected);
  });
});

it.each([
  ['{ $.a = ', /too early|missing/],
  ['{ $.a = }', /too early/],
  ['{ $.a ~ 1 }', /not an operator/],
  ['{ a = 1 }', /"a" is no selector/],
  ['{ $.a = 1 ) }', /"\)" was not expected/],
  ['{ ($.a = 1 }', /too early/],
  ['{ $.a > x }', /compares numbers/],
  ['{ $.a NOT THERE }', /EXISTS/],
  ['{ $.a IS MAYBE }', /TRUE, FALSE and NULL/],
  ['{ $.a = %(% }', /no regular expression/],
  [`{ ${'('.repeat(40)}$.a = 1${')'.repeat(40)} }`, /nested/],
  ['[ip, user]', /columns/],
  ['x'.repeat(1_025), /1024/],
])('refuses %s', (pattern, message) => {
  expect(() => parseFilterPattern(pattern)).toThrow(FilterPatternError);
  expect(() => parseFilterPattern(pattern)).toThrow(message);
});
