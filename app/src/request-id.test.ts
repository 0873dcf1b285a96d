import { describe, expect, it } from 'vitest';
import { identifyRequest } from './request-id.ts';

const TRACE = 'ab'.repeat(16);
const PARENT = `00-${TRACE}-${'cd'.repeat(8)}-01`;

describe('identifyRequest', () => {
  it.each([
    [{ 'x-amzn-trace-id': 'Root=1-67891233-abcdef' }, '1-67891233-abcdef', '1-67891233-abcdef'],
    [{ 'x-amzn-trace-id': 'Self=1-2-3;Root=1-67-ab;Sampled=1' }, '1-67-ab', '1-67-ab'],
    [{ 'x-amzn-trace-id': 'Root=1-2-3', 'x-request-id': 'mine' }, '1-2-3', '1-2-3'],
    [{ 'x-amzn-trace-id': 'Root=1-2-3', traceparent: PARENT }, '1-2-3', TRACE],
    [{ 'x-amzn-trace-id': 'nothing of use', 'x-request-id': 'mine' }, 'mine', 'new-1'],
    [{ 'x-request-id': 'mine' }, 'mine', 'new-1'],
    [{ 'x-request-id': 'mine', traceparent: PARENT }, 'mine', TRACE],
    [{ 'x-request-id': 'two words' }, 'new-1', 'new-2'],
    [{ 'x-request-id': 'x'.repeat(129) }, 'new-1', 'new-2'],
    [{ traceparent: PARENT }, 'new-1', TRACE],
    [{ traceparent: 'x"y' }, 'new-1', 'new-2'],
    [{}, 'new-1', 'new-1'],
  ])('%j gives request %s of trace %s', (headers, requestId, traceId) => {
    let made = 0;
    const generate = (): string => {
      made += 1;
      return `new-${made}`;
    };
    expect(identifyRequest(headers, generate)).toEqual({ requestId, traceId });
  });
});
