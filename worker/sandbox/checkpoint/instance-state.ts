/**
 * Reads and sets what an instance holds: memory and mutable globals. Only a kernel metered for
 * checkpoints lets its host reach all globals; of any other there is nothing to save.
 */
import {
  demand,
  pageBytes,
  partBytes,
  refuseSnapshot,
  type SavedMemory,
  type Snapshot,
} from './snapshot.ts';

export class InstanceState {
  readonly #memory: WebAssembly.Memory;
  readonly #globals: WebAssembly.Global[];

  private constructor(memory: WebAssembly.Memory, globals: WebAssembly.Global[]) {
    this.#memory = memory;
    this.#globals = globals;
  }

  /** Null when the instance cannot be saved. */
  static of(exports: WebAssembly.Exports): InstanceState | null {
    const { memory, manyhands_globals: counted } = exports;
    if (!(memory instanceof WebAssembly.Memory) || !(counted instanceof WebAssembly.Global))
      return null;
    const globals: WebAssembly.Global[] = [];
    for (let nth = 0; nth < Number(counted.value); nth++) {
      const global = exports[`manyhands_global_${nth}`];
      if (!(global instanceof WebAssembly.Global)) return null;
      globals.push(global);
    }
    return new InstanceState(memory, globals);
  }

  /** JavaScript does not tell the bits of a NaN: such a moment is let pass. */
  get isSavable(): boolean {
    return !this.#globals.some(({ value }) => Number.isNaN(value));
  }

  save(): Pick<Snapshot, 'memory' | 'globals'> {
    return {
      memory: saveMemory(new Uint8Array(this.#memory.buffer)),
      globals: this.#globals.map(({ value }) => value as number | bigint),
    };
  }

  /** Throws when the snapshot is of another kernel, or this host has not the memory. */
  restore(snapshot: Pick<Snapshot, 'memory' | 'globals'>): void {
    const { memory, globals } = snapshot;
    demand(globals.length === this.#globals.length, 'it has another number of globals');
    for (const [nth, global] of this.#globals.entries()) setGlobal(global, globals[nth]);
    const pages = this.#memory.buffer.byteLength / pageBytes;
    demand(memory.pages >= pages, 'its memory is smaller than the kernel begins with');
    // The meter has set the memory's maximum: a forged number is refused by the engine.
    if (memory.pages > pages) this.#memory.grow(memory.pages - pages);
    const bytes = new Uint8Array(this.#memory.buffer).fill(0);
    for (const part of memory.parts) bytes.set(part.bytes, part.index * partBytes);
  }
}

function saveMemory(bytes: Uint8Array): SavedMemory {
  const parts: SavedMemory['parts'] = [];
  const words = new BigUint64Array(bytes.buffer);
  const wordsInPart = partBytes / words.BYTES_PER_ELEMENT;
  for (let index = 0; index * partBytes < bytes.length; index++) {
    const first = index * wordsInPart;
    if (words.subarray(first, first + wordsInPart).some((word) => word !== 0n))
      parts.push({ index, bytes: bytes.slice(index * partBytes, (index + 1) * partBytes) });
  }
  return { pages: bytes.length / pageBytes, parts };
}

/** The engine converts what it is given to the global's type, or throws: it must come out alike. */
function setGlobal(global: WebAssembly.Global, value: number | bigint | undefined): void {
  try {
    global.value = value;
  } catch {
    // A number for an i64, or a bigint for any other.
  }
  if (!Object.is(global.value, value)) refuseSnapshot('a global has another type');
}
