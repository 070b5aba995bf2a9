/**
 * Reads the WebAssembly binary format from a range of bytes. It never reads past the end and never
 * loops without consuming: whatever the bytes are, it returns or throws a refusal with an offset.
 */
import { KernelRefused, type RefusalReason } from '../refused.ts';

export class Reader {
  readonly bytes: Uint8Array;
  readonly end: number;
  at: number;

  constructor(bytes: Uint8Array, at = 0, end = bytes.length) {
    this.bytes = bytes;
    this.at = at;
    this.end = end;
  }

  get isAtEnd(): boolean {
    return this.at >= this.end;
  }

  refuse(reason: RefusalReason, detail: string, offset = this.at): never {
    throw new KernelRefused(reason, detail, offset);
  }

  byte(): number {
    const byte = this.bytes[this.at];
    if (byte === undefined || this.at >= this.end) this.refuse('malformed', 'Bytes end too early.');
    this.at++;
    return byte;
  }

  peek(): number {
    const byte = this.byte();
    this.at--;
    return byte;
  }

  skip(count: number): void {
    if (count > this.end - this.at) this.refuse('malformed', 'Bytes end too early.');
    this.at += count;
  }

  /** An unsigned number of 32 bits: at most five bytes, and no bit beyond the 32nd. */
  u32(): number {
    const start = this.at;
    let byte = this.byte();
    if (byte < 0x80) return byte;
    let value = byte & 0x7f;
    for (let shift = 7; shift <= 28; shift += 7) {
      byte = this.byte();
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) {
        if (value > 0xffffffff) break;
        return value;
      }
    }
    return this.refuse('malformed', 'A number has more than 32 bits.', start);
  }

  /** A signed number of up to 33 bits: the type of a block, negative for a value type. */
  s33(): number {
    const start = this.at;
    let value = 0;
    for (let shift = 0; shift <= 28; shift += 7) {
      const byte = this.byte();
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return byte & 0x40 ? value - 2 ** (shift + 7) : value;
    }
    return this.refuse('malformed', 'A number has more than 33 bits.', start);
  }

  /** Steps over a number whose value does not matter; its last byte has the top bit clear. */
  skipLeb(bytesMax: number): void {
    const start = this.at;
    for (let i = 0; i < bytesMax; i++) if (this.byte() < 0x80) return;
    this.refuse('malformed', `A number is longer than ${bytesMax} bytes.`, start);
  }

  /** A name. Bytes that are not UTF-8 become replacement marks: V8 refuses them by itself. */
  name(): string {
    const length = this.u32();
    const start = this.at;
    this.skip(length);
    return text.decode(this.bytes.subarray(start, this.at));
  }
}

const text = new TextDecoder();
