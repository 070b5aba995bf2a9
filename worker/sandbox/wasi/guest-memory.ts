/**
 * The only way to a kernel's memory. Every pointer and length a kernel passes is checked here
 * before the first byte moves: outside of memory is EFAULT, never an exception and never a read
 * elsewhere. A kernel without an exported memory has one of no bytes.
 *
 * `memory.grow` replaces the buffer, so the views are made anew whenever it has changed.
 */
import { errno, refuse } from './errno.ts';

// A byte order mark is two characters of a file's name like any other; the default would drop it.
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** POSIX's IOV_MAX on Linux; libraries gather a handful. */
const buffersMax = 1024;
/** A call answers with the number of bytes it moved, in 32 bits. */
const bytesMovedMax = 0xffff_ffff;

export class GuestMemory {
  #memory: WebAssembly.Memory | null = null;
  #bytes = new Uint8Array(0);
  #view = new DataView(this.#bytes.buffer);

  attach(memory: WebAssembly.Memory): void {
    this.#memory = memory;
  }

  /** The bytes at a pointer, as they are in the kernel's memory. Do not keep across calls. */
  bytes(pointer: number, length: number): Uint8Array {
    const start = this.#check(pointer, length);
    return this.#bytes.subarray(start, start + (length >>> 0));
  }

  text(pointer: number, length: number, bytesMax: number): string {
    const encoded = this.bytes(pointer, length);
    // Before the decoding: a length is only a number to a kernel, and much work to the host.
    if (encoded.length > bytesMax) refuse(errno.nameTooLong);
    try {
      return utf8.decode(encoded);
    } catch {
      // The decoder says only that it could not.
      return refuse(errno.illegalBytes);
    }
  }

  /** The list of buffers that a vectored read or write names, and their bytes in total. */
  buffers(pointer: number, count: number): { buffers: Uint8Array[]; total: number } {
    const length = count >>> 0;
    if (length > buffersMax) refuse(errno.invalid);
    const start = this.#check(pointer, length * 8);
    const buffers: Uint8Array[] = [];
    let total = 0;
    for (let at = start; at < start + length * 8; at += 8) {
      const buffer = this.bytes(this.#view.getUint32(at, true), this.#view.getUint32(at + 4, true));
      buffers.push(buffer);
      total += buffer.length;
    }
    if (total > bytesMovedMax) refuse(errno.invalid);
    return { buffers, total };
  }

  /** Where a call will put its answer: checked before it does anything that cannot be undone. */
  slot(pointer: number, length: number): number {
    return this.#check(pointer, length);
  }

  u8(pointer: number): number {
    return this.#checkedView(pointer, 1).getUint8(pointer >>> 0);
  }
  u16(pointer: number): number {
    return this.#checkedView(pointer, 2).getUint16(pointer >>> 0, true);
  }
  u32(pointer: number): number {
    return this.#checkedView(pointer, 4).getUint32(pointer >>> 0, true);
  }
  u64(pointer: number): bigint {
    return this.#checkedView(pointer, 8).getBigUint64(pointer >>> 0, true);
  }

  setU8(pointer: number, value: number): void {
    this.#checkedView(pointer, 1).setUint8(pointer >>> 0, value);
  }
  setU16(pointer: number, value: number): void {
    this.#checkedView(pointer, 2).setUint16(pointer >>> 0, value, true);
  }
  setU32(pointer: number, value: number): void {
    this.#checkedView(pointer, 4).setUint32(pointer >>> 0, value, true);
  }
  setU64(pointer: number, value: bigint): void {
    this.#checkedView(pointer, 8).setBigUint64(pointer >>> 0, value, true);
  }
  set(pointer: number, source: Uint8Array): void {
    this.bytes(pointer, source.length).set(source);
  }

  #checkedView(pointer: number, length: number): DataView {
    this.#check(pointer, length);
    return this.#view;
  }

  /** Wasm's i32 arrives signed; an address is not. */
  #check(pointer: number, length: number): number {
    if (this.#memory !== null && this.#bytes.buffer !== this.#memory.buffer) {
      this.#bytes = new Uint8Array(this.#memory.buffer);
      this.#view = new DataView(this.#memory.buffer);
    }
    const start = pointer >>> 0;
    if (start + (length >>> 0) > this.#bytes.length) refuse(errno.fault);
    return start;
  }
}
