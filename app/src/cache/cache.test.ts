import { describe, expect, it } from 'vitest';
import { Cache, type CacheEvents, decodeEntry, encodeEntry, MAX_PENDING_KEYS } from './cache.ts';
import type { RedisPort } from './redis-port.ts';

const entry = (text: string) => ({ contentType: 'text/plain', body: Buffer.from(text) });

/** A Redis in memory that can be taken away, and a cache on it. */
function setUp() {
  const stored = new Map<string, Buffer>();
  const scheduled: (() => void)[] = [];
  const modes: string[] = [];
  let up = true;
  let ready = true;
  let calls = 0;
  let events: CacheEvents | undefined;
  const call = async <T>(result: () => T): Promise<T> => {
    calls += 1;
    if (!up) throw new Error('Socket closed unexpectedly');
    return result();
  };
  const redis: RedisPort = {
    isReady: () => ready,
    ping: () => call(() => undefined),
    get: (key) => call(() => stored.get(key)),
    set: (key, value) => call(() => void stored.set(key, value)),
    remove: (key) => call(() => void stored.delete(key)),
    close: () => {},
  };
  const cache = new Cache({
    now: () => 0,
    schedule: (_delayMs, action) => scheduled.push(action),
    keyPrefix: 'p:',
    connect: (given) => {
      events = given;
      return redis;
    },
    onMode: (mode) => modes.push(mode),
  });
  const settle = () => new Promise((resolve) => setTimeout(resolve, 5));
  return {
    cache,
    stored,
    modes,
    scheduled,
    calls: () => calls,
    read: async (key: string) => (await cache.get(key))?.body.toString(),
    /** Redis stops to answer on a connection that stays. */
    stall: () => {
      up = false;
    },
    revive: async () => {
      up = true;
      ready = true;
      events?.onReady();
      await settle();
    },
    retry: async () => {
      scheduled.splice(0).forEach((action) => {
        action();
      });
      await settle();
    },
    heal: () => {
      up = true;
    },
    disconnect: () => {
      up = false;
      ready = false;
      events?.onError('Socket closed unexpectedly');
    },
  };
}

describe('Cache', () => {
  it('without Redis is memory, and counts hits and misses', async () => {
    const ports = { now: () => 0, schedule: () => {}, keyPrefix: '', connect: undefined, onMode: () => {} };
    const cache = new Cache(ports);
    await cache.put('a', entry('x'), 60);
    expect((await cache.get('a'))?.body.toString()).toBe('x');
    expect(await cache.get('b')).toBeUndefined();
    await cache.remove('a');
    expect(await cache.get('a')).toBeUndefined();
    expect(cache.status()).toMatchObject({ mode: 'memory', hits: 1, misses: 2, failures: 0 });
  });

  it('is degraded until Redis answers, then keeps entries there under its prefix', async () => {
    const { cache, stored, modes, revive } = setUp();
    expect(cache.status()).toMatchObject({ mode: 'degraded', problem: 'not connected yet' });
    await revive();
    await cache.put('a', entry('x'), 60);
    expect([...stored.keys()]).toEqual(['p:a']);
    expect(modes).toEqual(['redis']);
  });

  it('serves from memory when Redis goes, asks it nothing meanwhile, and tells it all on its return', async () => {
    const { cache, stored, modes, calls, read, revive, disconnect } = setUp();
    await revive();
    for (const key of ['kept', 'changed', 'removed']) await cache.put(key, entry('before'), 60);
    disconnect();
    const asked = calls();
    await cache.put('changed', entry('after'), 60);
    await cache.remove('removed');
    expect(await Promise.all(['kept', 'changed', 'removed'].map(read))).toEqual([
      'before',
      'after',
      undefined,
    ]);
    expect(calls()).toBe(asked);
    expect(cache.status()).toMatchObject({ mode: 'degraded', problem: 'Socket closed unexpectedly' });
    await revive();
    expect(stored.get('p:changed')?.toString()).toBe('text/plain\nafter');
    expect([...stored.keys()].sort()).toEqual(['p:changed', 'p:kept']);
    expect(modes).toEqual(['redis', 'degraded', 'redis']);
  });

  it('turns to memory after one failed command, and tries again later on the same connection', async () => {
    const { cache, read, revive, stall, heal, retry, scheduled } = setUp();
    await revive();
    await cache.put('a', entry('x'), 60);
    stall();
    expect(await read('a')).toBe('x');
    expect(cache.status()).toMatchObject({ mode: 'degraded', failures: 1 });
    expect(scheduled).toHaveLength(1);
    await retry();
    expect(cache.status().mode).toBe('degraded');
    heal();
    await retry();
    expect(cache.status()).toMatchObject({ mode: 'redis', problem: undefined });
  });

  it('remembers a bounded number of changes while Redis is away', async () => {
    const { cache, stored, revive } = setUp();
    for (let index = 0; index < MAX_PENDING_KEYS + 50; index += 1)
      await cache.put(`k${index}`, entry('x'), 60);
    await revive();
    expect(stored.size).toBe(MAX_PENDING_KEYS);
  });
});

describe('an entry in Redis', () => {
  it('comes back as it was, binary and all', () => {
    const binary = { contentType: 'application/octet-stream', body: Buffer.from([0, 10, 255]) };
    expect(decodeEntry(encodeEntry(binary))).toEqual(binary);
  });

  it.each(['', 'no line feed', 'text/html<script>\nx', '\nx'])(
    'is none when somebody else wrote %j',
    (value) => {
      expect(decodeEntry(Buffer.from(value))).toBeUndefined();
    },
  );
});
