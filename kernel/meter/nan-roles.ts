/**
 * What instructions do with the bits of a NaN. WebAssembly leaves open which NaN arithmetic gives:
 * the sign of 0/0 is set on x86-64 and clear on arm64, and of the sum of two NaNs a compiler may
 * take either. Such a result is *loose* here until it has been made the one NaN that all hosts
 * agree on. Every other instruction keeps the bits it is given.
 */
import { MISC_BASE, OPCODES, SIMD_BASE } from './op.ts';

/** How the bits of an operand are divided into floats; `none` for whatever is not loose. */
export const shape = { none: 0, f32: 1, f64: 2, f32x4: 3, f64x2: 4 } as const;
export type Shape = (typeof shape)[keyof typeof shape];

export const result = {
  /** Whatever it may be, its bits are the same everywhere. */
  firm: 0,
  /** Never a NaN. */
  number: 1,
  /** Arithmetic: a NaN comes out loose, whatever went in. */
  loose: 2,
  /** Its one operand, repeated or taken out of a vector: loose if that was. */
  operand: 3,
  /** The same with another sign. */
  signed: 4,
} as const;
type Result = keyof typeof result;

type Row = [
  first: number,
  last: number,
  takes: keyof typeof shape,
  Result,
  gives: keyof typeof shape,
];

// What is not listed looks at every bit of its operands and gives a firm result.
const plainRows: Row[] = [
  // comparisons
  [0x5b, 0x60, 'f32', 'number', 'none'],
  [0x61, 0x66, 'f64', 'number', 'none'],
  // abs and neg; then ceil to max, but not copysign
  [0x8b, 0x8c, 'f32', 'signed', 'f32'],
  [0x8d, 0x97, 'f32', 'loose', 'f32'],
  [0x99, 0x9a, 'f64', 'signed', 'f64'],
  [0x9b, 0xa5, 'f64', 'loose', 'f64'],
  // conversions
  [0xa8, 0xa9, 'f32', 'number', 'none'],
  [0xaa, 0xab, 'f64', 'number', 'none'],
  [0xae, 0xaf, 'f32', 'number', 'none'],
  [0xb0, 0xb1, 'f64', 'number', 'none'],
  [0xb2, 0xb5, 'none', 'number', 'none'],
  [0xb6, 0xb6, 'f64', 'loose', 'f32'],
  [0xb7, 0xba, 'none', 'number', 'none'],
  [0xbb, 0xbb, 'f32', 'loose', 'f64'],
];

/** Saturating conversions. */
const miscRows: Row[] = [
  [0, 1, 'f32', 'number', 'none'],
  [2, 3, 'f64', 'number', 'none'],
  [4, 5, 'f32', 'number', 'none'],
  [6, 7, 'f64', 'number', 'none'],
];

// pmin and pmax are missing: they choose one of their operands, as it is.
const simdRows: Row[] = [
  // splat, extract_lane
  [19, 19, 'f32', 'operand', 'f32x4'],
  [20, 20, 'f64', 'operand', 'f64x2'],
  [31, 31, 'f32x4', 'operand', 'f32'],
  [33, 33, 'f64x2', 'operand', 'f64'],
  // comparisons, whose masks are no floats: as such all their bits set are a NaN
  [65, 70, 'f32x4', 'firm', 'none'],
  [71, 76, 'f64x2', 'firm', 'none'],
  // demote, promote
  [94, 94, 'f64x2', 'loose', 'f32x4'],
  [95, 95, 'f32x4', 'loose', 'f64x2'],
  // ceil floor trunc nearest
  [103, 106, 'f32x4', 'loose', 'f32x4'],
  [116, 117, 'f64x2', 'loose', 'f64x2'],
  [122, 122, 'f64x2', 'loose', 'f64x2'],
  [148, 148, 'f64x2', 'loose', 'f64x2'],
  // abs neg, sqrt add sub mul div min max
  [224, 225, 'f32x4', 'signed', 'f32x4'],
  [227, 233, 'f32x4', 'loose', 'f32x4'],
  [236, 237, 'f64x2', 'signed', 'f64x2'],
  [239, 245, 'f64x2', 'loose', 'f64x2'],
  // conversions to integers, whose bits may be anything; those from integers give numbers, but half a number may be a NaN
  [248, 249, 'f32x4', 'firm', 'none'],
  [252, 253, 'f64x2', 'firm', 'none'],
];

const takes = new Uint8Array(OPCODES);
const results = new Uint8Array(OPCODES);
const gives = new Uint8Array(OPCODES);

for (const [base, rows] of [
  [0, plainRows],
  [MISC_BASE, miscRows],
  [SIMD_BASE, simdRows],
] as const) {
  for (const [first, last, taken, kind, given] of rows) {
    takes.fill(shape[taken], base + first, base + last + 1);
    results.fill(result[kind], base + first, base + last + 1);
    gives.fill(shape[given], base + first, base + last + 1);
  }
}

/** The operands' shape, where all NaNs of that shape are alike to the instruction. */
export const takesOf = (opcode: number): Shape => (takes[opcode] ?? 0) as Shape;
export const resultOf = (opcode: number): number => results[opcode] ?? 0;
export const givesOf = (opcode: number): Shape => (gives[opcode] ?? 0) as Shape;
export const makesLoose = (opcode: number): boolean => results[opcode] === result.loose;
