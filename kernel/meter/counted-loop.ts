/**
 * Recognises loops that tell beforehand how often they will go round. Such a loop needs no counter
 * and no check inside: what it will cost is a product, and if the fuel suffices for all of it the
 * loop may run as it was written (see `counted-loop-code.ts`).
 *
 * Two shapes cover what compilers make of `for`: the test at the end, as LLVM turns loops around,
 *
 *     loop  …  (br_if 0 (i32.ne (local.get $n) (local.tee $i (i32.add (local.get $i) STEP))))  end
 *
 * and the test at the start, as AssemblyScript leaves them:
 *
 *     loop  (if (i32.lt_s (local.get $i) (local.get $n))  …  (local.set $i …)  (br 1))  end
 *
 * where … is straight code that writes neither $n nor $i, $n may be a constant, and STEP is a power
 * of two (for `i32.ne` also a negative one).
 */
import { Immediates } from './immediates.ts';
import type { KernelModule } from './module.ts';
import { EMPTY_BLOCK, op, readOpcode } from './op.ts';
import { imm, immediateOf } from './opcodes.ts';
import { Reader } from './reader.ts';

export interface CountedLoop {
  /** The local that counts, an i32. */
  counter: number;
  /** What is added to it each time round: 2^stepLog2, or its negative. */
  stepLog2: number;
  isDown: boolean;
  /** The local or the constant that the counter is compared with. */
  bound: { local: number } | { value: number };
  /** The loop goes on while the counter is not, or is less than, the bound. */
  goesOnWhile: 'not_equal' | 'less_signed' | 'less_unsigned';
  /** False when the test stands at the end, so that the body runs once at least. */
  testsFirst: boolean;
}

/** From here on a check each time round is lost in the work, and a copy of the body is dear. */
const LOOP_BYTES_MAX = 512;

interface Instruction {
  opcode: number;
  /** The local, constant or label; other immediates are not looked at. */
  operand: number;
}

/** Looks at a loop from its first byte to behind its `end`; it has been checked before. */
export function recogniseCountedLoop(
  module: KernelModule,
  locals: number,
  start: number,
  end: number,
): CountedLoop | null {
  if (end - start > LOOP_BYTES_MAX) return null;
  const reader = new Reader(module.bytes, start, end);
  const immediates = new Immediates(reader, module);
  immediates.locals = locals;
  const code: Instruction[] = [];
  const writes = new Map<number, number>();
  while (!reader.isAtEnd) {
    const instruction = readInstruction(reader, immediates);
    if (instruction === null) return null;
    code.push(instruction);
    if (instruction.opcode === op.localSet || instruction.opcode === op.localTee)
      writes.set(instruction.operand, (writes.get(instruction.operand) ?? 0) + 1);
  }
  if (code[0]?.operand !== EMPTY_BLOCK) return null;
  const loop = testAtEnd(code) ?? testAtStart(code);
  if (loop === null || writes.get(loop.counter) !== 1) return null;
  return 'local' in loop.bound && writes.has(loop.bound.local) ? null : loop;
}

/** Null for what stands in no counted loop. */
function readInstruction(reader: Reader, immediates: Immediates): Instruction | null {
  const opcode = readOpcode(reader);
  if (refused.includes(opcode)) return null;
  switch (immediateOf(opcode)) {
    case imm.local:
    case imm.label:
      return { opcode, operand: reader.u32() };
    case imm.blockType:
      return { opcode, operand: reader.byte() };
    case imm.leb32:
      return { opcode, operand: reader.s33() };
    default:
      immediates.skip(opcode);
      return { opcode, operand: 0 };
  }
}

/** … counter and bound in either order, comparison, br_if 0, end */
function testAtEnd(code: readonly Instruction[]): CountedLoop | null {
  if (!endsWith(code, [op.brIf, op.end]) || code.at(-2)?.operand !== 0) return null;
  if (code.filter(isControl).length !== 3) return null;
  const before = code.slice(0, -2);
  const comparison = before.at(-1)?.opcode;
  if (comparison === op.localTee)
    return counted(before.slice(-4), { value: 0 }, 'not_equal', false);
  const tested = before.slice(0, -1);
  const boundLast = boundOf(tested.at(-1));
  if (boundLast !== null && tested.at(-2)?.opcode === op.localTee)
    return counted(tested.slice(-5, -1), boundLast, whenLeft(comparison), false);
  const boundFirst = boundOf(tested.at(-5));
  if (boundFirst === null) return null;
  return counted(tested.slice(-4), boundFirst, whenRight(comparison), false);
}

/** loop, counter and bound in either order, comparison, if, …, br 1, end, end */
function testAtStart(code: readonly Instruction[]): CountedLoop | null {
  if (!endsWith(code, [op.br, op.end, op.end]) || code.at(-3)?.operand !== 1) return null;
  const [, left, right, comparison, branch] = code;
  if (branch?.opcode !== op.if || branch.operand !== EMPTY_BLOCK) return null;
  if (code.filter(isControl).length !== 5) return null;
  const steps = code.slice(-7, -3);
  const [counter] = steps;
  const isLeft = left?.opcode === op.localGet && left.operand === counter?.operand;
  const bound = boundOf(isLeft ? right : left);
  const other = isLeft ? left : right;
  if (bound === null || other?.opcode !== op.localGet || other.operand !== counter?.operand)
    return null;
  const goesOn = isLeft ? whenLeft(comparison?.opcode) : whenRight(comparison?.opcode);
  return goesOn === 'not_equal' ? null : counted(steps, bound, goesOn, true);
}

/** Puts it together, given `local.get i, i32.const step, i32.add, local.tee i` (or set). */
function counted(
  steps: readonly Instruction[],
  bound: CountedLoop['bound'],
  goesOnWhile: CountedLoop['goesOnWhile'] | null,
  testsFirst: boolean,
): CountedLoop | null {
  const [get, constant, sum, put] = steps;
  const isStep =
    get?.opcode === op.localGet &&
    constant?.opcode === op.i32Const &&
    (sum?.opcode === op.i32Add || sum?.opcode === op.i32Sub) &&
    put?.opcode === (testsFirst ? op.localSet : op.localTee) &&
    put.operand === get.operand;
  if (!isStep || goesOnWhile === null) return null;
  if ('local' in bound && bound.local === get.operand) return null;
  const step = sum.opcode === op.i32Add ? constant.operand : -constant.operand;
  const stepLog2 = Math.log2(Math.abs(step));
  if (!Number.isInteger(stepLog2) || stepLog2 > STEP_LOG2_MAX) return null;
  if (step < 0 && goesOnWhile !== 'not_equal') return null;
  return { counter: get.operand, stepLog2, isDown: step < 0, bound, goesOnWhile, testsFirst };
}

/** Larger strides are no counting. */
const STEP_LOG2_MAX = 16;

function boundOf(instruction: Instruction | undefined): CountedLoop['bound'] | null {
  if (instruction?.opcode === op.localGet) return { local: instruction.operand };
  if (instruction?.opcode === op.i32Const) return { value: instruction.operand };
  return null;
}

/** What a comparison means when the counter is its left operand. */
function whenLeft(opcode: number | undefined): CountedLoop['goesOnWhile'] | null {
  if (opcode === op.i32Ne) return 'not_equal';
  if (opcode === op.i32LtS) return 'less_signed';
  return opcode === op.i32LtU ? 'less_unsigned' : null;
}

/** What it means when the counter is its right operand. */
function whenRight(opcode: number | undefined): CountedLoop['goesOnWhile'] | null {
  if (opcode === op.i32Ne) return 'not_equal';
  if (opcode === op.i32GtS) return 'less_signed';
  return opcode === op.i32GtU ? 'less_unsigned' : null;
}

/** Structure and branches: of these a shape has exactly its own. */
const isControl = ({ opcode }: Instruction): boolean => opcode <= op.return && opcode !== op.nop;

/** Calls, and what takes as long as its operand says. */
const refused: readonly number[] = [
  op.brTable,
  op.call,
  op.callIndirect,
  op.memoryGrow,
  op.memoryInit,
  op.memoryCopy,
  op.memoryFill,
];

function endsWith(code: readonly Instruction[], opcodes: readonly number[]): boolean {
  return opcodes.every((opcode, i) => code.at(i - opcodes.length)?.opcode === opcode);
}
