/**
 * A few places for work that takes much memory: who finds none free waits for one, in the order of
 * coming. One that waits is a request that is answered late.
 */
export class Places {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  constructor(count: number) {
    this.#free = count;
  }

  async during<T>(work: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free--;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      // The place goes from hand to hand.
      if (next) next();
      else this.#free++;
    }
  }
}
