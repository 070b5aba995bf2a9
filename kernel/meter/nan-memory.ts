/**
 * How a function touches memory, as far as NaNs go: which stores can be looked at together, which behind a
 * whole loop, and which loads only arithmetic sees.
 */

import { type LoadKind, loadedBy, storedBy, touchesMemory } from './nan-instructions.ts';
import { NO_LOCAL } from './nan-locals.ts';
import type { NanOperands } from './nan-operands.ts';
import { NanRefills } from './nan-refills.ts';
import { type Shape, shape } from './nan-roles.ts';
import { FIRM, isLoose, NUMBER } from './nan-slot.ts';
import { type FloatStore, NanStores } from './nan-stores.ts';
import type { NanValues } from './nan-values.ts';
import { Reader } from './reader.ts';

export interface Instruction {
  opcode: number;
  start: number;
  /** Where its immediates begin. */
  at: number;
  end: number;
}

export class NanMemory {
  readonly #bytes: Uint8Array;
  readonly #operands: NanOperands;
  readonly #values: NanValues;
  readonly stores = new NanStores();
  readonly refills = new NanRefills();

  constructor(bytes: Uint8Array, operands: NanOperands, values: NanValues) {
    this.#bytes = bytes;
    this.#operands = operands;
    this.#values = values;
  }

  /** False when the operands are still to be looked at, bit by bit. */
  touch(instruction: Instruction): boolean {
    const { opcode } = instruction;
    const stored = storedBy(opcode);
    if (stored !== null && this.#storeMade(instruction, stored)) return true;
    const loaded = loadedBy(opcode);
    if (loaded !== null) {
      this.#load(instruction, loaded);
      return true;
    }
    if (!touchesMemory(opcode)) return false;
    this.stores.end();
    if (stored !== null && this.#operands.at(-1) === NUMBER) this.#storeNumber(instruction);
    else this.refills.refuse();
    return false;
  }

  /** False for a value whose bits are known here, or are made so before. */
  #storeMade({ opcode, start, at, end }: Instruction, stored: readonly Shape[]): boolean {
    const operands = this.#operands;
    const value = operands.at(-1);
    const addressAt = operands.bornAt(-2);
    if (!isLoose(value) || value.isSigned) return false;
    if (!stored.includes(value.shape) || addressAt < 0) return false;
    const address = operands.addresses.next;
    operands.pop();
    this.#values.look(operands.pop(), shape.none);
    if (value.local !== NO_LOCAL) this.#values.locals.see(value.local);
    const where = { start, end, addressAt, ...address, offset: this.#offset(at) };
    const { shape: found, local } = value;
    const terms = value.terms === '' ? '' : `${operands.straightFrom} ${value.terms}`;
    const store: FloatStore = { ...where, opcode, shape: found, local, terms };
    this.stores.store(store);
    this.refills.store(store);
    return true;
  }

  #storeNumber({ opcode, start, at, end }: Instruction): void {
    const value = { opcode, shape: shape.none, local: NO_LOCAL, terms: '' };
    const address = { addressAt: -1, root: 0, plus: 0, offset: this.#offset(at) };
    this.refills.store({ start, end, ...value, ...address });
  }

  #load({ start, at, end }: Instruction, { gives, lane }: LoadKind): void {
    const operands = this.#operands;
    const address = operands.addresses.top;
    this.#values.look(operands.pop(), shape.none);
    if (!this.stores.isOpen && !this.refills.isOpen) {
      operands.push(FIRM, end);
      return;
    }
    const seen = { lane, isSafe: true, locals: [] };
    const load = { start, ...address, ...seen, offset: this.#offset(at) };
    if (this.stores.isOpen) this.stores.load(load);
    this.refills.load(load);
    operands.push({ ...FIRM, shape: gives, loads: [load], id: end }, end);
  }

  #offset(at: number): number {
    const reader = new Reader(this.#bytes, at);
    reader.byte();
    return reader.u32();
  }
}
