/** What a rule reports, before it is known where the value was written. */

export interface Finding {
  /** Paths of all values that the rule compared, the one to change first. Relative to the rule's subject. */
  readonly at: readonly [string, ...string[]];
  /** What is wrong, with the offending value and what is allowed. */
  readonly message: string;
}
