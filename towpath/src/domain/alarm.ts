/** An alarm of CloudWatch, as far as it tells somebody what to do. Pure. */

export interface AlarmView {
  readonly name: string;
  /** When it began to ring; ISO 8601. */
  readonly since: string | undefined;
  /** What it means and what to do; empty where nobody wrote it. */
  readonly description: string;
}

/** `One in twenty answers takes longer than 1 s.` of a description that goes on. */
export function firstSentence(text: string): string {
  return /^.*?[.!?](?=\s|$)/s.exec(text)?.[0] ?? text;
}

/**
 * Whether an alarm is of the environment with this prefix: `shop-test` and not `shop-test-eu`.
 * @param prefixes of all environments of the project
 */
export function isAlarmOf(name: string, prefix: string, prefixes: readonly string[]): boolean {
  const owner = prefixes.filter((each) => name.startsWith(`${each}-`)).sort((a, b) => b.length - a.length)[0];
  return owner === prefix;
}
