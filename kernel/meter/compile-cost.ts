/** Counts what makes a function dear to compile, and refuses what is too dear. See `limits.ts`. */
import { kernelLimits } from './limits.ts';
import type { Reader } from './reader.ts';

/** What a loop costs a compiler beside its locals, counted in locals. */
const LOOP_STATE_FIXED = 16;

export class CompileCost {
  readonly #reader: Reader;
  #locals = 0;
  #loops = 0;
  /** Locals times control instructions. */
  controlState = 0;
  /** Locals times loops. */
  loopState = 0;

  constructor(reader: Reader) {
    this.#reader = reader;
  }

  addLocals(count: number, at: number): void {
    this.#locals += count;
    this.#limit(this.#locals, kernelLimits.localsMax, 'locals in a function', at);
  }

  addControl(at: number): void {
    this.controlState += this.#locals;
    this.#limit(this.controlState, kernelLimits.controlStateMax, CONTROL_STATE, at);
  }

  addBlock(nesting: number, at: number): void {
    this.addControl(at);
    this.#limit(nesting, kernelLimits.nestingMax, 'blocks within each other', at);
  }

  addLoop(nesting: number, at: number): void {
    this.loopState += this.#locals + LOOP_STATE_FIXED;
    this.#limit(this.loopState, kernelLimits.loopStateMax, LOOP_STATE, at);
    this.#limit(++this.#loops, kernelLimits.loopsMax, 'loops in a function', at);
    this.#limit(nesting, kernelLimits.loopNestingMax, 'loops within each other', at);
  }

  #limit(value: number, max: number, what: string, at: number): void {
    if (value > max) this.#reader.refuse('limit_exceeded', `Over ${max} ${what}.`, at);
  }
}

export const CONTROL_STATE = 'locals times control instructions';
export const LOOP_STATE = 'locals times loops';
