/** The calls of AWS's API under chaos: counts them, makes them wait, refuses them. Decisions: `decide-api-fault.ts`. */
import { AwsError, type Clock } from '../contract.ts';
import type { ApiCall } from '../gateway/api-call.ts';
import { type ApiRule, decideApiFault, type TokenBucket } from './decide-api-fault.ts';
import { createSeededRandom } from './seeded-random.ts';

interface RuleState {
  readonly rule: ApiRule;
  readonly random: () => number;
  /** Aborted when the rule ends: whoever waits goes on. */
  readonly over: AbortController;
  matched: number;
  hit: number;
}

export interface CallCounts {
  readonly matched: number;
  readonly hit: number;
}

export class ApiFaults {
  readonly #clock: Clock;
  readonly #rules = new Map<string, RuleState>();
  readonly #buckets = new Map<string, TokenBucket>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** No call is under chaos now. */
  get idle(): boolean {
    return this.#rules.size === 0;
  }

  add(rule: ApiRule, seed: number): { counts(): CallCounts; remove(): void } {
    const state: RuleState = {
      rule,
      random: createSeededRandom(seed),
      over: new AbortController(),
      matched: 0,
      hit: 0,
    };
    this.#rules.set(rule.id, state);
    return {
      counts: () => ({ matched: state.matched, hit: state.hit }),
      remove: () => {
        this.#rules.delete(rule.id);
        this.#buckets.delete(rule.id);
        state.over.abort();
      },
    };
  }

  /**
   * Before anything else sees a call. Nothing to wait for: undefined.
   * @throws AwsError (also as a rejection) that the call is to be answered with
   */
  admit(call: ApiCall): Promise<void> | undefined {
    if (this.idle) return undefined;
    const rules = [...this.#rules.values()].map(({ rule }) => rule);
    const draw = (id: string): number => this.#rules.get(id)?.random() ?? 1;
    const fault = decideApiFault(rules, call, this.#clock.now(), draw, this.#buckets);
    for (const [id, bucket] of fault.buckets) this.#buckets.set(id, bucket);
    const states = (ids: readonly string[]) => ids.flatMap((id) => this.#rules.get(id) ?? []);
    for (const state of states(fault.matched)) state.matched += 1;
    const hit = states(fault.hit);
    for (const state of hit) state.hit += 1;
    const last = fault.hit.at(-1);
    const error =
      fault.error &&
      new AwsError(fault.error.code, `${fault.error.message} (chaos ${last})`, fault.error.status);
    if (fault.delayMs === 0) {
      if (error) throw error;
      return undefined;
    }
    return this.#wait(
      fault.delayMs,
      hit.filter(({ rule }) => rule.kind === 'slow').map(({ over }) => over.signal),
    ).then(() => {
      if (error) throw error;
    });
  }

  async #wait(ms: number, ends: readonly AbortSignal[]): Promise<void> {
    // Ends with the first of several rules that slow it down: half a delay is better than one that can't be undone.
    const early = new AbortController();
    const end = (): void => early.abort();
    for (const signal of ends) signal.addEventListener('abort', end, { once: true });
    await this.#clock.sleep(ms, early.signal).catch(() => undefined);
    for (const signal of ends) signal.removeEventListener('abort', end);
  }
}
