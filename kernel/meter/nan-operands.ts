/**
 * The operand stack as `nan-flow.ts` follows it: of each value what is known of its NaNs, where it came onto
 * the stack, and, if it is an address, what it came of. Nothing is put on it or taken off in code that
 * cannot be reached.
 */
import { type Address, Addresses } from './addresses.ts';
import { FIRM, type Slot } from './nan-slot.ts';

export class NanOperands {
  readonly #slots: Slot[] = [];
  /** Where each of them came onto the stack; -1 when it did not come alone. */
  readonly #born: number[] = [];
  /** What came onto the stack up to here did so before this stretch of straight code. */
  straightFrom = 0;
  /** As long as the stack, and of use for addresses only. */
  readonly addresses = new Addresses();
  isLive = true;

  get length(): number {
    return this.#slots.length;
  }

  /** -1 is the one on top. */
  at(place: number): Slot {
    return this.#slots.at(place) ?? FIRM;
  }

  /** Where the value at this place came onto the stack in this stretch of straight code; else -1. */
  bornAt(place: number): number {
    const at = this.#born.at(place) ?? -1;
    return at > this.straightFrom ? at : -1;
  }

  push(slot: Slot, at: number, address?: Address): void {
    if (!this.isLive) return;
    this.addresses.push(address);
    this.#slots.push(slot);
    this.#born.push(at);
  }

  /** Results of a block or call, whose bits are the same everywhere. */
  pushFirm(count: number, at: number): void {
    // Of several only the last lies on top.
    for (let left = count; left > 0; left--) this.push(FIRM, left === 1 ? at : -1);
  }

  pop(): Slot {
    if (!this.isLive) return FIRM;
    this.#born.pop();
    this.addresses.pop();
    return this.#slots.pop() ?? FIRM;
  }

  /** So many leave this place, by whatever way, and are firm from here on. */
  takeTop(count: number): Slot[] {
    if (!this.isLive) return [];
    const lowest = Math.max(0, this.#slots.length - count);
    const taken = this.#slots.slice(lowest);
    this.#slots.fill(FIRM, lowest);
    return taken;
  }

  cutTo(length: number): void {
    this.#slots.length = Math.min(this.#slots.length, length);
    this.#born.length = this.#slots.length;
    this.addresses.cutTo(this.#slots.length);
  }
}
