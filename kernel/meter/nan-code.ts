/**
 * The instructions that make the value on top of the stack firm: in place of any NaN the positive
 * canonical one, which is what arm64 and RISC-V give by themselves.
 *
 * A vector is mended without a branch, a scalar is chosen (V8 makes a branch of that). Measured against
 * it: a branch over `any_true` for vectors, which is quicker where the value is needed at once (n-body
 * 1.66 instead of 1.78) and slower where memory is the limit (matrix product 1.66 instead of 1.31);
 * and scalars in vectors without a branch (n-body 2.5).
 */
import type { CodeWriter } from './code-writer.ts';
import { type Shape, shape } from './nan-roles.ts';
import { laneOf } from './nan-stores.ts';
import { EMPTY_BLOCK, op, SIMD_BASE } from './op.ts';
import type { OwnLocals } from './own-locals.ts';
import type { KeptStore, Site } from './plan.ts';
import { valueType } from './value-types.ts';

const NAN_F32 = [0x00, 0x00, 0xc0, 0x7f];
const NAN_F64 = [0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0xf8, 0x7f];
const SIMD_PREFIX = 0xfd;

/** What a value of the shape is kept in. */
export const holderOf = (of: Shape): number => holders[of];

const holders = {
  [shape.none]: 0,
  [shape.f32]: valueType.f32,
  [shape.f64]: valueType.f64,
  [shape.f32x4]: valueType.v128,
  [shape.f64x2]: valueType.v128,
} as const;

/** `local` is of the type that holds the shape. */
export function writeFirm(out: CodeWriter, of: Shape, local: number): void {
  out.indexed(op.localTee, local);
  writeNan(out, of);
  out.indexed(op.localGet, local);
  out.indexed(op.localGet, local);
  // A NaN is not even itself. Scalars: "at most" is one jump on x86-64, "equal" would be two.
  switch (of) {
    case shape.f32:
      out.bytes(op.f32Le, op.select);
      return;
    case shape.f64:
      out.bytes(op.f64Le, op.select);
      return;
    default:
      writeOp(out, of === shape.f32x4 ? op.f32x4Eq : op.f64x2Eq);
      writeOp(out, op.v128Bitselect);
  }
}

/** The same in a local; where nobody reads it again, V8 leaves that out. */
function writeFirmLocal(out: CodeWriter, of: Shape, local: number): void {
  out.indexed(op.localGet, local);
  writeFirm(out, of, local);
  out.indexed(op.localSet, local);
}

/** Writes what stands at one of these places. */
export function writeNanSite(out: CodeWriter, site: Site, locals: OwnLocals): void {
  const { kind, shape: of = shape.none, value, type = 0, stores } = site;
  if (kind === 'nan_keep') out.indexed(op.localTee, locals.of(type, kept(value)));
  else if (kind === 'nan_local') writeFirmLocal(out, of, value);
  else if (kind === 'nan_sum') writeAddUp(out, of, loopSum(locals, of, value), locals);
  else if (stores !== undefined) writeCheckedGroup(out, stores, locals);
  else writeFirm(out, of, locals.of(holderOf(of), 'firm'));
}

const kept = (number: number): string => `kept ${number}`;

/** Adds the value on the stack to what a loop has stored so far, and leaves it there. */
function writeAddUp(out: CodeWriter, of: Shape, sum: number, locals: OwnLocals): void {
  const value = locals.of(holderOf(of), 'firm');
  out.indexed(op.localTee, value);
  out.indexed(op.localGet, sum);
  writeOp(out, arithmetic[of].add);
  out.indexed(op.localSet, sum);
  out.indexed(op.localGet, value);
}

/** One of several sums of what a loop stores. */
export const loopSum = (locals: OwnLocals, of: Shape, nth: number): number =>
  locals.of(holderOf(of), `sum ${nth} of a loop`);

/**
 * Behind a group of stores (`nan-stores.ts`):
 *
 *   block $fine
 *     block $mend
 *       [br_if $mend: a sum is NaN]     ;; a sum for each shape
 *       br $fine
 *     end
 *     [each value once more, made firm]
 *   end
 */
function writeCheckedGroup(out: CodeWriter, stores: readonly KeptStore[], locals: OwnLocals): void {
  const localOf = (type: number, number: number) => locals.of(type, kept(number));
  const shapes = [...new Set(stores.map((store) => store.shape))];
  shapes.forEach((of, nth) => {
    const values = stores.filter((store) => store.shape === of).map((store) => store.value);
    const addends = values.map((value) => localOf(holderOf(of), value));
    writeIsNan(out, of, addends, locals.of(holderOf(of), 'sum'));
    if (nth > 0) out.byte(op.i32Or);
  });
  out.bytes(op.if, EMPTY_BLOCK);
  for (const store of stores) {
    const value = localOf(holderOf(store.shape), store.value);
    out.indexed(op.localGet, localOf(valueType.i32, store.address));
    out.i32(store.plus);
    out.byte(op.i32Add);
    out.indexed(op.localGet, value);
    writeFirm(out, store.shape, value);
    writeStore(out, store.opcode, store.offset);
  }
  out.byte(op.end);
}

const arithmetic = {
  [shape.none]: {
    add: op.unreachable,
    sub: op.unreachable,
    compare: op.unreachable,
    bitmask: op.i32Eqz,
  },
  [shape.f32]: { add: op.f32Add, sub: op.f32Sub, compare: op.f32Le, bitmask: op.i32Eqz },
  [shape.f64]: { add: op.f64Add, sub: op.f64Sub, compare: op.f64Le, bitmask: op.i32Eqz },
  [shape.f32x4]: {
    add: op.f32x4Add,
    sub: op.f32x4Sub,
    compare: op.f32x4Ne,
    bitmask: op.i32x4Bitmask,
  },
  [shape.f64x2]: {
    add: op.f64x2Add,
    sub: op.f64x2Sub,
    compare: op.f64x2Ne,
    bitmask: op.i64x2Bitmask,
  },
} as const;

/** Leaves something but 0 when a value in these locals is a NaN, and most likely if two are infinite. */
export function writeIsNan(
  out: CodeWriter,
  of: Shape,
  locals: readonly number[],
  sum: number,
): void {
  const { add, compare, bitmask } = arithmetic[of];
  const [only] = locals;
  locals.forEach((local, nth) => {
    out.indexed(op.localGet, local);
    if (nth > 0) writeOp(out, add);
  });
  const isSum = locals.length > 1 || only === undefined;
  const summed = isSum ? sum : only;
  if (isSum) out.indexed(op.localTee, sum);
  out.indexed(op.localGet, summed);
  writeOp(out, compare);
  // One instruction on x86-64, unlike any_true.
  writeOp(out, bitmask);
}

/** Into the first of the locals, whose number it returns. */
export function writeTotal(out: CodeWriter, of: Shape, addends: readonly number[]): number {
  const [first = 0, ...others] = addends;
  out.indexed(op.localGet, first);
  for (const other of others) {
    out.indexed(op.localGet, other);
    writeOp(out, arithmetic[of].add);
  }
  out.indexed(op.localSet, first);
  return first;
}

/** From a sum it takes itself: that leaves nought or a NaN. */
export function writeDifference(out: CodeWriter, of: Shape, sum: number): void {
  out.indexed(op.localGet, sum);
  out.indexed(op.localGet, sum);
  writeOp(out, arithmetic[of].sub);
  out.indexed(op.localSet, sum);
}

function writeNan(out: CodeWriter, of: Shape): void {
  writeFloats(out, of, laneOf(of) === 4 ? NAN_F32 : NAN_F64);
}

export function writeZero(out: CodeWriter, of: Shape): void {
  writeFloats(out, of, new Array<number>(laneOf(of)).fill(0));
}

/** A constant, the same in each lane. */
function writeFloats(out: CodeWriter, of: Shape, float: readonly number[]): void {
  if (of === shape.f32) out.bytes(op.f32Const, ...float);
  else if (of === shape.f64) out.bytes(op.f64Const, ...float);
  else {
    writeOp(out, op.v128Const);
    for (let lane = 0; lane < 16; lane += float.length) out.bytes(...float);
  }
}

/** To an address that is not said to be aligned, which makes no difference to an engine. */
function writeStore(out: CodeWriter, opcode: number, offset: number): void {
  writeOp(out, opcode);
  out.byte(0);
  out.u32(offset);
}

export function writeOp(out: CodeWriter, opcode: number): void {
  if (opcode < SIMD_BASE) {
    out.byte(opcode);
    return;
  }
  out.byte(SIMD_PREFIX);
  out.u32(opcode - SIMD_BASE);
}
