/**
 * Stops a kernel within its calls and lets it go on, with Asyncify: a pass over the module
 * (`kernel/builders/asyncify.ts`) that teaches every function on the way to `manyhands.checkpoint`
 * to return at once and leave its locals in a buffer, and to find back when it is called again.
 *
 *   running ── checkpoint, and a stop is wanted ──► unwinding ── the entry returns ──► stopped
 *   running ◄── checkpoint is reached again ── rewinding ◄── the entry is called ── a stack
 *
 * The buffer lies in the kernel's own memory, and a kernel reserves none: it is borrowed from the
 * bottom of memory. While a stack unwinds or rewinds, nothing of the kernel itself runs, so nobody
 * sees the bytes that lie there; they are put back before the first instruction does. A reserved
 * buffer (in the kernel, or by growing its memory) was tried and dropped: the one needs every
 * toolchain's help, the other moves the heap of libraries that trust memory.size.
 */
import { demand } from './snapshot.ts';

/**
 * The meter allows 448 KiB of stack by an upper estimate of the engine's frames, which hold no less
 * than the locals that Asyncify writes.
 */
const bufferBytesMax = 1024 * 1024;
/** Asyncify's own: where to write next, and where the buffer ends. */
const headerBytes = 8;
const bufferAt = 0;

type State = 'running' | 'unwinding' | 'rewinding';

const names = {
  startUnwind: 'manyhands_start_unwind',
  stopUnwind: 'manyhands_stop_unwind',
  startRewind: 'manyhands_start_rewind',
  stopRewind: 'manyhands_stop_rewind',
} as const;
type Controls = Record<keyof typeof names, (buffer: number) => void>;

export class Suspension {
  readonly #controls: Controls;
  readonly #memory: WebAssembly.Memory;
  #state: State = 'running';
  #lent = new Uint8Array(0);

  private constructor(controls: Controls, memory: WebAssembly.Memory) {
    this.#controls = controls;
    this.#memory = memory;
  }

  /** Null for a kernel that cannot be stopped within its calls. */
  static of(exports: WebAssembly.Exports): Suspension | null {
    const { memory } = exports;
    const entries = Object.entries(names).map(([key, name]) => [key, exports[name]]);
    if (!(memory instanceof WebAssembly.Memory) || memory.buffer.byteLength === 0) return null;
    if (!entries.every(([, control]) => typeof control === 'function')) return null;
    return new Suspension(Object.fromEntries(entries), memory);
  }

  get isUnwinding(): boolean {
    return this.#state === 'unwinding';
  }

  /** What `manyhands.checkpoint` does. */
  checkpoint(wantsStop: () => boolean): void {
    if (this.#state === 'rewinding') {
      this.#controls.stopRewind(bufferAt);
      this.#giveBack();
    } else if (this.#state === 'running' && wantsStop()) {
      this.#borrow();
      this.#writeHeader(headerBytes);
      this.#state = 'unwinding';
      this.#controls.startUnwind(bufferAt);
    }
  }

  /** To be called before the entry, so that it goes on where this stack was taken. */
  rewind(stack: Uint8Array): void {
    this.#borrow();
    demand(stack.length + headerBytes <= this.#lent.length, 'its stack is larger than its memory');
    this.#writeHeader(headerBytes + stack.length);
    this.#buffer().set(stack, headerBytes);
    this.#state = 'rewinding';
    this.#controls.startRewind(bufferAt);
  }

  /**
   * To be called when the entry has returned: the stack when it did so to stop, else null. Throws
   * when the stack was larger than the buffer; then the instance is lost, and `isUnwinding`.
   */
  takeStack(): Uint8Array | null {
    demand(this.#state !== 'rewinding', 'its stack leads to no checkpoint');
    if (this.#state === 'running') return null;
    this.#controls.stopUnwind(bufferAt);
    const end = new DataView(this.#memory.buffer).getUint32(bufferAt, true);
    const stack = this.#buffer().slice(headerBytes, end);
    this.#giveBack();
    return stack;
  }

  #borrow(): void {
    this.#lent = new Uint8Array(this.#memory.buffer).slice(bufferAt, bufferBytesMax);
  }

  #giveBack(): void {
    this.#buffer().set(this.#lent);
    this.#lent = new Uint8Array(0);
    this.#state = 'running';
  }

  #buffer(): Uint8Array {
    return new Uint8Array(this.#memory.buffer, bufferAt, this.#lent.length);
  }

  #writeHeader(position: number): void {
    const view = new DataView(this.#memory.buffer);
    view.setUint32(bufferAt, position, true);
    view.setUint32(bufferAt + 4, this.#lent.length, true);
  }
}
