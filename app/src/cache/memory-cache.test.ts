import { describe, expect, it } from 'vitest';
import { MemoryCache } from './memory-cache.ts';

const entry = (text: string) => ({ contentType: 'text/plain', body: Buffer.from(text) });

describe('MemoryCache', () => {
  it('forgets an entry when its time is over', () => {
    let now = 0;
    const cache = new MemoryCache(() => now);
    cache.put('a', entry('x'), 2);
    expect(cache.remainingSeconds('a')).toBe(2);
    now = 1_999;
    expect(cache.get('a')?.body.toString()).toBe('x');
    expect(cache.remainingSeconds('a')).toBe(1);
    now = 2_000;
    expect(cache.get('a')).toBeUndefined();
    expect([cache.entries, cache.bytes]).toEqual([0, 0]);
  });

  it('drops the least recently used beyond its number of entries', () => {
    const cache = new MemoryCache(() => 0, { maxEntries: 2, maxBytes: 1_000_000 });
    cache.put('a', entry('1'), 60);
    cache.put('b', entry('2'), 60);
    cache.get('a');
    cache.put('c', entry('3'), 60);
    expect(['a', 'b', 'c'].map((key) => cache.get(key)?.body.toString())).toEqual(['1', undefined, '3']);
  });

  it('stays within its bytes, even for one entry that is larger than all', () => {
    const cache = new MemoryCache(() => 0, { maxEntries: 100, maxBytes: 1_000 });
    for (let index = 0; index < 50; index += 1) cache.put(`k${index}`, entry('x'.repeat(200)), 60);
    expect(cache.bytes).toBeLessThanOrEqual(1_000);
    expect(cache.entries).toBeGreaterThan(0);
    cache.put('huge', entry('x'.repeat(2_000)), 60);
    expect(cache.bytes).toBe(0);
  });
});
