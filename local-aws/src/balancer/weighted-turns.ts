/** Takes turns by weight, spread evenly: weights 3 and 1 give a a b a, not a a a b. */

export interface Weighted {
  readonly weight: number;
}

export class WeightedTurns<T extends Weighted> {
  readonly #choices: readonly T[];
  readonly #credit: number[];
  readonly #total: number;

  constructor(choices: readonly T[]) {
    this.#choices = choices.filter((choice) => choice.weight > 0);
    this.#credit = this.#choices.map(() => 0);
    this.#total = this.#choices.reduce((sum, choice) => sum + choice.weight, 0);
  }

  /** @returns undefined when no choice has any weight */
  next(): T | undefined {
    if (this.#choices.length <= 1) return this.#choices[0];
    let best = 0;
    for (let i = 0; i < this.#choices.length; i += 1) {
      const credit = (this.#credit[i] ?? 0) + (this.#choices[i]?.weight ?? 0);
      this.#credit[i] = credit;
      if (credit > (this.#credit[best] ?? 0)) best = i;
    }
    this.#credit[best] = (this.#credit[best] ?? 0) - this.#total;
    return this.#choices[best];
  }
}
