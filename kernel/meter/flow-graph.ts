/**
 * The control flow of one function, seen as a road map: *points* are places where roads meet, and
 * every basic block is a road from one point to another, with its cost as the length. A branch needs
 * no road of its own: it states that the end of a block and its target are the same point.
 *
 * One point is special. At SETTLED, what has been charged equals what has run: the function's entry
 * and its exits, both sides of a call or bulk operation, and every loop's head.
 */
import { Potentials } from './potentials.ts';

export const SETTLED = 0;
const NO_BLOCK = -1;

export class FlowGraph {
  readonly points = new Potentials();
  /** Per block: what it costs, where it leads, and how often it probably runs. */
  readonly costs: number[] = [];
  readonly froms: number[] = [];
  readonly tos: number[] = [];
  readonly heats: number[] = [];
  #current = NO_BLOCK;

  clear(): void {
    this.points.clear();
    for (const list of [this.costs, this.froms, this.tos, this.heats]) list.length = 0;
    this.#current = NO_BLOCK;
    this.points.add();
  }

  /** Whether the place we are at can be reached; code that cannot is not metered. */
  get isLive(): boolean {
    return this.#current !== NO_BLOCK;
  }

  /** The point at the end of the current block. */
  get end(): number {
    return this.tos[this.#current] ?? SETTLED;
  }

  get blocks(): number {
    return this.costs.length;
  }

  /** Begins a block at a point and returns its number. */
  open(from: number, heat: number): number {
    this.#current = this.costs.length;
    this.costs.push(0);
    this.froms.push(from);
    this.tos.push(this.points.add());
    this.heats.push(heat);
    return this.#current;
  }

  /** Ends the current block where it will not go on. */
  close(): void {
    this.#current = NO_BLOCK;
  }

  addCost(cost: number): void {
    if (this.#current !== NO_BLOCK)
      this.costs[this.#current] = (this.costs[this.#current] ?? 0) + cost;
  }

  /** From the end of the current block one can get to `point`. */
  meet(point: number): void {
    this.points.join(this.end, point, 0);
  }
}
