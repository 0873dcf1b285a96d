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
