import { expect, it } from 'vitest';
import type { RuleCondition } from '../contract.ts';
import { compileRules, matchesWildcard } from './listener-rules.ts';

it.each([
  ['/img/*', '/img/a/b.png', true],
  ['/img/*', '/img', false],
  ['/*.png', '/a/b.png', true],
  ['*', '', true],
  ['a?c', 'abc', true],
  ['a?c', 'ac', false],
  ['a*b*c', 'axxbyyc', true],
  ['a*b*c', 'axxbyy', false],
  ['\\*', '*', true],
  ['\\*', 'x', false],
  ['a\\?', 'a?', true],
  ['', '', true],
  ['', 'a', false],
])('wildcard %s takes %s: %s', (pattern, text, expected) => {
  expect(matchesWildcard(pattern, text)).toBe(expected);
});

it('no wildcard takes long', () => {
  const from = performance.now();
  expect(matchesWildcard('*a'.repeat(60), `${'a'.repeat(16_000)}b`)).toBe(false);
  expect(performance.now() - from).toBeLessThan(1000);
});

const request = {
  head: {
    method: 'GET',
    url: '/shop/Cart?Version=V1&x',
    host: 'Shop.Example.com:8080',
    headers: ['User-Agent', 'Mozilla (Chrome)', 'Cookie', 'a=1'],
  },
  clientAddress: '127.0.0.1',
};
it.each<[RuleCondition, boolean]>([
  [{ field: 'path-pattern', values: ['/nothing', '/shop/*'] }, true],
  [{ field: 'path-pattern', values: ['/shop/cart'] }, false], // paths are case-sensitive
  [{ field: 'path-pattern', values: ['*Version*'] }, false], // and end before the query
  [{ field: 'host-header', values: ['*.EXAMPLE.com'] }, true],
  [{ field: 'host-header', values: ['example.com'] }, false],
  [{ field: 'http-header', name: 'user-agent', values: ['*chrome*'] }, true],
  [{ field: 'http-header', name: 'X-None', values: ['*'] }, false],
  [{ field: 'query-string', values: [{ key: 'version', value: 'v1' }] }, true],
  [{ field: 'query-string', values: [{ key: undefined, value: 'v?' }] }, true],
  [{ field: 'query-string', values: [{ key: 'version', value: 'v2' }] }, false],
  [{ field: 'source-ip', values: ['10.0.0.0/8', '127.0.0.0/8'] }, true],
  [{ field: 'source-ip', values: ['2001:db8::/32', '10.0.0.0/8'] }, false],
  [{ field: 'http-request-method', values: ['POST', 'GET'] }, true],
  [{ field: 'http-request-method', values: ['get'] }, false],
])('%j holds: %s', (condition, expected) => {
  const action = { type: 'forward', targets: [] } as const;
  const match = compileRules([{ arn: 'r', priority: 1, conditions: [condition], action }]);
  expect(match(request) !== undefined).toBe(expected);
});

it('the lowest priority whose conditions all hold takes the request', () => {
  const action = { type: 'forward', targets: [] } as const;
  const get: RuleCondition = { field: 'http-request-method', values: ['GET'] };
  const other: RuleCondition = { field: 'path-pattern', values: ['/other'] };
  const rules = [
    { arn: 'late', priority: 30, conditions: [get], action },
    { arn: 'soon', priority: 20, conditions: [get], action },
    { arn: 'half', priority: 10, conditions: [get, other], action },
  ];
  expect(compileRules(rules)(request)?.arn).toBe('soon');
  expect(compileRules([])(request)).toBeUndefined();
});
