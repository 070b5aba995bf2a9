/**
 * Follows i32 values through straight code as far as constants are added to them: of two addresses that
 * came of one value it is known how far they are apart, whatever the value is. Values are numbered; where
 * one comes from does not matter.
 */

export interface Address {
  /** Equal for what came of one value; 0 is the value nought. */
  root: number;
  /** Added to it, modulo 2^32. */
  plus: number;
}

export class Addresses {
  #roots = 0;
  readonly #stack: Address[] = [];
  readonly #locals = new Map<number, Address>();

  get top(): Address {
    return this.#stack.at(-1) ?? this.#unknown();
  }

  /** What lies below the top. */
  get next(): Address {
    return this.#stack.at(-2) ?? this.#unknown();
  }

  push(address: Address = this.#unknown()): void {
    this.#stack.push(address);
  }

  pop(): Address {
    return this.#stack.pop() ?? this.#unknown();
  }

  cutTo(length: number): void {
    this.#stack.length = length;
  }

  constant(value: number): Address {
    return { root: 0, plus: value | 0 };
  }

  got(local: number): Address {
    const known = this.#locals.get(local) ?? this.#unknown();
    this.#locals.set(local, known);
    return known;
  }

  put(local: number, address: Address): void {
    this.#locals.set(local, address);
  }

  sum(a: Address, b: Address): Address {
    if (a.root !== 0 && b.root !== 0) return this.#unknown();
    return { root: a.root + b.root, plus: (a.plus + b.plus) | 0 };
  }

  /** Straight code ends here: another way may lead to what follows. */
  forgetLocals(): void {
    this.#locals.clear();
  }

  #unknown(): Address {
    return { root: ++this.#roots, plus: 0 };
  }
}
