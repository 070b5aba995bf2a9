/** Writes the WebAssembly binary format into a buffer that grows by doubling. */

export class Writer {
  #bytes: Uint8Array;
  length = 0;

  constructor(capacity = 256) {
    this.#bytes = new Uint8Array(capacity);
  }

  /** What has been written so far: a view, valid until the next write. */
  get written(): Uint8Array {
    return this.#bytes.subarray(0, this.length);
  }

  clear(): void {
    this.length = 0;
  }

  byte(value: number): void {
    this.#reserve(1);
    this.#bytes[this.length++] = value;
  }

  bytes(...values: number[]): void {
    for (const value of values) this.byte(value);
  }

  u32(value: number): void {
    this.#reserve(5);
    let rest = value;
    while (rest >= 0x80) {
      this.#bytes[this.length++] = (rest % 128) | 0x80;
      rest = Math.floor(rest / 128);
    }
    this.#bytes[this.length++] = rest;
  }

  /** A signed number in as few bytes as it needs; exact for every safe integer. */
  signed(value: number): void {
    this.#reserve(10);
    let rest = value;
    for (;;) {
      const low = ((rest % 128) + 128) % 128;
      rest = (rest - low) / 128;
      if ((rest === 0 && low < 0x40) || (rest === -1 && low >= 0x40)) {
        this.#bytes[this.length++] = low;
        return;
      }
      this.#bytes[this.length++] = low | 0x80;
    }
  }

  name(value: string): void {
    const bytes = new TextEncoder().encode(value);
    this.u32(bytes.length);
    this.copy(bytes, 0, bytes.length);
  }

  /** Copies `source` from one offset up to, not including, another. */
  copy(source: Uint8Array, from: number, to: number): void {
    const count = to - from;
    if (count <= 0) return;
    this.#reserve(count);
    if (count < 32) {
      // Most copies are a few instructions long: a loop beats making a view.
      let at = this.length;
      for (let i = from; i < to; i++) this.#bytes[at++] = source[i] ?? 0;
    } else {
      this.#bytes.set(source.subarray(from, to), this.length);
    }
    this.length += count;
  }

  #reserve(count: number): void {
    const needed = this.length + count;
    if (needed <= this.#bytes.length) return;
    const bigger = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
    bigger.set(this.written);
    this.#bytes = bigger;
  }
}
