import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { createIdSource } from './id-source.ts';

describe('createIdSource', () => {
  it('gives identifiers of 32 hexadecimal digits, none of them twice, beyond one stock', () => {
    const generate = createIdSource(randomBytes);
    const ids = Array.from({ length: 1_000 }, generate);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids.every((id) => /^[0-9a-f]{32}$/.test(id))).toBe(true);
  });

  it('leaves out the one that means "no trace"', () => {
    const generate = createIdSource((count) =>
      Buffer.concat([Buffer.alloc(16), Buffer.alloc(count - 16, 0xab)]),
    );
    expect(generate()).toBe('ab'.repeat(16));
  });
});
