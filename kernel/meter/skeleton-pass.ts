/**
 * Goes through the integers of a loop once: to find out whether it has a skeleton (`skeleton.ts`), or to write
 * that. It follows the operand stack, on which every value is known, hanging on integers alone, or not;
 * instructions whose operands are all known are kept, and the others leave nothing but what takes their
 * known operands off the stack.
 */
import { type Condition, conditionOf } from './alignment.ts';
import type { CodeWriter } from './code-writer.ts';
import { Immediates } from './immediates.ts';
import { type LocalsState, type LoopFacts, LoopLocals } from './loop-locals.ts';
import type { KernelModule } from './module.ts';
import { leavesValue, loadedBy, storedBy, touchesMemory } from './nan-instructions.ts';
import { EMPTY_BLOCK, op, readOpcode } from './op.ts';
import { deltaOf, imm, immediateOf } from './opcodes.ts';
import { Reader } from './reader.ts';
import { type FunctionBody, localTypes, valueType } from './value-types.ts';

export interface LoopRange {
  /** Of the instruction `loop`. */
  start: number;
  /** Behind its `end`. */
  end: number;
}

/** Whether all turns are gone through, or one. */
export type Scope = 'all_turns' | 'last_turn';

export interface Loop extends LoopRange {
  /** Bytes of a float. */
  lane: number;
  scope: Scope;
}

/** How a skeleton is written. */
export interface SkeletonOutput {
  code: CodeWriter;
  /** Our local in place of one that the loop sets. */
  localFor(local: number, type: number): number;
  /** Gets to the stack where a float was stored, and takes it away. */
  look(opcode: number, offset: number): void;
}

/** A value on the stack; those that are not known are not there when a turn is written. */
interface Operand {
  /** It hangs on nothing but what the loop found. */
  isKnown: boolean;
  condition: Condition;
  /** Of a constant. */
  value: number | null;
}

interface Frame {
  opcode: number;
  start: number;
  height: number;
  wasLive: boolean;
  /** Of an `if`, how things are when it is left out. */
  entry: LocalsState | null;
  /** On all the ways that lead behind it. */
  exit: LocalsState | null;
}

const UNKNOWN: Operand = { isKnown: false, condition: null, value: null };

/** Goes through the loop once. */
export class SkeletonPass {
  readonly #module: KernelModule;
  readonly #loop: Loop;
  readonly #written: ReadonlySet<number>;
  readonly #out: SkeletonOutput | null;
  readonly #reader: Reader;
  readonly #immediates: Immediates;
  readonly #types: readonly number[];
  readonly #stack: Operand[] = [];
  readonly #frames: Frame[] = [];
  #isLive = true;
  #isFit = true;
  readonly locals: LoopLocals;
  readonly kept = new Set<number>();

  constructor(
    module: KernelModule,
    body: FunctionBody,
    loop: Loop,
    facts: LoopFacts,
    out: SkeletonOutput | null,
  ) {
    this.#module = module;
    this.#loop = loop;
    this.#written = facts.written.get(loop.start) ?? new Set();
    this.locals = new LoopLocals(facts);
    this.#out = out;
    this.#reader = new Reader(module.bytes, loop.start, loop.end);
    this.#immediates = new Immediates(this.#reader, module);
    this.#immediates.locals = body.locals;
    this.#types = localTypes(module.bytes, body);
  }

  get #goesThroughAll(): boolean {
    return this.#loop.scope === 'all_turns';
  }

  /** False if the loop is not of the kind. */
  run(): boolean {
    while (this.#isFit && !this.#reader.isAtEnd) this.#instruction();
    return this.#isFit;
  }

  #instruction(): void {
    const start = this.#reader.at;
    const opcode = readOpcode(this.#reader);
    switch (immediateOf(opcode)) {
      case imm.blockType:
        this.#enter(opcode, start);
        return;
      case imm.label:
        this.#branch(opcode, start);
        return;
      case imm.labels:
        this.#branchTable(start);
        return;
      case imm.local:
        this.#local(opcode, this.#reader.u32());
        return;
      case imm.none:
        if (opcode <= op.return) {
          this.#structure(opcode);
          return;
        }
    }
    this.#plain(opcode, start);
  }

  #enter(opcode: number, start: number): void {
    if (this.#reader.byte() !== EMPTY_BLOCK) this.#isFit = false;
    if (opcode === op.if) this.#decide(this.#pop());
    const isOnce = this.#frames.length === 0 && !this.#goesThroughAll;
    this.#write(isOnce ? op.block : opcode, EMPTY_BLOCK);
    this.#frames.push({
      opcode,
      start,
      height: this.#stack.length,
      wasLive: this.#isLive,
      entry: opcode === op.if ? this.locals.save() : null,
      exit: null,
    });
    if (opcode !== op.loop || !this.#isLive) return;
    this.locals.enterLoop(start);
    if (isOnce) this.locals.forgetTurns(start);
  }

  /** Which way to go must be known, or the loop is not fit. */
  #decide(condition: Operand): void {
    if (this.#isLive && !condition.isKnown) this.#isFit = false;
  }

  #branch(opcode: number, start: number): void {
    const label = this.#reader.u32();
    const condition = opcode === op.brIf ? this.#pop() : null;
    if (!this.#isLive) return;
    const isLast = this.#frames.length === 1 && this.#reader.peek() === op.end;
    if (label === 0 && condition !== null && isLast && !this.#goesThroughAll) {
      this.locals.goToHead(this.#loop.start);
      this.#dropAll([condition]);
      return;
    }
    if (condition !== null) this.#decide(condition);
    this.#goTo(label);
    this.#copy(start);
    if (opcode === op.br) this.#isLive = false;
  }

  #branchTable(start: number): void {
    this.#decide(this.#pop());
    for (let left = this.#reader.u32(); left >= 0; left--) this.#goTo(this.#reader.u32());
    this.#copy(start);
    this.#isLive = false;
  }

  /** Not out of the loop; nor back to its head, if one turn is to do, but from its end. */
  #goTo(label: number): void {
    if (!this.#isLive) return;
    const frame = this.#frames.at(-1 - label);
    const isBack = label === this.#frames.length - 1;
    if (frame === undefined || (isBack && !this.#goesThroughAll)) this.#isFit = false;
    else if (frame.opcode === op.loop) this.locals.goToHead(frame.start);
    else frame.exit = this.locals.joined(frame.exit);
  }

  /** nop, unreachable, else, end, return. */
  #structure(opcode: number): void {
    if (opcode === op.return && this.#isLive) this.#isFit = false;
    if (opcode === op.unreachable) this.#write(opcode);
    if (opcode === op.unreachable || opcode === op.return) this.#isLive = false;
    if (opcode !== op.else && opcode !== op.end) return;
    const frame = this.#frames.pop();
    if (frame === undefined) return;
    if (this.#isLive && frame.opcode !== op.loop) frame.exit = this.locals.joined(frame.exit);
    this.#isLive = frame.wasLive;
    this.#stack.length = Math.min(this.#stack.length, frame.height);
    this.#write(opcode);
    if (frame.entry !== null) this.locals.restore(frame.entry);
    if (opcode === op.else) {
      this.#frames.push({ ...frame, opcode, entry: null });
      return;
    }
    if (frame.entry !== null) frame.exit = this.locals.joined(frame.exit);
    if (frame.exit !== null) this.locals.restore(frame.exit);
  }

  #local(opcode: number, local: number): void {
    if (!this.#isLive) return;
    if (opcode === op.localGet) {
      const { condition, isKnown: isHeld, isFromBefore } = this.locals.get(local);
      const isKnown = isHeld && this.#isInteger(local);
      if (isKnown && isFromBefore && this.#written.has(local)) this.kept.add(local);
      if (isKnown) this.#access(opcode, local);
      this.#stack.push({ isKnown, condition, value: null });
      return;
    }
    const value = this.#pop();
    this.locals.set(local, value.isKnown, value.condition);
    if (value.isKnown) this.#access(opcode, local);
    if (opcode === op.localTee) this.#stack.push({ ...value, value: null });
  }

  #access(opcode: number, local: number): void {
    if (this.#out === null) return;
    const isOurs = this.#written.has(local);
    const type = this.#types[local] ?? 0;
    this.#out.code.indexed(opcode, isOurs ? this.#out.localFor(local, type) : local);
  }

  #isInteger(local: number): boolean {
    const type = this.#types[local];
    return type === valueType.i32 || type === valueType.i64;
  }

  #plain(opcode: number, start: number): void {
    const { at } = this.#reader;
    if (isRefused(opcode)) {
      this.#isFit = false;
      return;
    }
    this.#immediates.skip(opcode);
    if (!this.#isLive) return;
    if (opcode === op.i32Const || opcode === op.i64Const) {
      this.#copy(start);
      const value = opcode === op.i32Const ? new Reader(this.#module.bytes, at).s33() : null;
      const isMultiple = value !== null && value % this.#loop.lane === 0;
      this.#stack.push({ isKnown: true, condition: isMultiple ? [] : null, value });
      return;
    }
    if (opcode === op.drop || opcode === op.globalSet) this.#dropAll([this.#pop()]);
    else if (storedBy(opcode) !== null) this.#store(opcode, at);
    else if (loadedBy(opcode) !== null) this.#load(at);
    else if (touchesMemory(opcode)) this.#isFit = false;
    else this.#compute(opcode, start);
  }

  #compute(opcode: number, start: number): void {
    const leaves = leavesValue(opcode);
    const operands: Operand[] = [];
    for (let left = Number(leaves) - deltaOf(opcode); left > 0; left--)
      operands.unshift(this.#pop());
    const isKnown = isOfIntegers(opcode) && operands.every((each) => each.isKnown);
    if (isKnown) this.#copy(start);
    else this.#dropAll(operands);
    const condition = conditionOf(opcode, operands, this.#loop.lane);
    if (leaves) this.#stack.push({ isKnown, condition, value: null });
  }

  #store(opcode: number, at: number): void {
    this.#pop();
    const address = this.#pop();
    this.#decide(address);
    const offset = this.#offset(address, at);
    this.#out?.look(opcode, offset);
  }

  #load(at: number): void {
    const address = this.#pop();
    this.#offset(address, at);
    this.#dropAll([address]);
    this.#stack.push(UNKNOWN);
  }

  /** Of an access, which has to be aligned. */
  #offset({ condition }: Operand, at: number): number {
    const reader = new Reader(this.#module.bytes, at);
    reader.byte();
    const offset = reader.u32();
    const isAligned = condition !== null && offset % this.#loop.lane === 0;
    if (this.#out === null && !isAligned) this.#isFit = false;
    this.locals.want(condition);
    return offset;
  }

  #pop(): Operand {
    return (this.#isLive ? this.#stack.pop() : null) ?? UNKNOWN;
  }

  #dropAll(operands: readonly Operand[]): void {
    for (const { isKnown } of operands) if (isKnown) this.#write(op.drop);
  }

  #copy(start: number): void {
    if (this.#isLive) this.#out?.code.copy(this.#module.bytes, start, this.#reader.at);
  }

  #write(...bytes: number[]): void {
    if (this.#isLive) this.#out?.code.bytes(...bytes);
  }
}

/** Of integers it gives an integer; of a choice between integers it is one, too. */
const isOfIntegers = (opcode: number): boolean =>
  opcode === op.select ||
  opcode === op.i32WrapI64 ||
  opcode === op.i64ExtendI32S ||
  opcode === op.i64ExtendI32U ||
  (opcode >= op.i32Eqz && opcode <= op.i64GeU) ||
  (opcode >= op.i32Clz && opcode <= op.i64Rotr) ||
  (opcode >= op.i32Extend8S && opcode <= op.i64Extend32S);

/** Calls, and what would be done twice. */
function isRefused(opcode: number): boolean {
  const immediate = immediateOf(opcode);
  return (
    immediate === imm.call ||
    immediate === imm.callIndirect ||
    immediate === imm.data ||
    immediate === imm.element
  );
}
