/** A writer that knows instructions. */
import { op } from './op.ts';
import { Writer } from './writer.ts';

export class CodeWriter extends Writer {
  /** An instruction that names a local, global or label. */
  indexed(opcode: number, index: number): void {
    this.byte(opcode);
    this.u32(index);
  }

  i32(value: number): void {
    this.byte(op.i32Const);
    this.signed(value);
  }

  i64(value: number): void {
    this.byte(op.i64Const);
    this.signed(value);
  }
}
