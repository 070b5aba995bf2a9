/**
 * Every instruction a kernel may use, as data: which immediates follow it, how it changes the
 * height of the operand stack, and which weight it has. What is not here is refused. From the core specification 2.0, appendix "Index of Instructions".
 */
import { MISC_BASE, OPCODES, SIMD_BASE } from './op.ts';
import { type WeightClass, weights } from './weights.ts';

/** What follows the opcode. */
export const imm = {
  none: 0,
  blockType: 1,
  label: 2,
  labels: 3,
  call: 4,
  callIndirect: 5,
  types: 6,
  local: 7,
  global: 8,
  table: 9,
  memarg: 10,
  memory: 11,
  leb32: 12,
  leb64: 13,
  bytes4: 14,
  bytes8: 15,
  bytes16: 16,
  refType: 17,
  function: 18,
  data: 19,
  element: 20,
  dataMemory: 21,
  memoryMemory: 22,
  lane: 23,
  memargLane: 24,
} as const;
type Immediate = keyof typeof imm;

export const features = [
  'mvp',
  'sign-extension',
  'saturating-float-to-int',
  'bulk-memory',
  'reference-types',
  'simd',
  'multi-value',
  'mutable-globals',
] as const;
export type Feature = (typeof features)[number];

type Row = [first: number, last: number, Immediate, delta: number, WeightClass];

// Height changes of instructions that depend on a type (calls, blocks, branches) are 0 here and
// worked out in `scan.ts`; `if` and the branches pop their condition there too.
const plainRows: Row[] = [
  [0x00, 0x00, 'none', 0, 'plain'],
  [0x01, 0x01, 'none', 0, 'free'],
  [0x02, 0x03, 'blockType', 0, 'free'],
  [0x04, 0x04, 'blockType', 0, 'plain'],
  [0x05, 0x05, 'none', 0, 'free'],
  [0x0b, 0x0b, 'none', 0, 'free'],
  [0x0c, 0x0d, 'label', 0, 'plain'],
  [0x0e, 0x0e, 'labels', 0, 'plain'],
  [0x0f, 0x0f, 'none', 0, 'plain'],
  [0x10, 0x10, 'call', 0, 'call'],
  [0x11, 0x11, 'callIndirect', 0, 'callIndirect'],
  [0x1a, 0x1a, 'none', -1, 'free'],
  [0x1b, 0x1b, 'none', -2, 'plain'],
  [0x1c, 0x1c, 'types', -2, 'plain'],
  [0x20, 0x20, 'local', 1, 'free'],
  [0x21, 0x21, 'local', -1, 'free'],
  [0x22, 0x22, 'local', 0, 'free'],
  [0x23, 0x23, 'global', 1, 'plain'],
  [0x24, 0x24, 'global', -1, 'plain'],
  [0x25, 0x25, 'table', 0, 'plain'],
  [0x28, 0x35, 'memarg', 0, 'plain'],
  [0x36, 0x37, 'memarg', -2, 'plain'],
  [0x38, 0x39, 'memarg', -2, 'plain'],
  [0x3a, 0x3e, 'memarg', -2, 'plain'],
  [0x3f, 0x3f, 'memory', 1, 'plain'],
  [0x40, 0x40, 'memory', 0, 'grow'],
  [0x41, 0x41, 'leb32', 1, 'free'],
  [0x42, 0x42, 'leb64', 1, 'free'],
  [0x43, 0x43, 'bytes4', 1, 'free'],
  [0x44, 0x44, 'bytes8', 1, 'free'],
  // i32, i64, f32, f64 comparisons
  [0x45, 0x45, 'none', 0, 'plain'],
  [0x46, 0x4f, 'none', -1, 'plain'],
  [0x50, 0x50, 'none', 0, 'plain'],
  [0x51, 0x66, 'none', -1, 'plain'],
  // i32 arithmetic
  [0x67, 0x69, 'none', 0, 'plain'],
  [0x6a, 0x6c, 'none', -1, 'plain'],
  [0x6d, 0x70, 'none', -1, 'divide'],
  [0x71, 0x78, 'none', -1, 'plain'],
  // i64 arithmetic
  [0x79, 0x7b, 'none', 0, 'plain'],
  [0x7c, 0x7e, 'none', -1, 'plain'],
  [0x7f, 0x82, 'none', -1, 'divide'],
  [0x83, 0x8a, 'none', -1, 'plain'],
  // f32: abs neg, ceil floor trunc nearest, sqrt, add sub mul, div, min max, copysign
  [0x8b, 0x8c, 'none', 0, 'plain'],
  [0x8d, 0x90, 'none', 0, 'plain'],
  [0x91, 0x91, 'none', 0, 'floatDivide'],
  [0x92, 0x94, 'none', -1, 'plain'],
  [0x95, 0x95, 'none', -1, 'floatDivide'],
  [0x96, 0x97, 'none', -1, 'plain'],
  [0x98, 0x98, 'none', -1, 'plain'],
  // f64, in the same order
  [0x99, 0x9a, 'none', 0, 'plain'],
  [0x9b, 0x9e, 'none', 0, 'plain'],
  [0x9f, 0x9f, 'none', 0, 'floatDivide'],
  [0xa0, 0xa2, 'none', -1, 'plain'],
  [0xa3, 0xa3, 'none', -1, 'floatDivide'],
  [0xa4, 0xa5, 'none', -1, 'plain'],
  [0xa6, 0xa6, 'none', -1, 'plain'],
  // conversions and reinterpretations
  [0xa7, 0xb5, 'none', 0, 'plain'],
  [0xb6, 0xb6, 'none', 0, 'plain'],
  [0xb7, 0xba, 'none', 0, 'plain'],
  [0xbb, 0xbb, 'none', 0, 'plain'],
  [0xbc, 0xbd, 'none', 0, 'plain'],
  [0xbe, 0xbf, 'none', 0, 'plain'],
  [0xc0, 0xc4, 'none', 0, 'plain'],
  [0xd0, 0xd0, 'refType', 1, 'free'],
  [0xd1, 0xd1, 'none', 0, 'plain'],
  [0xd2, 0xd2, 'function', 1, 'plain'],
];

/** Behind 0xfc. table.init, copy, grow and fill (12, 14, 15, 17) are missing on purpose. */
const miscRows: Row[] = [
  [0, 7, 'none', 0, 'plain'],
  [8, 8, 'dataMemory', -3, 'bulk'],
  [9, 9, 'data', 0, 'plain'],
  [10, 10, 'memoryMemory', -3, 'bulk'],
  [11, 11, 'memory', -3, 'bulk'],
  [13, 13, 'element', 0, 'plain'],
  [16, 16, 'table', 1, 'plain'],
];

/** Behind 0xfd: the fixed SIMD of 2.0. From 256 on it would be relaxed SIMD. */
const simdRows: Row[] = [
  [0, 10, 'memarg', 0, 'plain'],
  [11, 11, 'memarg', -2, 'plain'],
  [12, 12, 'bytes16', 1, 'free'],
  [13, 13, 'bytes16', -1, 'plain'],
  [14, 14, 'none', -1, 'plain'],
  [15, 20, 'none', 0, 'plain'],
  // Lanes: i8x16 and i16x8 have two extractions and a replacement, the others one of each.
  [21, 22, 'lane', 0, 'plain'],
  [23, 23, 'lane', -1, 'plain'],
  [24, 25, 'lane', 0, 'plain'],
  [26, 26, 'lane', -1, 'plain'],
  [27, 27, 'lane', 0, 'plain'],
  [28, 28, 'lane', -1, 'plain'],
  [29, 29, 'lane', 0, 'plain'],
  [30, 30, 'lane', -1, 'plain'],
  [31, 31, 'lane', 0, 'plain'],
  [32, 32, 'lane', -1, 'plain'],
  [33, 33, 'lane', 0, 'plain'],
  [34, 34, 'lane', -1, 'plain'],
  // comparisons, then bitwise operations
  [35, 76, 'none', -1, 'plain'],
  [77, 77, 'none', 0, 'plain'],
  [78, 81, 'none', -1, 'plain'],
  [82, 82, 'none', -2, 'plain'],
  [83, 83, 'none', 0, 'plain'],
  [84, 87, 'memargLane', -1, 'plain'],
  [88, 91, 'memargLane', -2, 'plain'],
  [92, 93, 'memarg', 0, 'plain'],
  [94, 95, 'none', 0, 'plain'],
  // i8x16, with the roundings of f32x4 and f64x2 strewn in
  [96, 98, 'none', 0, 'plain'],
  [99, 100, 'none', 0, 'plain'],
  [101, 102, 'none', -1, 'plain'],
  [103, 106, 'none', 0, 'plain'],
  [107, 115, 'none', -1, 'plain'],
  [116, 117, 'none', 0, 'plain'],
  [118, 121, 'none', -1, 'plain'],
  [122, 122, 'none', 0, 'plain'],
  [123, 123, 'none', -1, 'plain'],
  [124, 127, 'none', 0, 'plain'],
  // i16x8
  [128, 129, 'none', 0, 'plain'],
  [130, 130, 'none', -1, 'plain'],
  [131, 132, 'none', 0, 'plain'],
  [133, 134, 'none', -1, 'plain'],
  [135, 138, 'none', 0, 'plain'],
  [139, 147, 'none', -1, 'plain'],
  [148, 148, 'none', 0, 'plain'],
  [149, 153, 'none', -1, 'plain'],
  [155, 159, 'none', -1, 'plain'],
  // i32x4
  [160, 161, 'none', 0, 'plain'],
  [163, 164, 'none', 0, 'plain'],
  [167, 170, 'none', 0, 'plain'],
  [171, 174, 'none', -1, 'plain'],
  [177, 177, 'none', -1, 'plain'],
  [181, 186, 'none', -1, 'plain'],
  [188, 191, 'none', -1, 'plain'],
  // i64x2
  [192, 193, 'none', 0, 'plain'],
  [195, 196, 'none', 0, 'plain'],
  [199, 202, 'none', 0, 'plain'],
  [203, 206, 'none', -1, 'plain'],
  [209, 209, 'none', -1, 'plain'],
  [213, 223, 'none', -1, 'plain'],
  // f32x4: abs neg, sqrt, add sub mul, div, min max pmin pmax
  [224, 225, 'none', 0, 'plain'],
  [227, 227, 'none', 0, 'floatDivide'],
  [228, 230, 'none', -1, 'plain'],
  [231, 231, 'none', -1, 'floatDivide'],
  [232, 235, 'none', -1, 'plain'],
  // f64x2, in the same order
  [236, 237, 'none', 0, 'plain'],
  [239, 239, 'none', 0, 'floatDivide'],
  [240, 242, 'none', -1, 'plain'],
  [243, 243, 'none', -1, 'floatDivide'],
  [244, 247, 'none', -1, 'plain'],
  // conversions
  [248, 255, 'none', 0, 'plain'],
];

const REFUSED = 255;
const immediates = new Uint8Array(OPCODES).fill(REFUSED);
const deltas = new Int8Array(OPCODES);
const costs = new Uint16Array(OPCODES);

for (const [base, rows] of [
  [0, plainRows],
  [MISC_BASE, miscRows],
  [SIMD_BASE, simdRows],
] as const) {
  for (const [first, last, immediate, delta, weight] of rows) {
    immediates.fill(imm[immediate], base + first, base + last + 1);
    deltas.fill(delta, base + first, base + last + 1);
    costs.fill(weights[weight], base + first, base + last + 1);
  }
}

/** Which immediates follow; null when kernels may not use the instruction. */
export function immediateOf(opcode: number): number | null {
  const immediate = immediates[opcode] ?? REFUSED;
  return immediate === REFUSED ? null : immediate;
}

export const deltaOf = (opcode: number): number => deltas[opcode] ?? 0;
export const weightOf = (opcode: number): number => costs[opcode] ?? 0;

export function featureOf(opcode: number): Feature {
  if (opcode >= SIMD_BASE) return 'simd';
  if (opcode >= MISC_BASE) {
    const misc = opcode - MISC_BASE;
    if (misc <= 7) return 'saturating-float-to-int';
    return misc === 16 ? 'reference-types' : 'bulk-memory';
  }
  if (opcode >= 0xd0 || opcode === 0x25 || opcode === 0x1c) return 'reference-types';
  return opcode >= 0xc0 ? 'sign-extension' : 'mvp';
}
