/** The locals that the meter adds to a function, behind its own: one for each type and name. */
export class OwnLocals {
  readonly #first: number;
  readonly #numbers = new Map<string, number>();
  readonly types: number[] = [];

  constructor(first: number) {
    this.#first = first;
  }

  of(type: number, name: string): number {
    const key = `${type} ${name}`;
    let number = this.#numbers.get(key);
    if (number === undefined) {
      number = this.#first + this.types.length;
      this.#numbers.set(key, number);
      this.types.push(type);
    }
    return number;
  }
}
