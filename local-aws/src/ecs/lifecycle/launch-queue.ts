/**
 * Lets a limited number of tasks start at the same time; the others wait their turn, first come first served.
 */
export class LaunchQueue {
  readonly #limit: number;
  readonly #waiting: (() => void)[] = [];
  #active = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  async run(work: () => Promise<void>): Promise<void> {
    if (this.#active < this.#limit) this.#active += 1;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      await work();
    } finally {
      // The place goes straight to the next in line, else it is free again.
      const next = this.#waiting.shift();
      if (next) next();
      else this.#active -= 1;
    }
  }
}
