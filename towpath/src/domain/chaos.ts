/** Chaos of the embedded AWS as commands see it: what is broken on purpose. Only types. */

/** An action with its parameters, as the embedded AWS takes it; it checks them. */
export interface ChaosRequest {
  readonly action: string;
  readonly [parameter: string]: string | number | undefined;
}

export interface ChaosEntry {
  readonly id: string;
  readonly action: string;
  readonly parameters: Readonly<Record<string, unknown>>;
  /** ISO 8601. */
  readonly since: string;
  /** When it ends by itself; when it ended, once it has. */
  readonly endsAt: string;
  readonly did: {
    /** What it did so far. */
    readonly summary: string;
    readonly tasks?: readonly string[];
    readonly calls?: { readonly matched: number; readonly hit: number };
  };
  /** Why it is over; absent while it lasts. */
  readonly ended?: string;
}

export interface ChaosList {
  readonly active: readonly ChaosEntry[];
  /** The last ones that are over, newest first. */
  readonly ended: readonly ChaosEntry[];
}
