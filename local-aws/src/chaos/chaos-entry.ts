/** How chaos is shown to people and programs: on the gateway and in the status. Only types. */

/** A chaos action that has begun: answer of `POST /_local/chaos`. */
export interface ChaosEntry {
  readonly id: string;
  readonly action: string;
  /** As given, with defaults. */
  readonly parameters: Readonly<Record<string, unknown>>;
  /** ISO 8601. */
  readonly since: string;
  /** When it ends by itself; when it ended, once it has. */
  readonly endsAt: string;
  /** What it did so far. */
  readonly did: {
    readonly summary: string;
    /** Ids of the tasks that were hit. */
    readonly tasks?: readonly string[];
    /** Calls of AWS's API that it covers, and those that it slowed down or refused. */
    readonly calls?: { readonly matched: number; readonly hit: number };
  };
  /** Why it is over; absent while it lasts. */
  readonly ended?: string;
}

/** Answer of `GET /_local/chaos`. */
export interface ChaosList {
  readonly active: readonly ChaosEntry[];
  /** The last ones that are over, newest first. */
  readonly ended: readonly ChaosEntry[];
}
