import { expect, it } from 'vitest';
import { parseStateLock } from './state-lock.ts';

it.each(['', '{"ID":', 'null', '{"Who":7}'])('a lock that reads %j is still a lock', (text) => {
  expect(parseStateLock(text)).toEqual({
    id: 'unknown',
    who: 'unknown',
    operation: 'unknown',
    created: 'unknown',
  });
});

it('a lock tells when it was taken, to the second', () => {
  const info = JSON.stringify({ ID: '1', Created: '2026-01-01T00:00:00.123456789Z' });
  expect(parseStateLock(info).created).toBe('2026-01-01T00:00:00Z');
});
