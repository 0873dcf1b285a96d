import { describe, expect, it } from 'vitest';
import { pathOf, type Route, RouteTable } from './route.ts';

const home: Route = { path: '/', probe: false, handle: () => ({ status: 200, headers: {}, body: '' }) };

describe('RouteTable', () => {
  it.each(['GET', 'HEAD'])('finds a route for %s', (method) => {
    expect(new RouteTable([home]).match(method, '/')).toEqual({ kind: 'found', route: home, parameter: '' });
  });

  it.each(['POST', 'DELETE', 'OPTIONS', 'PROPFIND'])('names the allowed methods for %s', (method) => {
    expect(new RouteTable([home]).match(method, '/')).toEqual({
      kind: 'wrong-method',
      route: home,
      allow: 'GET, HEAD',
    });
  });

  it.each(['/nope', '/ ', '//', ''])('does not know %j', (path) => {
    expect(new RouteTable([home]).match('GET', path)).toEqual({ kind: 'unknown-path' });
  });
});

describe('pathOf', () => {
  it.each([
    ['/', '/'],
    ['/version?token=abc', '/version'],
    ['/version#part', '/version'],
    ['http://example.test/version?x=1', '/version'],
    ['*', '*'],
  ])('%s is %s', (target, expected) => {
    expect(pathOf(target)).toBe(expected);
  });
});
