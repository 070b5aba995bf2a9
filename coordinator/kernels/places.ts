/**
 * A few places for work that takes much memory: who finds none free waits for one, in the order of
 * coming, unless too many wait already. One that waits is a request that is answered late.
 */
import { GridError } from '../../protocol/errors.ts';

export class Places {
  #free: number;
  readonly #waitingMax: number;
  readonly #waiting: (() => void)[] = [];

  constructor(count: number, waitingMax: number) {
    this.#free = count;
    this.#waitingMax = waitingMax;
  }

  /** Throws GridError `busy`, and does nothing, when too many wait. */
  async during<T>(work: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free--;
    else if (this.#waiting.length >= this.#waitingMax) throw new GridError('busy');
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
