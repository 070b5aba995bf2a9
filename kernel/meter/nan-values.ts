/**
 * What becomes of the values that `nan-flow.ts` follows: they are looked at, put into locals and got from
 * there. It notes which of them have to be made firm for that, and where.
 */
import { type LocalSite, NanLocals, type NanSite, NO_LOCAL } from './nan-locals.ts';
import { givesOf, result, resultOf, type Shape, shape } from './nan-roles.ts';
import { FIRM, isLoose, isMade, NUMBER, type Slot } from './nan-slot.ts';
import { laneOf } from './nan-stores.ts';
import { op } from './op.ts';

export class NanValues {
  readonly locals: NanLocals;
  /** Places that are needed whatever the locals are. */
  readonly #sites = new Map<number, Shape>();
  /** What was last put into locals, in this stretch of straight code. */
  readonly #current = new Map<number, Slot>();

  constructor(types: readonly number[], params: number) {
    this.locals = new NanLocals(types, params);
  }

  /** An instruction looks at the value, which has to be firm unless all NaNs are alike to it. */
  look(value: Slot, as: Shape): Slot {
    if (value === FIRM || value === NUMBER) return value;
    if (value.shape === shape.none && as !== shape.none) {
      if (value.loads.length > 0) divide(value, as);
      else this.locals.meet(value.local, as);
      return { ...value, shape: as };
    }
    if (value.shape === as && as !== shape.none) return value;
    this.firm(value);
    return FIRM;
  }

  firm({ at, first, local, loads }: Slot): void {
    for (const load of loads) load.isSafe = false;
    if (loads.length > 0) return;
    if (local !== NO_LOCAL) {
      this.locals.see(local);
      this.locals.note({ at, shape: first }, local, NO_LOCAL);
    } else if (first !== shape.none) this.#sites.set(at, first);
  }

  /** Here, behind the instruction that gets it. */
  get(local: number, at: number): Slot {
    const value = this.#current.get(local);
    if (value !== undefined) return isMade(value) ? { ...value, at, first: value.shape } : value;
    if (!this.locals.isTracked(local)) return FIRM;
    const known = this.locals.shapeOf(local);
    return { ...FIRM, shape: known, at, first: known, local };
  }

  put(value: Slot, local: number): void {
    if (!this.locals.isTracked(local)) return;
    if (isLoose(value) && !isMade(value)) this.#current.delete(local);
    else this.#current.set(local, value);
    if (value === NUMBER) return;
    if (!isLoose(value)) {
      for (const load of value.loads) load.locals.push(local);
      this.locals.keepBits(local);
      return;
    }
    if (isMade(value)) {
      this.locals.meet(local, value.shape);
      return;
    }
    // A sign that was changed would be lost in a local that is made firm later.
    if (value.isSigned) this.locals.keepBits(local);
    if (value.shape !== shape.none) this.locals.meet(local, value.shape);
    this.locals.note({ at: value.at, shape: value.first }, value.local, local);
  }

  /** What was put into the local in this stretch of code, got at once; else the value that was put. */
  tee(value: Slot, local: number, at: number): Slot {
    this.put(value, local);
    return this.#current.has(local) ? this.get(local, at) : value;
  }

  /** Nobody reads a local once the function is left. */
  endStraightCode(at: number, leaves: boolean): void {
    for (const [local, value] of leaves ? [] : this.#current)
      if (isMade(value)) this.locals.noteMade({ at, shape: value.shape, local });
    this.#current.clear();
  }

  /** When the whole function has been seen. */
  sites(): { sites: NanSite[]; locals: LocalSite[] } {
    this.locals.settle();
    for (const site of this.locals.sites()) this.#sites.set(site.at, site.shape);
    const sites = Array.from(this.#sites, ([at, found]) => ({ at, shape: found }));
    return { sites, locals: this.locals.localSites() };
  }
}

/** A vector was loaded, and here it shows of which floats it is taken to be. */
function divide(value: Slot, as: Shape): void {
  for (const load of value.loads) {
    if (load.lane === 0) load.lane = laneOf(as);
    else if (load.lane !== laneOf(as)) load.isSafe = false;
  }
}

/** What an instruction gives, behind which we are; of its operands the last comes first. */
export function resultFrom(opcode: number, operands: readonly Slot[], at: number): Slot {
  const [operand = FIRM] = operands;
  const kind = resultOf(opcode);
  const given = givesOf(opcode);
  switch (kind) {
    case result.loose:
      return { ...FIRM, shape: given, at, first: given, id: at, terms: termsOf(opcode, operands) };
    case result.number:
      return NUMBER;
    case result.operand:
    case result.signed: {
      // Of a number in a vector one half may be a NaN.
      if (operand === NUMBER && given >= shape.f32x4) return FIRM;
      if (operand === FIRM || operand === NUMBER) return operand;
      const isSigned = operand.isSigned || kind === result.signed;
      return { ...operand, shape: given, isSigned, id: at, terms: '' };
    }
    default:
      return FIRM;
  }
}

function termsOf(opcode: number, [a = FIRM, b = FIRM]: readonly Slot[]): string {
  if (!sums.includes(opcode) || a.id === 0 || b.id === 0) return '';
  return `${Math.min(a.id, b.id)} ${Math.max(a.id, b.id)}`;
}

const sums: readonly number[] = [
  op.f32Add,
  op.f32Sub,
  op.f64Add,
  op.f64Sub,
  op.f32x4Add,
  op.f32x4Sub,
  op.f64x2Add,
  op.f64x2Sub,
];
