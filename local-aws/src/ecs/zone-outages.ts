/**
 * Which availability zones are down, and since when. Who is hit by it is seen to by `chaos.ts` and the scheduler.
 */
export class ZoneOutages {
  readonly #since = new Map<string, number>();

  /** False when it was down already. */
  begin(zone: string, now: number): boolean {
    if (this.#since.has(zone)) return false;
    this.#since.set(zone, now);
    return true;
  }

  /** False when it was not down. */
  end(zone: string): boolean {
    return this.#since.delete(zone);
  }

  isDown(zone: string): boolean {
    return this.#since.has(zone);
  }

  /** Milliseconds since the epoch; undefined while the zone is up. */
  downSince(zone: string): number | undefined {
    return this.#since.get(zone);
  }

  /** Zones that are down now, sorted. */
  get list(): readonly string[] {
    return [...this.#since.keys()].sort();
  }
}
