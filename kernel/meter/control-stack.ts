/**
 * Where in a function we are, as validation sees it: the blocks around this place, and how many
 * operands lie on the stack. Only heights are followed, not types; callers leave unreachable code
 * out, where the stack may have any height.
 */
import type { Site } from './plan.ts';
import type { Reader } from './reader.ts';

export interface Frame {
  opcode: number;
  /** The point of the flow graph that branches to it lead to. */
  label: number;
  isReached: boolean;
  /** Whether the code before it was reachable. */
  wasLive: boolean;
  /** Of an `if`: where its else begins, or the way past it. */
  elsePoint: number;
  /** Height of the operand stack below its parameters. */
  base: number;
  params: number;
  results: number;
  /** Of a loop that can be reached; else null. */
  loop: { start: number; headBlock: number; entry: Site } | null;
}

export class ControlStack {
  readonly #reader: Reader;
  readonly #frames: Frame[] = [];
  /** Of the innermost frame. */
  #base = 0;
  height = 0;
  heightMax = 0;

  constructor(reader: Reader) {
    this.#reader = reader;
  }

  /** How many labels enclose this place, the function's own among them. */
  get depth(): number {
    return this.#frames.length;
  }

  enter(frame: Frame): void {
    this.#frames.push(frame);
    this.#base = frame.base;
  }

  /** Leaves the innermost block with its results on the stack. */
  leave(): void {
    const frame = this.#frames.pop();
    if (frame !== undefined) this.height = frame.base + frame.results;
    this.#base = this.innermost?.base ?? 0;
  }

  get innermost(): Frame | undefined {
    return this.#frames.at(-1);
  }

  /** The frame that the label read here names: 0 is the innermost. */
  readLabel(): Frame {
    const at = this.#reader.at;
    const label = this.#reader.u32();
    const frame = this.#frames[this.#frames.length - 1 - label];
    if (frame === undefined) this.#reader.refuse('malformed', `There is no label ${label}.`, at);
    return frame;
  }

  /** Changes the height; below the innermost block there is nothing to take. */
  push(values: number, at: number): void {
    this.height += values;
    if (this.height < this.#base)
      this.#reader.refuse('malformed', 'The instruction needs more operands than there are.', at);
    if (this.height > this.heightMax) this.heightMax = this.height;
  }

  expectResults(frame: Frame, at: number): void {
    if (this.height !== frame.base + frame.results)
      this.#reader.refuse('malformed', 'A block ends with operands too many or too few.', at);
  }
}
