/**
 * The instructions that touch fuel, in one function. In a function with loops fuel lives in a local
 * between settlements, because a global is memory; so it does where a counter gives fuel back, so
 * that nobody sees more fuel than there was. In other functions it stays in its global.
 */
import type { CodeWriter } from './code-writer.ts';
import { op } from './op.ts';

export class FuelCode {
  readonly #out: CodeWriter;
  readonly #global: number;
  readonly #local: number | null;

  constructor(out: CodeWriter, global: number, local: number | null) {
    this.#out = out;
    this.#global = global;
    this.#local = local;
  }

  get(): void {
    if (this.#local === null) this.#out.indexed(op.globalGet, this.#global);
    else this.#out.indexed(op.localGet, this.#local);
  }

  set(): void {
    if (this.#local === null) this.#out.indexed(op.globalSet, this.#global);
    else this.#out.indexed(op.localSet, this.#local);
  }

  charge(fuel: number): void {
    this.get();
    this.#out.i64(fuel);
    this.#out.byte(op.i64Sub);
    this.set();
  }

  /** Takes fuel for the i32 in a local, times or shifted by the amount. */
  chargeLength(lengthLocal: number, operation: number, amount: number): void {
    this.get();
    this.#out.indexed(op.localGet, lengthLocal);
    this.#out.byte(op.i64ExtendI32U);
    this.#out.i64(amount);
    this.#out.bytes(operation, op.i64Sub);
    this.set();
  }

  /** To the label, when the fuel is negative. */
  check(label: number): void {
    this.get();
    this.#out.i64(0);
    this.#out.byte(op.i64LtS);
    this.#out.indexed(op.brIf, label);
  }

  /** From the local to the global, for others to see. */
  settle(): void {
    if (this.#local === null) return;
    this.#out.indexed(op.localGet, this.#local);
    this.#out.indexed(op.globalSet, this.#global);
  }

  reload(): void {
    if (this.#local === null) return;
    this.#out.indexed(op.globalGet, this.#global);
    this.#out.indexed(op.localSet, this.#local);
  }
}
