/** What a cache does, whatever keeps the entries. */

export interface CacheEntry {
  readonly contentType: string;
  readonly body: Buffer;
}

/**
 * Where entries are: `memory` when no Redis is configured, `redis` while it answers, `degraded` while it does not
 * and this task's own memory stands in.
 */
export type CacheMode = 'memory' | 'redis' | 'degraded';

export interface CacheStatus {
  readonly mode: CacheMode;
  /** Why it is degraded, without a password; undefined otherwise. */
  readonly problem: string | undefined;
  readonly hits: number;
  readonly misses: number;
  /** Calls to Redis that failed or took too long, and were served from memory. */
  readonly failures: number;
  /** Entries and bytes in this task's memory. */
  readonly entries: number;
  readonly bytes: number;
}

export interface CacheStore {
  readonly mode: CacheMode;
  /** A promise only where somebody else is asked. */
  get(key: string): CacheEntry | undefined | Promise<CacheEntry | undefined>;
  put(key: string, entry: CacheEntry, ttlSeconds: number): Promise<void> | undefined;
  remove(key: string): Promise<void>;
  status(): CacheStatus;
  /** Ends connections. Never rejects. */
  stop(): Promise<void>;
}
