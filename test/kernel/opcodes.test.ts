/**
 * The table of instructions against V8: for each one that is not about structure, some operands and
 * result must be found with which V8 accepts it, and they must change the height of the stack by as
 * much as the table says.
 */
import { describe, expect, it } from 'vitest';
import { MISC_BASE, SIMD_BASE } from '../../kernel/meter/op.ts';
import { deltaOf, imm, immediateOf } from '../../kernel/meter/opcodes.ts';
import { type Bytes, bodyOf, leb, moduleOf, section, vector } from './support/module-bytes.ts';

const TYPES = [0x7f, 0x7e, 0x7d, 0x7c, 0x7b];
const FUNCREF = 0x70;
const FIRST_PLAIN = 0x1a;
const OPERANDS_MAX = 3;

/** One possible encoding of what follows each opcode. */
const immediates: Record<number, number[]> = {
  [imm.none]: [],
  [imm.memarg]: [0, 0],
  [imm.memory]: [0],
  [imm.leb32]: [0],
  [imm.leb64]: [0],
  [imm.bytes4]: [0, 0, 0, 0],
  [imm.bytes8]: new Array<number>(8).fill(0),
  [imm.bytes16]: new Array<number>(16).fill(0),
  [imm.types]: [1, 0x7f],
  [imm.refType]: [FUNCREF],
  [imm.function]: [0],
  [imm.table]: [0],
  [imm.data]: [0],
  [imm.element]: [0],
  [imm.dataMemory]: [0, 0],
  [imm.memoryMemory]: [0, 0],
  [imm.lane]: [0],
  [imm.memargLane]: [0, 0, 0],
};

/** Locals and globals have types of their own making; they are the one exception. */
const opcodes = Array.from({ length: SIMD_BASE + 256 }, (_, opcode) => opcode).filter((opcode) => {
  const immediate = immediateOf(opcode);
  return opcode >= FIRST_PLAIN && immediate !== null && immediates[immediate] !== undefined;
});

function encode(opcode: number): number[] {
  if (opcode >= SIMD_BASE) return [0xfd, ...leb(opcode - SIMD_BASE)];
  return opcode >= MISC_BASE ? [0xfc, opcode - MISC_BASE] : [opcode];
}

function moduleWith(opcode: number, params: number[], results: number[]): Uint8Array {
  const code: Bytes = [
    ...params.flatMap((_, index) => [0x20, index]),
    ...encode(opcode),
    ...(immediates[immediateOf(opcode) ?? imm.none] ?? []),
  ];
  const type = [0x60, ...leb(params.length), ...params, ...leb(results.length), ...results];
  return moduleOf(
    section(1, vector([type])),
    section(3, vector([[0]])),
    section(4, vector([[FUNCREF, 0, 1]])),
    section(5, vector([[0, 1]])),
    section(9, vector([[3, 0, 1, 0]])),
    section(12, [1]),
    section(10, vector([bodyOf(code)])),
    section(11, vector([[1, 0]])),
  );
}

function* tuples(length: number): Generator<number[]> {
  if (length === 0) yield [];
  else for (const rest of tuples(length - 1)) for (const type of TYPES) yield [...rest, type];
}

function findTypes(opcode: number): { params: number[]; results: number[] } | null {
  const delta = deltaOf(opcode);
  for (let count = Math.max(0, -delta); count <= OPERANDS_MAX; count++) {
    if (count + delta > 1) continue;
    for (const params of tuples(count))
      for (const results of resultsFor(count + delta))
        if (WebAssembly.validate(moduleWith(opcode, params, results))) return { params, results };
  }
  return null;
}

const resultsFor = (count: number): number[][] =>
  count === 0 ? [[]] : [...TYPES, FUNCREF].map((type) => [type]);

/** Where operands are references. */
const BY_HAND = [0x25, 0xd1];

describe('the table of instructions', () => {
  it('agrees with V8 on what each takes and leaves', () => {
    const unknown = opcodes
      .filter((opcode) => !BY_HAND.includes(opcode))
      .filter((opcode) => findTypes(opcode) === null);
    expect(unknown).toEqual([]);
  });
});
