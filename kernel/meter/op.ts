/**
 * Numbers of the instructions that the meter writes or looks at. Those behind a prefix byte get
 * numbers above the plain ones: 0xfc from 256, 0xfd from 512.
 */
import type { Reader } from './reader.ts';

export const MISC_BASE = 256;
export const SIMD_BASE = 512;
export const OPCODES = 768;

const PREFIX_MISC = 0xfc;
const PREFIX_SIMD = 0xfd;

export const op = {
  unreachable: 0x00,
  nop: 0x01,
  block: 0x02,
  loop: 0x03,
  if: 0x04,
  else: 0x05,
  end: 0x0b,
  br: 0x0c,
  brIf: 0x0d,
  brTable: 0x0e,
  return: 0x0f,
  call: 0x10,
  callIndirect: 0x11,
  drop: 0x1a,
  select: 0x1b,
  localGet: 0x20,
  localSet: 0x21,
  localTee: 0x22,
  globalGet: 0x23,
  globalSet: 0x24,
  f32Load: 0x2a,
  f64Load: 0x2b,
  f32Store: 0x38,
  f64Store: 0x39,
  memorySize: 0x3f,
  memoryGrow: 0x40,
  i32Const: 0x41,
  i64Const: 0x42,
  f32Const: 0x43,
  f64Const: 0x44,
  i32Eqz: 0x45,
  i32Eq: 0x46,
  i32Ne: 0x47,
  i32LtS: 0x48,
  i32LtU: 0x49,
  i32GtS: 0x4a,
  i32GtU: 0x4b,
  i64LtS: 0x53,
  i64GtS: 0x55,
  i64GtU: 0x56,
  i64LeS: 0x57,
  i64GeS: 0x59,
  i64GeU: 0x5a,
  f32Le: 0x5f,
  f64Le: 0x65,
  f32Add: 0x92,
  f32Sub: 0x93,
  f64Add: 0xa0,
  f64Sub: 0xa1,
  i32Clz: 0x67,
  i32Add: 0x6a,
  i32Sub: 0x6b,
  i32Mul: 0x6c,
  i32And: 0x71,
  i32Or: 0x72,
  i32Xor: 0x73,
  i32Shl: 0x74,
  i32Rotr: 0x78,
  i64Add: 0x7c,
  i64Sub: 0x7d,
  i64Mul: 0x7e,
  i64Shl: 0x86,
  i64ShrS: 0x87,
  i64ShrU: 0x88,
  i64Rotr: 0x8a,
  i32WrapI64: 0xa7,
  i64ExtendI32S: 0xac,
  i64ExtendI32U: 0xad,
  i32Extend8S: 0xc0,
  i64Extend32S: 0xc4,
  refNull: 0xd0,
  refFunc: 0xd2,
  memoryInit: MISC_BASE + 8,
  memoryCopy: MISC_BASE + 10,
  memoryFill: MISC_BASE + 11,
  v128Load: SIMD_BASE,
  v128Load32Splat: SIMD_BASE + 9,
  v128Load64Splat: SIMD_BASE + 10,
  v128Store: SIMD_BASE + 11,
  v128Const: SIMD_BASE + 12,
  f32x4ReplaceLane: SIMD_BASE + 32,
  f64x2ReplaceLane: SIMD_BASE + 34,
  f32x4Eq: SIMD_BASE + 65,
  f64x2Eq: SIMD_BASE + 71,
  f32x4Ne: SIMD_BASE + 66,
  f64x2Ne: SIMD_BASE + 72,
  v128Bitselect: SIMD_BASE + 82,
  v128Load32Zero: SIMD_BASE + 92,
  v128Load64Zero: SIMD_BASE + 93,
  i32x4Bitmask: SIMD_BASE + 164,
  i64x2Bitmask: SIMD_BASE + 196,
  f32x4Add: SIMD_BASE + 228,
  f32x4Sub: SIMD_BASE + 229,
  f64x2Add: SIMD_BASE + 240,
  f64x2Sub: SIMD_BASE + 241,
} as const;

/** The type of a block that takes and leaves nothing. */
export const EMPTY_BLOCK = 0x40;

export function readOpcode(reader: Reader): number {
  const first = reader.byte();
  if (first === PREFIX_MISC) return MISC_BASE + Math.min(reader.u32(), SIMD_BASE - MISC_BASE - 1);
  // All of relaxed SIMD, from 256 on, has the number behind the last.
  return first === PREFIX_SIMD ? Math.min(SIMD_BASE + reader.u32(), OPCODES) : first;
}
