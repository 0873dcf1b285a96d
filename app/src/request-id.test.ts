import { describe, expect, it } from 'vitest';
import { requestIdOf } from './request-id.ts';

const generated = (): string => 'generated';

describe('requestIdOf', () => {
  it.each([
    [{ 'x-amzn-trace-id': 'Root=1-67891233-abcdef' }, '1-67891233-abcdef'],
    [{ 'x-amzn-trace-id': 'Self=1-2-3;Root=1-67891233-abcdef;Sampled=1' }, '1-67891233-abcdef'],
    [{ 'x-amzn-trace-id': 'Root=1-2-3', 'x-request-id': 'mine' }, '1-2-3'],
    [{ 'x-amzn-trace-id': 'nothing of use', 'x-request-id': 'mine' }, 'mine'],
    [{ 'x-request-id': 'mine' }, 'mine'],
    [{ 'x-request-id': 'two words' }, 'generated'],
    [{ 'x-request-id': 'x'.repeat(129) }, 'generated'],
    [{}, 'generated'],
  ])('%j gives %s', (headers, expected) => {
    expect(requestIdOf(headers, generated)).toBe(expected);
  });
});
