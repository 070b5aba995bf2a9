/**
 * Writes and reads plain values as bytes, in one way only: what a reader accepts is what a writer
 * would have written. Whole numbers are LEB128 without needless bytes, everything with a length
 * says it first. A reader believes nothing: a length is held against the bytes that are there.
 */
import { demand, refuseSnapshot } from './snapshot.ts';

const utf8 = new TextEncoder();
const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

export class ByteWriter {
  #bytes = new Uint8Array(64 * 1024);
  #length = 0;

  get written(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }

  byte(value: number): void {
    this.#room(1)[0] = value;
  }

  whole(value: number | bigint): void {
    let rest = BigInt(value);
    for (; rest > 0x7fn; rest >>= 7n) this.byte(Number(rest & 0x7fn) | 0x80);
    this.byte(Number(rest));
  }

  float(value: number): void {
    const room = this.#room(8);
    new DataView(room.buffer, room.byteOffset).setFloat64(0, value, true);
  }

  raw(bytes: Uint8Array): void {
    this.#room(bytes.length).set(bytes);
  }

  bytes(bytes: Uint8Array): void {
    this.whole(bytes.length);
    this.raw(bytes);
  }

  text(text: string): void {
    this.bytes(utf8.encode(text));
  }

  list<Item>(items: Item[], write: (item: Item) => void): void {
    this.whole(items.length);
    for (const item of items) write(item);
  }

  optional<Value>(value: Value | null, write: (value: Value) => void): void {
    this.byte(value === null ? 0 : 1);
    if (value !== null) write(value);
  }

  #room(length: number): Uint8Array {
    const start = this.#length;
    this.#length += length;
    if (this.#length > this.#bytes.length) {
      const larger = new Uint8Array(2 * this.#length);
      larger.set(this.#bytes);
      this.#bytes = larger;
    }
    return this.#bytes.subarray(start, this.#length);
  }
}

/** The clock and times of files can pass 64 bits, by sleeping; no run reaches these. */
const wholeBitsMax = 126n;

export class ByteReader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  byte(): number {
    return this.#bytes[this.#at++] ?? refuseSnapshot('it ends too early');
  }

  big(): bigint {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      demand(shift < wholeBitsMax, 'a number is too large');
      const byte = this.byte();
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) {
        demand(byte > 0 || shift === 0n, 'a number is longer than it need be');
        return value;
      }
    }
  }

  whole(max = Number.MAX_SAFE_INTEGER): number {
    const value = this.big();
    demand(value <= BigInt(max), 'a number is too large');
    return Number(value);
  }

  float(): number {
    const bytes = this.raw(8);
    return new DataView(bytes.buffer, bytes.byteOffset).getFloat64(0, true);
  }

  raw(length: number): Uint8Array {
    demand(length <= this.#bytes.length - this.#at, 'it ends too early');
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  bytes(): Uint8Array {
    return this.raw(this.whole());
  }

  text(): string {
    const bytes = this.bytes();
    try {
      return strictUtf8.decode(bytes);
    } catch {
      // The decoder says only that it could not.
      return refuseSnapshot('a text is not UTF-8');
    }
  }

  /** An item takes a byte at least, so no count can ask for more memory than the bytes did. */
  list<Item>(read: () => Item): Item[] {
    const count = this.whole();
    demand(count <= this.#bytes.length - this.#at, 'it ends too early');
    return Array.from({ length: count }, read);
  }

  optional<Value>(read: () => Value): Value | null {
    return this.oneOf([false, true]) ? read() : null;
  }

  oneOf<Value>(values: readonly Value[]): Value {
    const value = values[this.byte()];
    return value === undefined ? refuseSnapshot('it names something unknown') : value;
  }
}
