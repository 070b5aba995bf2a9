/**
 * Union-find whose members carry a number relative to each other: `join(a, b, d)` states that the
 * potential of b is the potential of a plus d. The members are the points between basic blocks, the
 * difference across a block is what the block costs; see `placement.ts`.
 */
export class Potentials {
  #parent = new Int32Array(256);
  /** Potential relative to the parent. */
  #offset = new Float64Array(256);
  #count = 0;

  clear(): void {
    this.#count = 0;
  }

  add(): number {
    if (this.#count === this.#parent.length) this.#grow();
    this.#parent[this.#count] = this.#count;
    this.#offset[this.#count] = 0;
    return this.#count++;
  }

  /** False when the two were related already; then nothing changes. */
  join(a: number, b: number, difference: number): boolean {
    const rootA = this.#root(a);
    const rootB = this.#root(b);
    if (rootA === rootB) return false;
    // potential(b) = potential(a) + difference, each written relative to its root.
    const offset = this.#offsetOf(a) + difference - this.#offsetOf(b);
    this.#parent[rootB] = rootA;
    this.#offset[rootB] = offset;
    return true;
  }

  /** potential(b) - potential(a). The two must be related. */
  difference(a: number, b: number): number {
    this.#root(a);
    this.#root(b);
    return this.#offsetOf(b) - this.#offsetOf(a);
  }

  /** The root of x; afterwards x is the root or hangs directly below it. */
  #root(x: number): number {
    let root = x;
    let total = 0;
    for (let up = this.#parentOf(root); up !== root; up = this.#parentOf(root)) {
      total += this.#offsetOf(root);
      root = up;
    }
    let at = x;
    while (this.#parentOf(at) !== root && at !== root) {
      const up = this.#parentOf(at);
      const offset = this.#offsetOf(at);
      this.#parent[at] = root;
      this.#offset[at] = total;
      total -= offset;
      at = up;
    }
    return root;
  }

  #parentOf(x: number): number {
    return this.#parent[x] ?? 0;
  }

  #offsetOf(x: number): number {
    return this.#offset[x] ?? 0;
  }

  #grow(): void {
    const parent = new Int32Array(this.#parent.length * 2);
    parent.set(this.#parent);
    this.#parent = parent;
    const offset = new Float64Array(this.#offset.length * 2);
    offset.set(this.#offset);
    this.#offset = offset;
  }
}
