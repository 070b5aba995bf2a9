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
import type { KeptAccess, KeptGroup } from './plan.ts';
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
export function writeFirmLocal(out: CodeWriter, of: Shape, local: number): void {
  out.indexed(op.localGet, local);
  writeFirm(out, of, local);
  out.indexed(op.localSet, local);
}

/** Which local of ours holds what was kept. */
export type LocalOf = (type: number, kept: number) => number;

/**
 * Behind a group of stores (`nan-stores.ts`):
 *
 *   block $fine
 *     block $mend
 *       [br_if $mend: a sum is NaN]     ;; a sum for each shape
 *       br $fine
 *     end
 *     [trap if a load may have taken half a NaN]
 *     [each value once more, made firm]
 *   end
 */
export function writeCheckedGroup(out: CodeWriter, group: KeptGroup, localOf: LocalOf): void {
  const { stores, aligned } = group;
  const shapes = [...new Set(stores.map((store) => store.shape))];
  shapes.forEach((of, nth) => {
    const values = stores.filter((store) => store.shape === of).map((store) => store.value);
    const locals = values.map((value) => localOf(holderOf(of), value));
    writeIsNan(out, of, locals, localOf(holderOf(of), SUM));
    if (nth > 0) out.byte(op.i32Or);
  });
  out.bytes(op.if, EMPTY_BLOCK);
  if (aligned.length > 0) writeTrapUnlessAligned(out, group, localOf);
  for (const store of stores) {
    const value = localOf(holderOf(store.shape), store.value);
    writeAddress(out, store, localOf, 0);
    out.indexed(op.localGet, value);
    writeFirm(out, store.shape, value);
    writeStore(out, store.opcode, store.offset);
  }
  out.byte(op.end);
}

/** The number, among what is kept, of a sum. */
export const SUM = -1;

const arithmetic = {
  [shape.none]: { add: op.unreachable, compare: op.unreachable, bitmask: op.i32Eqz },
  [shape.f32]: { add: op.f32Add, compare: op.f32Le, bitmask: op.i32Eqz },
  [shape.f64]: { add: op.f64Add, compare: op.f64Le, bitmask: op.i32Eqz },
  [shape.f32x4]: { add: op.f32x4Add, compare: op.f32x4Ne, bitmask: op.i32x4Bitmask },
  [shape.f64x2]: { add: op.f64x2Add, compare: op.f64x2Ne, bitmask: op.i64x2Bitmask },
} as const;

/** Leaves 1 when no value in these locals is NaN, and most likely 0 when one is a NaN or two are infinite. */
function writeIsNan(out: CodeWriter, of: Shape, locals: readonly number[], sum: number): void {
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

function writeAddress(
  out: CodeWriter,
  { address, plus }: KeptAccess,
  localOf: LocalOf,
  offset: number,
): void {
  out.indexed(op.localGet, localOf(valueType.i32, address));
  out.i32((plus + offset) | 0);
  out.byte(op.i32Add);
}

/** A load may have taken half a NaN only if something is not aligned as it says. */
function writeTrapUnlessAligned(
  out: CodeWriter,
  { stores, aligned }: KeptGroup,
  localOf: LocalOf,
): void {
  const [first] = stores;
  aligned.forEach((access, nth) => {
    writeAddress(out, access, localOf, access.offset);
    if (nth > 0) out.byte(op.i32Or);
  });
  out.i32(laneOf(first?.shape ?? shape.f64) - 1);
  out.bytes(op.i32And, op.if, EMPTY_BLOCK, op.unreachable, op.end);
}

function writeNan(out: CodeWriter, of: Shape): void {
  if (of === shape.f32) out.bytes(op.f32Const, ...NAN_F32);
  else if (of === shape.f64) out.bytes(op.f64Const, ...NAN_F64);
  else {
    writeOp(out, op.v128Const);
    if (of === shape.f32x4) out.bytes(...NAN_F32, ...NAN_F32, ...NAN_F32, ...NAN_F32);
    else out.bytes(...NAN_F64, ...NAN_F64);
  }
}

/** To an address that is not said to be aligned, which makes no difference to an engine. */
function writeStore(out: CodeWriter, opcode: number, offset: number): void {
  writeOp(out, opcode);
  out.byte(0);
  out.u32(offset);
}

function writeOp(out: CodeWriter, opcode: number): void {
  if (opcode < SIMD_BASE) {
    out.byte(opcode);
    return;
  }
  out.byte(SIMD_PREFIX);
  out.u32(opcode - SIMD_BASE);
}
