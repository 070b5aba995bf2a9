/**
 * Finds where in a function a NaN is to be made the same on every host, with as few places as will do.
 *
 * The idea: what arithmetic gives is *loose* (`nan-roles.ts`), and may stay so while only arithmetic,
 * comparisons and conversions look at it, to which all NaNs are alike. Before anything else sees its
 * bits (a call, a branch with a value, integer operations) it is made firm: at the place where it came
 * onto the stack. What is stored is looked at for many stores together (`nan-stores.ts`). Values that
 * arithmetic did not make are never touched, since programs move integers as floats, and put meaning
 * into the bits of a NaN.
 *
 * Locals may hold loose values, too; which do shows at the end of the function only
 * (`nan-locals.ts`), so places are noted with the locals they hang on.
 *
 * Types are V8's to check, here as everywhere: of code that has wrong ones, nonsense is found, and no harm
 * done. What comes out is WebAssembly's deterministic profile: every NaN of arithmetic is the positive
 * canonical one.
 */
import { type Address, Addresses } from './addresses.ts';
import { Immediates } from './immediates.ts';
import type { KernelModule } from './module.ts';
import {
  dropsSegment,
  isControl,
  type LoadKind,
  leavesValue,
  loadedBy,
  mayBeNan,
  storedBy,
  touchesMemory,
} from './nan-instructions.ts';
import { type LocalSite, NanLocals, type NanSite, NO_LOCAL } from './nan-locals.ts';
import { givesOf, result, resultOf, type Shape, shape, takesOf } from './nan-roles.ts';
import { FIRM, isLoose, isMade, NUMBER, type Slot } from './nan-slot.ts';
import { type FloatLoad, laneOf, NanStores, type StoreGroup } from './nan-stores.ts';
import { op, readOpcode } from './op.ts';
import { deltaOf, imm, immediateOf } from './opcodes.ts';
import type { FunctionPlan } from './plan.ts';
import { Reader } from './reader.ts';
import { readValueType } from './value-types.ts';

interface Frame {
  opcode: number;
  height: number;
  params: number;
  results: number;
  wasLive: boolean;
}

export interface NanPlaces {
  /** Where a value on the stack is made firm. */
  sites: NanSite[];
  /** Where a local is. */
  locals: LocalSite[];
  groups: StoreGroup[];
}

export function findNanPlaces(module: KernelModule, plan: FunctionPlan): NanPlaces {
  return new NanFlow(module, plan).run();
}

class NanFlow {
  readonly #module: KernelModule;
  readonly #reader: Reader;
  readonly #immediates: Immediates;
  readonly #results: number;
  readonly #frames: Frame[] = [];
  readonly #locals: NanLocals;
  readonly #stores = new NanStores();
  /** Places that are needed whatever the locals are. */
  readonly #sites = new Map<number, Shape>();
  readonly #stack: Slot[] = [];
  /** Where each of them came onto the stack; -1 when it did not come alone. */
  readonly #born: number[] = [];
  /** What came onto the stack up to here did so before this stretch of straight code. */
  #straightFrom = 0;
  /** As long as the stack, and of use for addresses only. */
  readonly #addresses = new Addresses();
  /** What was last put into locals, in this stretch of straight code. */
  readonly #current = new Map<number, Slot>();
  #isLive = true;

  constructor(module: KernelModule, plan: FunctionPlan) {
    this.#module = module;
    this.#reader = new Reader(module.bytes, plan.codeStart, plan.codeEnd);
    this.#immediates = new Immediates(this.#reader, module);
    this.#immediates.locals = plan.locals;
    this.#results = plan.type.results.length;
    this.#locals = new NanLocals(localTypes(module, plan), plan.type.params.length);
  }

  run(): NanPlaces {
    while (!this.#reader.isAtEnd) this.#instruction();
    if (this.#isLive) this.#firmTop(this.#results);
    this.#locals.settle();
    for (const site of this.#locals.sites()) this.#sites.set(site.at, site.shape);
    const sites = Array.from(this.#sites, ([at, shape]) => ({ at, shape }));
    return { sites, locals: this.#locals.localSites(), groups: this.#stores.groups(this.#locals) };
  }

  #instruction(): void {
    const start = this.#reader.at;
    const opcode = readOpcode(this.#reader);
    const immediate = immediateOf(opcode);
    if (isControl(opcode)) this.#leaveStraightCode(opcode, start);
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
    else this.#plain(opcode, start);
  }

  #leaveStraightCode(opcode: number, at: number): void {
    this.#stores.end();
    this.#straightFrom = at;
    if (opcode === op.call || opcode === op.callIndirect) return;
    // Nobody reads a local once the function is left.
    if (this.#isLive && opcode !== op.return && opcode !== op.unreachable)
      for (const [local, value] of this.#current)
        if (isMade(value)) this.#locals.noteMade({ at, shape: value.shape, local });
    this.#current.clear();
    this.#addresses.forgetLocals();
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
    this.#born.length = this.#stack.length;
    this.#addresses.cutTo(this.#stack.length);
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
      this.#give(this.#known(index) ?? this.#got(index), this.#addresses.got(index));
      return;
    }
    const address = this.#addresses.top;
    const value = this.#pop();
    this.#addresses.put(index, address);
    this.#put(value, index);
    if (opcode !== op.localTee) return;
    this.#give(this.#known(index) ?? value, address);
  }

  /** What was put into the local in this stretch of code. Loose it may be whatever the local is. */
  #known(local: number): Slot | null {
    const value = this.#current.get(local) ?? null;
    if (value === null || !isMade(value)) return value;
    return { ...value, at: this.#reader.at, first: value.shape };
  }

  #got(local: number): Slot {
    if (!this.#locals.isTracked(local)) return FIRM;
    const shape = this.#locals.shapeOf(local);
    return { ...FIRM, shape, at: this.#reader.at, first: shape, local };
  }

  #put(value: Slot, local: number): void {
    if (!this.#locals.isTracked(local)) return;
    if (isLoose(value) && !isMade(value)) this.#current.delete(local);
    else this.#current.set(local, value);
    if (value === NUMBER) return;
    if (!isLoose(value)) {
      value.load?.locals.push(local);
      this.#locals.keepBits(local);
      return;
    }
    if (isMade(value)) {
      this.#locals.meet(local, value.shape);
      return;
    }
    // A sign that was changed would be lost in a local that is made firm later.
    if (value.isSigned) this.#locals.keepBits(local);
    if (value.shape !== shape.none) this.#locals.meet(local, value.shape);
    this.#locals.note({ at: value.at, shape: value.first }, value.local, local);
  }

  #plain(opcode: number, start: number): void {
    const { at } = this.#reader;
    this.#immediates.skip(opcode);
    if (!this.#isLive || dropsSegment(opcode)) return;
    if (opcode === op.f32Const || opcode === op.f64Const || opcode === op.v128Const) {
      this.#give(mayBeNan(this.#module.bytes.subarray(at, this.#reader.at)) ? FIRM : NUMBER);
      return;
    }
    if (opcode === op.i32Const) {
      const value = new Reader(this.#module.bytes, at).s33();
      this.#give(NUMBER, this.#addresses.constant(value));
      return;
    }
    if (opcode === op.i32Add) {
      const sum = this.#addresses.sum(this.#addresses.top, this.#addresses.next);
      this.#look(this.#pop(), shape.none);
      this.#look(this.#pop(), shape.none);
      this.#give(FIRM, sum);
      return;
    }
    if (opcode === op.drop) {
      this.#pop();
      return;
    }
    const stored = storedBy(opcode);
    if (stored !== null && this.#store(opcode, stored, start, at)) return;
    const loaded = loadedBy(opcode);
    if (loaded !== null) {
      this.#load(loaded, start, at);
      return;
    }
    if (touchesMemory(opcode)) this.#stores.end();
    const leaves = leavesValue(opcode);
    const operands: Slot[] = [];
    for (let left = Number(leaves) - deltaOf(opcode); left > 0; left--)
      operands.push(this.#look(this.#pop(), takesOf(opcode)));
    if (leaves) this.#give(this.#resultOf(opcode, operands[0] ?? FIRM));
  }

  /** False for a value whose bits are known here, or are made so before. */
  #store(opcode: number, stored: readonly Shape[], start: number, at: number): boolean {
    const value = this.#stack.at(-1);
    const addressAt = this.#bornHere(-2);
    if (value === undefined || !isLoose(value) || value.isSigned) return false;
    if (!stored.includes(value.shape) || addressAt < 0) return false;
    const address = this.#addresses.next;
    this.#pop();
    this.#look(this.#pop(), shape.none);
    if (value.local !== NO_LOCAL) this.#locals.see(value.local);
    this.#stores.store({
      start,
      end: this.#reader.at,
      opcode,
      shape: value.shape,
      addressAt,
      ...address,
      local: value.local,
      ...this.#memarg(at),
    });
    return true;
  }

  #load({ gives, lane }: LoadKind, start: number, at: number): void {
    const addressAt = this.#bornHere(-1);
    const address = this.#addresses.top;
    this.#look(this.#pop(), shape.none);
    if (!this.#stores.isOpen) {
      this.#give(FIRM);
      return;
    }
    const seen = { lane, isSafe: true, locals: [] };
    const load = { start, addressAt, ...address, ...seen, ...this.#memarg(at) };
    this.#stores.load(load);
    this.#give({ ...FIRM, shape: gives, load });
  }

  /** Where the value at this place of the stack came onto it in this stretch of code; else -1. */
  #bornHere(place: number): number {
    const at = this.#born.at(place) ?? -1;
    return at > this.#straightFrom ? at : -1;
  }

  #memarg(at: number): { alignLog2: number; offset: number } {
    const reader = new Reader(this.#module.bytes, at);
    return { alignLog2: reader.byte(), offset: reader.u32() };
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
      if (value.load !== null) return this.#divide(value, value.load, as);
      this.#locals.meet(value.local, as);
      return { ...value, shape: as };
    }
    if (value.shape === as && as !== shape.none) return value;
    this.#firm(value);
    return FIRM;
  }

  /** A vector was loaded, and here it shows of which floats it is taken to be. */
  #divide(value: Slot, load: FloatLoad, as: Shape): Slot {
    if (load.lane === 0) load.lane = laneOf(as);
    else if (load.lane !== laneOf(as)) load.isSafe = false;
    return { ...value, shape: as };
  }

  #firm({ at, first, local, load }: Slot): void {
    if (load !== null) load.isSafe = false;
    else if (local !== NO_LOCAL) {
      this.#locals.see(local);
      this.#locals.note({ at, shape: first }, local, NO_LOCAL);
    } else if (first !== shape.none) this.#sites.set(at, first);
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
    if (!this.#isLive) return FIRM;
    this.#born.pop();
    this.#addresses.pop();
    return this.#stack.pop() ?? FIRM;
  }

  #give(slot: Slot, address?: Address): void {
    this.#addresses.push(address);
    this.#stack.push(slot);
    this.#born.push(this.#reader.at);
  }

  #push(count: number): void {
    for (let i = 0; i < count && this.#isLive; i++) {
      this.#addresses.push();
      this.#stack.push(FIRM);
      // Of several only the last lies on top.
      this.#born.push(i === count - 1 ? this.#reader.at : -1);
    }
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
