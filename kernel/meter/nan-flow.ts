/**
 * Finds where in a function a NaN is to be made the same on every host, with as few places as will do.
 *
 * The idea: what arithmetic gives is *loose* (`nan-roles.ts`), and may stay so while only arithmetic,
 * comparisons and conversions look at it, to which all NaNs are alike. Before anything else sees its
 * bits (a store, a call, a branch with a value, integer operations) it is made firm: at the place
 * where it came onto the stack. Values that arithmetic did not make are never touched, since programs
 * move integers as floats, and put meaning into the bits of a NaN.
 *
 * Locals hold loose values, too, if nothing but loose ones and plain numbers are ever put into them: a
 * sum over a loop is made firm once, when it is stored. A local that is given anything else (a
 * parameter, what was loaded) is firm, and what arithmetic puts into it is made so before. Which it
 * is shows at the end of the function only; so places are noted with the locals they hang on.
 *
 * Types are V8's to check, here as everywhere: of code that has wrong ones, nonsense is found, and no harm
 * done. What comes out is WebAssembly's deterministic profile: every NaN of arithmetic is the positive
 * canonical one.
 */
import { Immediates } from './immediates.ts';
import type { KernelModule } from './module.ts';
import { LooseLocals, type NanSite } from './nan-locals.ts';
import { givesOf, result, resultOf, type Shape, shape, takesOf } from './nan-roles.ts';
import { op, readOpcode } from './op.ts';
import { deltaOf, imm, immediateOf } from './opcodes.ts';
import type { FunctionPlan } from './plan.ts';
import { Reader } from './reader.ts';
import { readValueType } from './value-types.ts';

const NO_LOCAL = -1;

/** A value on the stack. */
interface Slot {
  /** As instructions see it now. */
  shape: Shape;
  /** Behind the instruction that put it there, and its shape then. */
  at: number;
  first: Shape;
  /** From which local it was got, and is loose only if that is. */
  local: number;
  isSigned: boolean;
}

/** Its bits are the same everywhere. */
const FIRM: Slot = { shape: 0, at: 0, first: 0, local: NO_LOCAL, isSigned: false };
/** No NaN at all; does no harm among loose values. */
const NUMBER: Slot = { ...FIRM };

interface Frame {
  opcode: number;
  height: number;
  params: number;
  results: number;
  wasLive: boolean;
}

export function findNanSites(module: KernelModule, plan: FunctionPlan): NanSite[] {
  return new NanFlow(module, plan).run();
}

class NanFlow {
  readonly #module: KernelModule;
  readonly #reader: Reader;
  readonly #immediates: Immediates;
  readonly #results: number;
  readonly #frames: Frame[] = [];
  readonly #locals: LooseLocals;
  /** Places that are needed whatever the locals are. */
  readonly #sites = new Map<number, Shape>();
  #stack: Slot[] = [];
  #isLive = true;

  constructor(module: KernelModule, plan: FunctionPlan) {
    this.#module = module;
    this.#reader = new Reader(module.bytes, plan.codeStart, plan.codeEnd);
    this.#immediates = new Immediates(this.#reader, module);
    this.#immediates.locals = plan.locals;
    this.#results = plan.type.results.length;
    this.#locals = new LooseLocals(localTypes(module, plan), plan.type.params.length);
  }

  run(): NanSite[] {
    while (!this.#reader.isAtEnd) this.#instruction();
    if (this.#isLive) this.#firmTop(this.#results);
    for (const site of this.#locals.sites()) this.#sites.set(site.at, site.shape);
    const sites = Array.from(this.#sites, ([at, shape]) => ({ at, shape }));
    return sites.sort((a, b) => a.at - b.at);
  }

  #instruction(): void {
    const opcode = readOpcode(this.#reader);
    const immediate = immediateOf(opcode);
    switch (immediate) {
      case imm.blockType:
        this.#enter(opcode);
        return;
      case imm.label:
        this.#branch(opcode);
        return;
      case imm.labels:
        this.#pop();
        for (let left = this.#reader.u32(); left >= 0; left--) this.#firmFor(this.#reader.u32());
        this.#isLive = false;
        return;
      case imm.call:
        this.#call(this.#module.functions[this.#reader.u32()]);
        return;
      case imm.callIndirect: {
        const type = this.#module.types[this.#reader.u32()];
        this.#reader.u32();
        this.#pop();
        this.#call(type);
        return;
      }
      case imm.none:
        if (opcode <= op.return) {
          this.#structure(opcode);
          return;
        }
    }
    if (immediate === imm.local) this.#local(opcode, this.#reader.u32());
    else this.#plain(opcode);
  }

  /** nop, unreachable, else, end, return. */
  #structure(opcode: number): void {
    if (opcode === op.return) this.#firmTop(this.#results);
    if (opcode === op.return || opcode === op.unreachable) this.#isLive = false;
    if (opcode !== op.else && opcode !== op.end) return;
    const frame = this.#frames.pop();
    if (frame === undefined) return;
    if (this.#isLive) this.#firmTop(frame.results);
    this.#isLive = frame.wasLive;
    this.#stack.length = Math.min(this.#stack.length, frame.height);
    const isElse = opcode === op.else;
    if (isElse) this.#frames.push({ ...frame, opcode });
    this.#push(isElse ? frame.params : frame.results);
  }

  #enter(opcode: number): void {
    const { params, results } = this.#immediates.blockType();
    if (opcode === op.if) this.#pop();
    this.#firmTop(params);
    const height = Math.max(0, this.#stack.length - (this.#isLive ? params : 0));
    this.#frames.push({ opcode, height, params, results, wasLive: this.#isLive });
  }

  #branch(opcode: number): void {
    if (opcode === op.brIf) this.#pop();
    this.#firmFor(this.#reader.u32());
    if (opcode === op.br) this.#isLive = false;
  }

  /** What a branch to this label takes along. */
  #firmFor(label: number): void {
    const frame = this.#frames.at(-1 - label);
    if (frame === undefined) this.#firmTop(this.#results);
    else this.#firmTop(frame.opcode === op.loop ? frame.params : frame.results);
  }

  #call(type: { params: Uint8Array; results: Uint8Array } | undefined): void {
    const { length } = type?.params ?? [];
    this.#firmTop(length);
    for (let i = 0; i < length; i++) this.#pop();
    this.#push(type?.results.length ?? 0);
  }

  #local(opcode: number, index: number): void {
    if (!this.#isLive) return;
    if (opcode === op.localGet) {
      this.#stack.push(this.#got(index));
      return;
    }
    const value = this.#pop();
    this.#put(value, index);
    if (opcode === op.localTee) this.#stack.push(value);
  }

  #got(local: number): Slot {
    if (!this.#locals.mayBeLoose(local)) return FIRM;
    const shape = this.#locals.shapeOf(local);
    return { shape, at: this.#reader.at, first: shape, local, isSigned: false };
  }

  #put(value: Slot, local: number): void {
    if (value === NUMBER) return;
    // A sign that was changed would be lost in a local that is made firm later.
    if (value === FIRM || value.isSigned || !this.#locals.mayBeLoose(local)) {
      this.#locals.makeFirm(local);
      this.#firm(value);
      return;
    }
    if (value.shape !== shape.none) this.#locals.meet(local, value.shape);
    this.#locals.note({ at: value.at, shape: value.first }, value.local, local);
  }

  #plain(opcode: number): void {
    const { at } = this.#reader;
    this.#immediates.skip(opcode);
    if (!this.#isLive || dropsSegment(opcode)) return;
    if (opcode === op.f32Const || opcode === op.f64Const || opcode === op.v128Const) {
      this.#stack.push(mayBeNan(this.#module.bytes.subarray(at, this.#reader.at)) ? FIRM : NUMBER);
      return;
    }
    const leaves = leavesValue(opcode);
    const operands: Slot[] = [];
    for (let left = Number(leaves) - deltaOf(opcode); left > 0; left--)
      operands.push(this.#look(this.#pop(), takesOf(opcode)));
    if (leaves) this.#stack.push(this.#resultOf(opcode, operands[0] ?? FIRM));
  }

  #resultOf(opcode: number, operand: Slot): Slot {
    const kind = resultOf(opcode);
    const given = givesOf(opcode);
    switch (kind) {
      case result.loose:
        return { ...FIRM, shape: given, at: this.#reader.at, first: given };
      case result.number:
        return NUMBER;
      case result.operand:
      case result.signed:
        if (operand === FIRM || operand === NUMBER) return operand;
        return { ...operand, shape: given, isSigned: operand.isSigned || kind === result.signed };
      default:
        return FIRM;
    }
  }

  /** An instruction looks at the value, which has to be firm unless all NaNs are alike to it. */
  #look(value: Slot, as: Shape): Slot {
    if (value === FIRM || value === NUMBER) return value;
    if (value.shape === shape.none && as !== shape.none) {
      this.#locals.meet(value.local, as);
      return { ...value, shape: as };
    }
    if (value.shape === as && as !== shape.none) return value;
    this.#firm(value);
    return FIRM;
  }

  #firm({ at, first, local }: Slot): void {
    if (local !== NO_LOCAL) this.#locals.note({ at, shape: first }, local, NO_LOCAL);
    else if (first !== shape.none) this.#sites.set(at, first);
  }

  /** So many values leave this place, by whatever way. */
  #firmTop(count: number): void {
    if (!this.#isLive) return;
    const lowest = Math.max(0, this.#stack.length - count);
    for (let nth = lowest; nth < this.#stack.length; nth++) {
      const value = this.#stack[nth];
      if (value !== undefined && value !== NUMBER) this.#firm(value);
      this.#stack[nth] = FIRM;
    }
  }

  #pop(): Slot {
    return (this.#isLive && this.#stack.pop()) || FIRM;
  }

  #push(count: number): void {
    for (let i = 0; i < count && this.#isLive; i++) this.#stack.push(FIRM);
  }
}

function localTypes(module: KernelModule, plan: FunctionPlan): number[] {
  const types = [...plan.type.params];
  const reader = new Reader(module.bytes, plan.localsStart, plan.codeStart);
  while (!reader.isAtEnd) {
    const count = reader.u32();
    const type = readValueType(reader);
    for (let i = 0; i < count; i++) types.push(type);
  }
  return types;
}

/** data.drop and elem.drop touch no operand. */
const dropsSegment = (opcode: number): boolean =>
  immediateOf(opcode) === imm.data || immediateOf(opcode) === imm.element;

/** Whether the instruction leaves a value, which nothing with a type of its own does here. */
function leavesValue(opcode: number): boolean {
  const delta = deltaOf(opcode);
  if (delta >= 0) return true;
  if (delta === -1) return opcode !== op.drop && opcode !== op.globalSet;
  // Stores take two and leave none; select and bitselect take three.
  const immediate = immediateOf(opcode);
  return delta === -2 && immediate !== imm.memarg && immediate !== imm.memargLane;
}

/** Whether these bytes, divided into floats in any way, have one with all bits of its exponent set. */
function mayBeNan(bytes: Uint8Array): boolean {
  return bytes.some((byte, nth) => (byte & 0x7f) === 0x7f && ((bytes[nth - 1] ?? 0) & 0x80) !== 0);
}
