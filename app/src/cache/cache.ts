/**
 * The cache of the service: Redis when there is one, else bounded memory; when Redis goes away, memory stands in and
 * the status says so. No call rejects: a broken cache must never fail a request.
 */
import type { CacheEntry, CacheMode, CacheStatus, CacheStore } from './cache-store.ts';
import { MemoryCache } from './memory-cache.ts';
import type { RedisPort } from './redis-port.ts';

/** Keys changed while Redis was away, which it must be told on its return; the oldest is forgotten first. */
export const MAX_PENDING_KEYS = 1_000;
/** Keys told to Redis in one go; requests may change more meanwhile. */
const MAX_REPLAYED_KEYS = 10 * MAX_PENDING_KEYS;
/** How long after a failed command Redis is tried again, milliseconds. */
export const RETRY_DELAY_MS = 1_000;
const MAX_PROBLEM_CHARS = 200;

export interface CachePorts {
  readonly now: () => number;
  /** Calls back after so many milliseconds; must not keep the process alive. */
  readonly schedule: (delayMs: number, action: () => void) => void;
  /** Connects when Redis is configured. */
  readonly connect: ((events: CacheEvents) => RedisPort) | undefined;
  /** Put before every key in Redis. */
  readonly keyPrefix: string;
  /** Told of every change of mode. */
  readonly onMode: (mode: CacheMode, problem: string | undefined) => void;
}

export interface CacheEvents {
  readonly onReady: () => void;
  readonly onError: (reason: string) => void;
}

export class Cache implements CacheStore {
  readonly #memory: MemoryCache;
  readonly #redis: RedisPort | undefined;
  readonly #onMode: CachePorts['onMode'];
  readonly #keyPrefix: string;
  readonly #schedule: CachePorts['schedule'];
  /** Written or removed in memory only, since Redis was away. */
  readonly #pending = new Set<string>();
  #mode: CacheMode;
  #problem: string | undefined;
  #hits = 0;
  #misses = 0;
  #failures = 0;
  #recovering = false;
  #retryPlanned = false;

  constructor({ now, schedule, keyPrefix, connect, onMode }: CachePorts) {
    this.#memory = new MemoryCache(now);
    this.#onMode = onMode;
    this.#schedule = schedule;
    this.#keyPrefix = keyPrefix;
    this.#mode = connect === undefined ? 'memory' : 'degraded';
    this.#problem = connect === undefined ? undefined : 'not connected yet';
    this.#redis = connect?.({
      onReady: () => void this.#recover(),
      onError: (reason) => this.#degrade(reason),
    });
  }

  get mode(): CacheMode {
    return this.#mode;
  }

  get(key: string): CacheEntry | undefined | Promise<CacheEntry | undefined> {
    const redis = this.#usable();
    if (redis === undefined) return this.#count(this.#memory.get(key));
    return this.#read(redis, key).then((entry) => this.#count(entry));
  }

  put(key: string, entry: CacheEntry, ttlSeconds: number): Promise<void> | undefined {
    // Kept here too: what this task has written stays readable when Redis goes.
    this.#memory.put(key, entry, ttlSeconds);
    if (this.#redis === undefined) return undefined;
    return this.#write(key, (redis) => redis.set(this.#keyPrefix + key, encodeEntry(entry), ttlSeconds));
  }

  async remove(key: string): Promise<void> {
    this.#memory.remove(key);
    await this.#write(key, (redis) => redis.remove(this.#keyPrefix + key));
  }

  status(): CacheStatus {
    return {
      mode: this.#mode,
      problem: this.#problem,
      hits: this.#hits,
      misses: this.#misses,
      failures: this.#failures,
      entries: this.#memory.entries,
      bytes: this.#memory.bytes,
    };
  }

  async stop(): Promise<void> {
    this.#redis?.close();
  }

  #count(entry: CacheEntry | undefined): CacheEntry | undefined {
    if (entry === undefined) this.#misses += 1;
    else this.#hits += 1;
    return entry;
  }

  async #read(redis: RedisPort, key: string): Promise<CacheEntry | undefined> {
    try {
      const value = await redis.get(this.#keyPrefix + key);
      return value === undefined ? undefined : decodeEntry(value);
    } catch (error) {
      this.#fail(error);
      return this.#memory.get(key);
    }
  }

  async #write(key: string, change: (redis: RedisPort) => Promise<void>): Promise<void> {
    if (this.#redis === undefined) return;
    const redis = this.#usable();
    if (redis !== undefined) {
      try {
        await change(redis);
        return;
      } catch (error) {
        this.#fail(error);
      }
    }
    this.#pending.add(key);
    const [oldest] = this.#pending;
    if (this.#pending.size > MAX_PENDING_KEYS && oldest !== undefined) this.#pending.delete(oldest);
  }

  /** While degraded nothing is asked of Redis: a request must not wait for what has just failed. */
  #usable(): RedisPort | undefined {
    return this.#mode === 'redis' && this.#redis?.isReady() ? this.#redis : undefined;
  }

  #fail(error: unknown): void {
    this.#failures += 1;
    this.#degrade(messageOf(error));
    this.#recoverLater();
  }

  #degrade(reason: string): void {
    const before = this.#mode;
    this.#mode = 'degraded';
    this.#problem = reason.slice(0, MAX_PROBLEM_CHARS);
    if (before !== 'degraded') this.#onMode('degraded', this.#problem);
  }

  /** A connection that lives on brings no event on its recovery, so it is tried. */
  #recoverLater(): void {
    if (this.#retryPlanned) return;
    this.#retryPlanned = true;
    this.#schedule(RETRY_DELAY_MS, () => {
      this.#retryPlanned = false;
      if (this.#redis?.isReady()) void this.#recover();
    });
  }

  /** Tells Redis what changed meanwhile; last writer wins, as always in a cache. */
  async #recover(): Promise<void> {
    const redis = this.#redis;
    if (redis === undefined || this.#recovering || this.#mode === 'redis') return;
    this.#recovering = true;
    try {
      await redis.ping();
      let left = MAX_REPLAYED_KEYS;
      // The set grows while it is walked: requests go on meanwhile.
      for (const key of this.#pending) {
        if (left-- === 0) throw new Error('changes come faster than Redis takes them');
        await this.#replay(redis, key);
      }
      this.#mode = 'redis';
      this.#problem = undefined;
      this.#onMode('redis', undefined);
    } catch (error) {
      this.#problem = messageOf(error).slice(0, MAX_PROBLEM_CHARS);
      this.#recoverLater();
    } finally {
      this.#recovering = false;
    }
  }

  async #replay(redis: RedisPort, key: string): Promise<void> {
    // Before the call: a change during it makes the key pending again.
    this.#pending.delete(key);
    try {
      const ttlSeconds = this.#memory.remainingSeconds(key);
      const entry = this.#memory.get(key);
      if (entry === undefined || ttlSeconds === undefined) await redis.remove(this.#keyPrefix + key);
      else await redis.set(this.#keyPrefix + key, encodeEntry(entry), ttlSeconds);
    } catch (error) {
      this.#pending.add(key);
      throw error;
    }
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Media type, line feed, body: readable with redis-cli. */
export function encodeEntry({ contentType, body }: CacheEntry): Buffer {
  return Buffer.concat([Buffer.from(`${contentType}\n`), body]);
}

/** What somebody else has written under the key is no entry: a miss. */
export function decodeEntry(value: Buffer): CacheEntry | undefined {
  const end = value.indexOf(0x0a);
  if (end === -1) return undefined;
  const contentType = value.subarray(0, end).toString('latin1');
  return /^[a-z]+\/[a-z-]+$/.test(contentType) ? { contentType, body: value.subarray(end + 1) } : undefined;
}
