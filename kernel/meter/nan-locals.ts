/**
 * What the locals of a function hold, as far as NaNs go (`nan-flow.ts`). Two questions are asked of each:
 * is anything ever put into it whose bits are to be kept (what was loaded, a parameter), and does
 * anybody ever look at the bits of what it holds? Of the answers, which are known at the end only,
 *
 *   kept and looked at     *firm*: what arithmetic puts into it is made firm where straight code ends;
 *                          within, it is known what was put into it
 *   not kept, looked at    *loose*: what is got from it is made firm where it is looked at
 *   not looked at          nothing has to be done: only arithmetic reads it
 */
import { type Shape, shape } from './nan-roles.ts';
import { valueType } from './value-types.ts';

/** Where, in the original, the value on top of the stack is to be made firm. */
export interface NanSite {
  at: number;
  shape: Shape;
}

/** Where a local is to be made firm. */
export interface LocalSite extends NanSite {
  local: number;
}

export const NO_LOCAL = -1;

/** Needed if the local it comes from turned out loose, and the one it goes to firm. */
interface Conditional extends NanSite {
  from: number;
  to: number;
}

export class NanLocals {
  readonly #isTracked: Uint8Array;
  readonly #keepsBits: Uint8Array;
  readonly #isSeen: Uint8Array;
  /** Of a vector unknown until it is seen how it is divided. */
  readonly #shapes: Uint8Array;
  readonly #conditionals: Conditional[] = [];
  readonly #made: LocalSite[] = [];
  /** Which are copied to which, and from which. */
  readonly #copies = new Map<number, Set<number>>();
  readonly #sources = new Map<number, Set<number>>();

  constructor(types: readonly number[], params: number) {
    this.#isTracked = Uint8Array.from(types, (type) => Number(floats.includes(type)));
    this.#keepsBits = Uint8Array.from(types, (_, index) => Number(index < params));
    this.#isSeen = new Uint8Array(types.length);
    this.#shapes = Uint8Array.from(types, shapeOfType);
  }

  /** Whether it may hold floats at all. */
  isTracked(local: number): boolean {
    return this.#isTracked[local] === 1;
  }

  /** For good when `settle` was called, as are the other answers. */
  isLoose(local: number): boolean {
    return this.isTracked(local) && this.#keepsBits[local] === 0;
  }

  #isFirm(local: number): boolean {
    return !this.isLoose(local) && this.isSeen(local);
  }

  isSeen(local: number): boolean {
    return this.#isSeen[local] === 1;
  }

  shapeOf(local: number): Shape {
    return (this.#shapes[local] ?? shape.none) as Shape;
  }

  /** It is put to a use, or filled, in this shape. In two shapes it cannot be loose. */
  meet(local: number, seen: Shape): void {
    const known = this.shapeOf(local);
    if (known === shape.none) this.#shapes[local] = seen;
    else if (known !== seen) {
      this.keepBits(local);
      this.see(local);
    }
  }

  keepBits(local: number): void {
    this.#keepsBits[local] = 1;
  }

  see(local: number): void {
    this.#isSeen[local] = 1;
  }

  /** A loose value comes from a local, goes to a local, or both. */
  note(site: NanSite, from: number, to: number): void {
    this.#conditionals.push({ ...site, from, to });
    if (from !== NO_LOCAL && to !== NO_LOCAL) {
      addTo(this.#copies, from, to);
      addTo(this.#sources, to, from);
    }
  }

  /** Straight code ends here, and the local holds what arithmetic made in it. */
  noteMade(site: LocalSite): void {
    this.#made.push(site);
  }

  /** When the whole function has been seen. */
  settle(): void {
    const open = [...new Set([...this.#copies.keys(), ...this.#sources.keys()])];
    for (let local = open.pop(); local !== undefined; local = open.pop()) {
      const neighbours = [...(this.#copies.get(local) ?? []), ...(this.#sources.get(local) ?? [])];
      const before = neighbours.map((each) => this.#stateOf(each));
      for (const to of this.#copies.get(local) ?? []) {
        if (this.#keepsBits[local] === 1) this.keepBits(to);
        if (this.shapeOf(local) !== shape.none) this.meet(to, this.shapeOf(local));
      }
      for (const from of this.#sources.get(local) ?? []) {
        if (this.isSeen(local)) this.see(from);
        if (this.shapeOf(local) !== shape.none) this.meet(from, this.shapeOf(local));
      }
      // Each can change three times, so this ends.
      open.push(...neighbours.filter((each, nth) => this.#stateOf(each) !== before[nth]));
    }
  }

  sites(): NanSite[] {
    return this.#conditionals.flatMap(({ at, shape: known, from, to }) => {
      const isNeeded =
        (from === NO_LOCAL || this.isLoose(from)) && (to === NO_LOCAL || this.#isFirm(to));
      const found = from === NO_LOCAL ? known : this.shapeOf(from);
      return isNeeded && found !== shape.none ? [{ at, shape: found }] : [];
    });
  }

  localSites(): LocalSite[] {
    return this.#made.filter(({ local }) => this.#isFirm(local));
  }

  #stateOf(local: number): number {
    const keeps = this.#keepsBits[local] ?? 0;
    return (this.shapeOf(local) << 2) | (keeps << 1) | (this.#isSeen[local] ?? 0);
  }
}

function addTo(map: Map<number, Set<number>>, key: number, value: number): void {
  const known = map.get(key) ?? new Set();
  map.set(key, known.add(value));
}

const floats: readonly number[] = [valueType.f32, valueType.f64, valueType.v128];

function shapeOfType(type: number): Shape {
  if (type === valueType.f32) return shape.f32;
  return type === valueType.f64 ? shape.f64 : shape.none;
}
