/** Entries in the memory of this process: bounded in number and bytes, the least recently used goes first. */
import type { CacheEntry } from './cache-store.ts';

export const MAX_MEMORY_ENTRIES = 1_000;
export const MAX_MEMORY_BYTES = 8 * 1024 * 1024;
/** What an entry costs beside key and body. */
const ENTRY_OVERHEAD_BYTES = 128;
const MS_PER_SECOND = 1_000;

export interface MemoryLimits {
  readonly maxEntries: number;
  readonly maxBytes: number;
}

interface Kept {
  readonly entry: CacheEntry;
  readonly expiresAtMs: number;
  readonly bytes: number;
}

export class MemoryCache {
  /** In order of use, the oldest first. */
  readonly #kept = new Map<string, Kept>();
  readonly #now: () => number;
  readonly #limits: MemoryLimits;
  #bytes = 0;

  constructor(
    now: () => number,
    limits: MemoryLimits = { maxEntries: MAX_MEMORY_ENTRIES, maxBytes: MAX_MEMORY_BYTES },
  ) {
    this.#now = now;
    this.#limits = limits;
  }

  get entries(): number {
    return this.#kept.size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get(key: string): CacheEntry | undefined {
    const kept = this.#alive(key);
    if (kept === undefined) return undefined;
    this.#kept.delete(key);
    this.#kept.set(key, kept);
    return kept.entry;
  }

  /** How long an entry has to live yet, in whole seconds of at least 1; undefined when there is none. */
  remainingSeconds(key: string): number | undefined {
    const kept = this.#alive(key);
    return kept === undefined
      ? undefined
      : Math.max(1, Math.ceil((kept.expiresAtMs - this.#now()) / MS_PER_SECOND));
  }

  put(key: string, entry: CacheEntry, ttlSeconds: number): void {
    this.remove(key);
    const bytes = key.length + entry.body.length + ENTRY_OVERHEAD_BYTES;
    this.#kept.set(key, { entry, expiresAtMs: this.#now() + ttlSeconds * MS_PER_SECOND, bytes });
    this.#bytes += bytes;
    for (const oldest of this.#kept.keys()) {
      if (this.#kept.size <= this.#limits.maxEntries && this.#bytes <= this.#limits.maxBytes) break;
      this.remove(oldest);
    }
  }

  remove(key: string): void {
    const kept = this.#kept.get(key);
    if (kept === undefined) return;
    this.#bytes -= kept.bytes;
    this.#kept.delete(key);
  }

  #alive(key: string): Kept | undefined {
    const kept = this.#kept.get(key);
    if (kept === undefined || kept.expiresAtMs > this.#now()) return kept;
    this.remove(key);
    return undefined;
  }
}
