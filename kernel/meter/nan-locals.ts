/**
 * Which locals of a function hold loose values (`nan-flow.ts`), and which places hang on that. A local
 * counts as loose until something else is put into it; at the end what was copied between locals is
 * followed, and the answer is known.
 */
import { type Shape, shape } from './nan-roles.ts';
import { valueType } from './value-types.ts';

/** Where, in the original, the value on top of the stack is to be made firm. */
export interface NanSite {
  at: number;
  shape: Shape;
}

const NONE = -1;

/** Needed if the local it comes from turned out loose, and the one it goes to firm. */
interface Conditional extends NanSite {
  from: number;
  to: number;
}

export class LooseLocals {
  readonly #isFirm: Uint8Array;
  /** Of a vector unknown until it is seen how it is divided. */
  readonly #shapes: Uint8Array;
  readonly #conditionals: Conditional[] = [];
  /** By the local that is copied: where to. */
  readonly #copies = new Map<number, Set<number>>();

  constructor(types: readonly number[], params: number) {
    this.#shapes = Uint8Array.from(types, shapeOfType);
    this.#isFirm = Uint8Array.from(types, (type, index) =>
      Number(index < params || !floats.includes(type)),
    );
  }

  mayBeLoose(local: number): boolean {
    return this.#isFirm[local] === 0;
  }

  shapeOf(local: number): Shape {
    return (this.#shapes[local] ?? shape.none) as Shape;
  }

  /** It is put to a use, or filled, in this shape. In two shapes it cannot be loose. */
  meet(local: number, seen: Shape): void {
    const known = this.shapeOf(local);
    if (known === shape.none) this.#shapes[local] = seen;
    else if (known !== seen) this.makeFirm(local);
  }

  makeFirm(local: number): void {
    this.#isFirm[local] = 1;
  }

  /** A loose value comes from a local, goes to a local, or both. */
  note(site: NanSite, from: number, to: number): void {
    this.#conditionals.push({ ...site, from, to });
    if (from === NONE || to === NONE) return;
    const copies = this.#copies.get(from) ?? new Set();
    this.#copies.set(from, copies.add(to));
  }

  /** When the whole function has been seen. */
  sites(): NanSite[] {
    this.#followCopies();
    return this.#conditionals.flatMap(({ at, shape: known, from, to }) => {
      const isNeeded = (from === NONE || this.mayBeLoose(from)) && !this.mayBeLoose(to);
      const found = from === NONE ? known : this.shapeOf(from);
      return isNeeded && found !== shape.none ? [{ at, shape: found }] : [];
    });
  }

  /** A local can change twice, so this ends: it gets its shape, and it gets firm. */
  #followCopies(): void {
    const open = [...this.#copies.keys()];
    for (let from = open.pop(); from !== undefined; from = open.pop()) {
      for (const to of this.#copies.get(from) ?? []) {
        const before = [this.mayBeLoose(to), this.shapeOf(to)];
        if (!this.mayBeLoose(from)) this.makeFirm(to);
        else if (this.shapeOf(from) !== shape.none) this.meet(to, this.shapeOf(from));
        const changed = before[0] !== this.mayBeLoose(to) || before[1] !== this.shapeOf(to);
        if (changed && this.#copies.has(to)) open.push(to);
      }
    }
  }
}

const floats: readonly number[] = [valueType.f32, valueType.f64, valueType.v128];

function shapeOfType(type: number): Shape {
  if (type === valueType.f32) return shape.f32;
  return type === valueType.f64 ? shape.f64 : shape.none;
}
