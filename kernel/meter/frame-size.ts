/**
 * How much of the call stack one activation of a function takes, at most: a slot for every local,
 * for the operand stack at its highest, and for the arguments of the biggest call, all at once. Held
 * against V8's baseline and optimising compilers (11.3) with up to 1,000 locals, parameters and
 * operands of both widths; what it does not see is an optimiser that keeps a value because the code
 * computes it twice. The budget in `call-graph.ts` leaves room for that, twice over.
 */
import { valueType } from './value-types.ts';

/** Return address, frame pointer, instance and what else stands in every frame: up to 80. */
const FIXED_BYTES = 112;
export const SLOT_BYTES = 8;
export const VECTOR_SLOT_BYTES = 16;

export class FrameSize {
  #localBytes = 0;
  #argumentsMax = 0;
  /** Whether operands may be vectors. */
  usesVectors = false;

  addLocals(count: number, type: number): void {
    this.#localBytes += count * (type === valueType.v128 ? VECTOR_SLOT_BYTES : SLOT_BYTES);
  }

  seeArguments(count: number): void {
    if (count > this.#argumentsMax) this.#argumentsMax = count;
  }

  bytes(heightMax: number): number {
    const slot = this.usesVectors ? VECTOR_SLOT_BYTES : SLOT_BYTES;
    return FIXED_BYTES + this.#localBytes + (heightMax + this.#argumentsMax) * slot;
  }
}
