/**
 * Whether addresses are aligned to whole floats. A value is aligned *on condition*: if the locals it hangs
 * on are. An address is a sum of such values, of constants that are multiples of a float's size, and of
 * what was shifted or masked to be a multiple.
 */
import { op } from './op.ts';

/** What it hangs on; null if it is not aligned for sure. */
export type Condition = readonly number[] | null;

export interface Factor {
  condition: Condition;
  /** Of a constant. */
  value: number | null;
}

/** Both have to be. */
export const both = (a: Condition, b: Condition): Condition =>
  a === null || b === null ? null : [...new Set([...a, ...b])];

/** Of what an instruction gives, to floats of so many bytes. */
export function conditionOf(
  opcode: number,
  [first = NOTHING, second = NOTHING]: readonly Factor[],
  lane: number,
): Condition {
  switch (opcode) {
    case op.i32Add:
    case op.i32Sub:
    case op.i32Or:
    case op.i32Xor:
    case op.select:
      return both(first.condition, second.condition);
    case op.i32And:
    case op.i32Mul:
      return second.condition ?? first.condition;
    case op.i32Shl:
      return second.value !== null && 2 ** (second.value & 31) >= lane ? [] : first.condition;
    default:
      return null;
  }
}

const NOTHING: Factor = { condition: null, value: null };
