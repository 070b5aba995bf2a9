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
import { op, SIMD_BASE } from './op.ts';
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
      writeSimd(out, of === shape.f32x4 ? op.f32x4Eq : op.f64x2Eq);
      writeSimd(out, op.v128Bitselect);
  }
}

function writeNan(out: CodeWriter, of: Shape): void {
  if (of === shape.f32) out.bytes(op.f32Const, ...NAN_F32);
  else if (of === shape.f64) out.bytes(op.f64Const, ...NAN_F64);
  else {
    writeSimd(out, op.v128Const);
    if (of === shape.f32x4) out.bytes(...NAN_F32, ...NAN_F32, ...NAN_F32, ...NAN_F32);
    else out.bytes(...NAN_F64, ...NAN_F64);
  }
}

function writeSimd(out: CodeWriter, opcode: number): void {
  out.byte(SIMD_PREFIX);
  out.u32(opcode - SIMD_BASE);
}
