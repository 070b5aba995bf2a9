/** What the flow of NaNs (`nan-flow.ts`) asks of an instruction beside its role. */
import { type Shape, shape } from './nan-roles.ts';
import { op } from './op.ts';
import { deltaOf, imm, immediateOf } from './opcodes.ts';

/** data.drop and elem.drop touch no operand. */
export const dropsSegment = (opcode: number): boolean =>
  immediateOf(opcode) === imm.data || immediateOf(opcode) === imm.element;

/** Whether the instruction leaves a value, which nothing with a type of its own does here. */
export function leavesValue(opcode: number): boolean {
  const delta = deltaOf(opcode);
  if (delta >= 0) return true;
  if (delta === -1) return opcode !== op.drop && opcode !== op.globalSet;
  // Stores take two and leave none; select and bitselect take three.
  const immediate = immediateOf(opcode);
  return delta === -2 && immediate !== imm.memarg && immediate !== imm.memargLane;
}

/** Whether these bytes, divided into floats in any way, have one with all bits of its exponent set. */
export function mayBeNan(bytes: Uint8Array): boolean {
  return bytes.some((byte, nth) => (byte & 0x7f) === 0x7f && ((bytes[nth - 1] ?? 0) & 0x80) !== 0);
}

/** Structure, branches and calls: straight code ends here. */
export function isControl(opcode: number): boolean {
  const immediate = immediateOf(opcode);
  return (
    (immediate === imm.none && opcode <= op.return && opcode !== op.nop) ||
    immediate === imm.blockType ||
    immediate === imm.label ||
    immediate === imm.labels ||
    immediate === imm.call ||
    immediate === imm.callIndirect
  );
}

const memoryImmediates: readonly (number | null)[] = [
  imm.memarg,
  imm.memargLane,
  imm.memory,
  imm.memoryMemory,
  imm.dataMemory,
];
export const touchesMemory = (opcode: number): boolean =>
  memoryImmediates.includes(immediateOf(opcode));

/** The shapes that whole values may have which the instruction stores. */
export const storedBy = (opcode: number): readonly Shape[] | null => stores.get(opcode) ?? null;
const stores = new Map<number, readonly Shape[]>([
  [op.f32Store, [shape.f32]],
  [op.f64Store, [shape.f64]],
  [op.v128Store, [shape.f32x4, shape.f64x2]],
]);

export interface LoadKind {
  gives: Shape;
  /** Bytes of a float, where the instruction says it. */
  lane: number;
}

export const loadedBy = (opcode: number): LoadKind | null => loads.get(opcode) ?? null;
const loads = new Map<number, LoadKind>([
  [op.f32Load, { gives: shape.f32, lane: 4 }],
  [op.f64Load, { gives: shape.f64, lane: 8 }],
  [op.v128Load, { gives: shape.none, lane: 0 }],
  [op.v128Load32Splat, { gives: shape.f32x4, lane: 4 }],
  [op.v128Load64Splat, { gives: shape.f64x2, lane: 8 }],
  [op.v128Load32Zero, { gives: shape.f32x4, lane: 4 }],
  [op.v128Load64Zero, { gives: shape.f64x2, lane: 8 }],
]);

/** Shapes of a vector and of the one float that is put into it. */
export const replacedIn = (opcode: number): { whole: Shape; part: Shape } | null =>
  replacements.get(opcode) ?? null;
const replacements = new Map([
  [op.f32x4ReplaceLane, { whole: shape.f32x4, part: shape.f32 }],
  [op.f64x2ReplaceLane, { whole: shape.f64x2, part: shape.f64 }],
]);
