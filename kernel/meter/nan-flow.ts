/**
 * Finds where in a function a NaN is to be made the same on every host, with as few places as will do.
 *
 * The idea: what arithmetic gives is *loose* (`nan-roles.ts`), and may stay so while only arithmetic,
 * comparisons and conversions look at it, to which all NaNs are alike. Before anything else sees its
 * bits (a call, a branch with a value, integer operations) it is made firm: at the place where it came
 * onto the stack. What is stored is looked at for many stores together (`nan-stores.ts`), or behind a whole loop
 * (`nan-refills.ts`). Values that
 * arithmetic did not make are never touched, since programs move integers as floats, and put meaning
 * into the bits of a NaN.
 *
 * Locals may hold loose values, too; which do shows at the end of the function only
 * (`nan-locals.ts`), so places are noted with the locals they hang on. This file goes through the
 * instructions; what they do to a value is in `nan-values.ts`.
 *
 * Types are V8's to check, here as everywhere: of code that has wrong ones, nonsense is found, and no harm
 * done. What comes out is WebAssembly's deterministic profile: every NaN of arithmetic is the positive
 * canonical one.
 */
import type { Address } from './addresses.ts';
import { Immediates } from './immediates.ts';
import type { KernelModule } from './module.ts';
import { dropsSegment, isControl, leavesValue, mayBeNan, replacedIn } from './nan-instructions.ts';
import type { LocalSite, NanSite } from './nan-locals.ts';
import { NanMemory } from './nan-memory.ts';
import { NanOperands } from './nan-operands.ts';
import type { Refill } from './nan-refills.ts';
import { type Shape, shape, takesOf } from './nan-roles.ts';
import { FIRM, isLoose, NUMBER, type Slot } from './nan-slot.ts';
import type { StoreGroup } from './nan-stores.ts';
import { NanValues, resultFrom } from './nan-values.ts';
import { op, readOpcode } from './op.ts';
import { deltaOf, imm, immediateOf } from './opcodes.ts';
import type { FunctionPlan } from './plan.ts';
import { Reader } from './reader.ts';
import { localTypes } from './value-types.ts';

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
  refills: Refill[];
}

export function findNanPlaces(module: KernelModule, plan: FunctionPlan): NanPlaces {
  return new NanFlow(module, plan).run();
}

class NanFlow {
  readonly #module: KernelModule;
  readonly #plan: FunctionPlan;
  readonly #reader: Reader;
  readonly #immediates: Immediates;
  readonly #results: number;
  readonly #frames: Frame[] = [];
  readonly #values: NanValues;
  readonly #operands = new NanOperands();
  readonly #memory: NanMemory;

  constructor(module: KernelModule, plan: FunctionPlan) {
    this.#module = module;
    this.#plan = plan;
    this.#reader = new Reader(module.bytes, plan.codeStart, plan.codeEnd);
    this.#immediates = new Immediates(this.#reader, module);
    this.#immediates.locals = plan.locals;
    this.#results = plan.type.results.length;
    this.#values = new NanValues(localTypes(module.bytes, plan), plan.type.params.length);
    this.#memory = new NanMemory(module.bytes, this.#operands, this.#values);
  }

  run(): NanPlaces {
    while (!this.#reader.isAtEnd) this.#instruction();
    this.#firmTop(this.#results);
    const places = this.#values.sites();
    const { locals } = this.#values;
    const refills = this.#memory.refills.refills(this.#module, this.#plan, locals);
    const seenTo = new Set(refills.flatMap(({ stores }) => stores));
    return { ...places, groups: this.#memory.stores.groups(locals, seenTo), refills };
  }

  #instruction(): void {
    const start = this.#reader.at;
    const opcode = readOpcode(this.#reader);
    const immediate = immediateOf(opcode);
    if (isControl(opcode)) this.#leaveStraightCode(opcode, start);
    switch (immediate) {
      case imm.blockType:
        this.#enter(opcode, start);
        return;
      case imm.label:
        this.#branch(opcode);
        return;
      case imm.labels:
        this.#pop();
        for (let left = this.#reader.u32(); left >= 0; left--) this.#firmFor(this.#reader.u32());
        this.#operands.isLive = false;
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
    this.#memory.stores.end();
    this.#operands.straightFrom = at;
    if (opcode === op.call || opcode === op.callIndirect) return;
    const leaves = !this.#isLive || opcode === op.return || opcode === op.unreachable;
    this.#values.endStraightCode(at, leaves);
    this.#operands.addresses.forgetLocals();
  }

  /** nop, unreachable, else, end, return. */
  #structure(opcode: number): void {
    if (opcode === op.return) {
      this.#memory.refills.refuse();
      this.#firmTop(this.#results);
    }
    if (opcode === op.return || opcode === op.unreachable) this.#operands.isLive = false;
    if (opcode !== op.else && opcode !== op.end) return;
    const frame = this.#frames.pop();
    if (frame === undefined) return;
    this.#firmTop(frame.results);
    this.#operands.isLive = frame.wasLive;
    if (frame.opcode === op.loop && frame.wasLive) this.#memory.refills.leave(this.#reader.at);
    this.#operands.cutTo(frame.height);
    const isElse = opcode === op.else;
    if (isElse) this.#frames.push({ ...frame, opcode });
    this.#operands.pushFirm(isElse ? frame.params : frame.results, this.#reader.at);
  }

  #enter(opcode: number, start: number): void {
    if (opcode === op.loop && this.#isLive) this.#memory.refills.enter(start);
    const { params, results } = this.#immediates.blockType();
    if (opcode === op.if) this.#pop();
    this.#firmTop(params);
    const height = Math.max(0, this.#operands.length - (this.#isLive ? params : 0));
    this.#frames.push({ opcode, height, params, results, wasLive: this.#isLive });
  }

  #branch(opcode: number): void {
    if (opcode === op.brIf) this.#pop();
    this.#firmFor(this.#reader.u32());
    if (opcode === op.br) this.#operands.isLive = false;
  }

  /** What a branch to this label takes along. */
  #firmFor(label: number): void {
    const frame = this.#frames.at(-1 - label);
    if (frame === undefined) this.#firmTop(this.#results);
    else this.#firmTop(frame.opcode === op.loop ? frame.params : frame.results);
  }

  #call(type: { params: Uint8Array; results: Uint8Array } | undefined): void {
    const { length } = type?.params ?? [];
    this.#memory.refills.refuse();
    this.#firmTop(length);
    for (let i = 0; i < length; i++) this.#pop();
    this.#operands.pushFirm(type?.results.length ?? 0, this.#reader.at);
  }

  #local(opcode: number, index: number): void {
    if (!this.#isLive) return;
    const { at } = this.#reader;
    const { addresses } = this.#operands;
    if (opcode === op.localGet) {
      this.#operands.push(this.#values.get(index, at), at, addresses.got(index));
      return;
    }
    const address = addresses.top;
    const value = this.#pop();
    addresses.put(index, address);
    const left = this.#values.tee(value, index, at);
    if (opcode === op.localTee) this.#operands.push(left, at, address);
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
      this.#give(NUMBER, this.#operands.addresses.constant(value));
      return;
    }
    if (opcode === op.i32Add) {
      const { addresses } = this.#operands;
      const sum = addresses.sum(addresses.top, addresses.next);
      this.#lookAtTop(shape.none);
      this.#lookAtTop(shape.none);
      this.#give(FIRM, sum);
      return;
    }
    if (opcode === op.drop) {
      this.#pop();
      return;
    }
    if (this.#memory.touch({ opcode, start, at, end: this.#reader.at })) return;
    const replaced = replacedIn(opcode);
    if (replaced !== null && this.#replace(replaced)) return;
    const leaves = leavesValue(opcode);
    const operands: Slot[] = [];
    for (let left = Number(leaves) - deltaOf(opcode); left > 0; left--)
      operands.push(this.#lookAtTop(takesOf(opcode)));
    if (leaves) this.#give(resultFrom(opcode, operands, this.#reader.at));
  }

  /** One lane of what was loaded; false where something was computed. */
  #replace({ whole, part }: { whole: Shape; part: Shape }): boolean {
    const lane = this.#operands.at(-1);
    const vector = this.#operands.at(-2);
    if (isLoose(lane) || isLoose(vector)) return false;
    const loads = [...this.#lookAtTop(part).loads, ...this.#lookAtTop(whole).loads];
    this.#give(loads.length === 0 ? FIRM : { ...FIRM, shape: whole, loads });
    return true;
  }

  /** So many values leave this place, by whatever way. */
  #firmTop(count: number): void {
    for (const value of this.#operands.takeTop(count))
      if (value !== NUMBER) this.#values.firm(value);
  }

  get #isLive(): boolean {
    return this.#operands.isLive;
  }

  #pop(): Slot {
    return this.#operands.pop();
  }

  #lookAtTop(as: Shape): Slot {
    return this.#values.look(this.#pop(), as);
  }

  #give(slot: Slot, address?: Address): void {
    this.#operands.push(slot, this.#reader.at, address);
  }
}
