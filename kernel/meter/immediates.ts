/**
 * Reads what follows an opcode and holds every index against what the module has. Types are V8's to
 * check; indices are ours: the metered module has more globals, locals and labels than the original,
 * and an index that was out of range must not come to mean one of them.
 */
import type { KernelModule } from './module.ts';
import { EMPTY_BLOCK } from './op.ts';
import { imm, immediateOf } from './opcodes.ts';
import type { Reader } from './reader.ts';
import { isValueType, readReferenceType, readValueType } from './value-types.ts';

/** The largest access, v128, is aligned to 2^4 bytes. */
const ALIGNMENT_LOG2_MAX = 4;

export class Immediates {
  readonly #reader: Reader;
  readonly #module: KernelModule;
  /** How many locals the function at hand has. */
  locals = 0;

  constructor(reader: Reader, module: KernelModule) {
    this.#reader = reader;
    this.#module = module;
  }

  /** For instructions whose operands nobody needs to know. */
  skip(opcode: number): void {
    const reader = this.#reader;
    switch (immediateOf(opcode)) {
      case imm.local:
        this.index(this.locals, 'local');
        return;
      case imm.leb32:
        reader.skipLeb(5);
        return;
      case imm.memarg:
        this.#memarg();
        return;
      case imm.global:
        this.index(this.#module.globals.length, 'global');
        return;
      case imm.leb64:
        reader.skipLeb(10);
        return;
      case imm.bytes4:
        reader.skip(4);
        return;
      case imm.bytes8:
        reader.skip(8);
        return;
      case imm.bytes16:
        reader.skip(16);
        return;
      case imm.lane:
        reader.skip(1);
        return;
      case imm.memargLane:
        this.#memarg();
        reader.skip(1);
        return;
      case imm.memory:
        this.#memory();
        return;
      case imm.memoryMemory:
        this.#memory();
        this.#memory();
        return;
      case imm.dataMemory:
        this.index(this.#module.dataSegments, 'data segment');
        this.#memory();
        return;
      case imm.data:
        this.index(this.#module.dataSegments, 'data segment');
        return;
      case imm.element:
        this.index(this.#module.elements, 'element segment');
        return;
      case imm.table:
        this.index(this.#module.tables, 'table');
        return;
      case imm.function:
        this.index(this.#module.functions.length, 'function');
        return;
      case imm.refType:
        readReferenceType(reader);
        return;
      case imm.types:
        for (let left = reader.u32(); left > 0; left--) readValueType(reader);
        return;
    }
  }

  index(count: number, what: string): number {
    const at = this.#reader.at;
    const index = this.#reader.u32();
    if (index >= count) this.#reader.refuse('malformed', `There is no ${what} ${index}.`, at);
    return index;
  }

  /** How many values the block takes and leaves. */
  blockType(): { params: number; results: number } {
    const at = this.#reader.at;
    const byte = this.#reader.peek();
    if (byte === EMPTY_BLOCK || isValueType(byte)) {
      this.#reader.skip(1);
      return { params: 0, results: byte === EMPTY_BLOCK ? 0 : 1 };
    }
    const type = this.#module.types[this.#reader.s33()];
    if (type === undefined) this.#reader.refuse('malformed', 'There is no such block type.', at);
    return { params: type.params.length, results: type.results.length };
  }

  #memory(): void {
    if (this.#reader.byte() !== 0)
      this.#reader.refuse(
        'feature_forbidden',
        'A second memory belongs to multi-memory.',
        this.#reader.at - 1,
      );
    this.#needMemory();
  }

  #memarg(): void {
    // Higher bits carry the flag of multi-memory.
    if (this.#reader.byte() > ALIGNMENT_LOG2_MAX)
      this.#reader.refuse('feature_forbidden', 'An alignment over 16.', this.#reader.at - 1);
    this.#reader.u32();
    this.#needMemory();
  }

  #needMemory(): void {
    if (this.#module.memory === null) this.#reader.refuse('malformed', 'There is no memory.');
  }
}
