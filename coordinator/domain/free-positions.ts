/**
 * The units of one shard that are free, as positions in it. The first unit comes last, because grants take from
 * the end; only what was put back may be elsewhere. Whatever is taken comes in the order of the shard.
 */
export class FreePositions {
  private readonly changed: (by: number) => void;
  private free: number[] = [];

  /** `changed` is called after each change, with how many there are more. */
  constructor(changed: (by: number) => void) {
    this.changed = changed;
  }

  get all(): readonly number[] {
    return this.free;
  }

  /** Up to `count`, the first of the shard first. */
  take(count: number): number[] {
    const taken = this.free.splice(-count, count);
    this.changed(-taken.length);
    return inOrder(taken.reverse());
  }

  /**
   * Up to `count` of those that `may` be taken, looking at no more than that takes. One that `isSuspect` goes
   * alone, and after the others.
   */
  takeOf(
    count: number,
    may: (position: number) => boolean,
    isSuspect: (position: number) => boolean,
  ): number[] {
    const taken: number[] = [];
    let suspect = -1;
    for (let i = this.free.length - 1; i >= 0 && taken.length < count; i--) {
      const position = this.free[i] as number;
      if (!may(position)) continue;
      if (isSuspect(position)) suspect = Math.max(suspect, i);
      else taken.push(...this.free.splice(i, 1));
    }
    if (taken.length === 0 && suspect >= 0) taken.push(...this.free.splice(suspect, 1));
    this.changed(-taken.length);
    return inOrder(taken);
  }

  /** Of `units` in all, those that are free. */
  refill(units: number, isFree: (position: number) => boolean): void {
    const before = this.free.length;
    this.free = [];
    for (let position = units - 1; position >= 0; position--) {
      if (isFree(position)) this.free.push(position);
    }
    this.changed(this.free.length - before);
  }

  /** Once, however often. */
  add(position: number): void {
    if (this.free.includes(position)) return;
    this.free.push(position);
    this.changed(1);
  }

  delete(position: number): void {
    const at = this.free.indexOf(position);
    if (at < 0) return;
    this.free.splice(at, 1);
    this.changed(-1);
  }

  deleteAll(positions: ReadonlySet<number>): void {
    const before = this.free.length;
    this.free = this.free.filter((position) => !positions.has(position));
    this.changed(this.free.length - before);
  }

  clear(): void {
    const before = this.free.length;
    this.free = [];
    this.changed(-before);
  }
}

/** Sorts in place, which is seldom needed. */
function inOrder(numbers: number[]): number[] {
  for (let i = 1; i < numbers.length; i++) {
    if ((numbers[i] as number) < (numbers[i - 1] as number)) return numbers.sort((a, b) => a - b);
  }
  return numbers;
}
