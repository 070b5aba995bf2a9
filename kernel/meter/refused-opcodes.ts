/** Says why an instruction that is not in the table is refused. */
import { MISC_BASE, OPCODES, SIMD_BASE } from './op.ts';
import type { Reader } from './reader.ts';
import { hex } from './value-types.ts';

export function refuseOpcode(reader: Reader, opcode: number, at: number): never {
  if (mutatesTable(opcode))
    reader.refuse('table_mutation_forbidden', 'A kernel may not change a table.', at);
  const proposal = proposalOf(opcode);
  if (proposal !== null)
    reader.refuse('feature_forbidden', `The instruction belongs to ${proposal}.`, at);
  reader.refuse('malformed', `There is no instruction ${hex(opcode)}.`, at);
}

/** table.set, and behind 0xfc table.init, copy, grow and fill. */
function mutatesTable(opcode: number): boolean {
  return opcode === 0x26 || [12, 14, 15, 17].includes(opcode - MISC_BASE);
}

function proposalOf(opcode: number): string | null {
  if (opcode >= SIMD_BASE) return opcode >= OPCODES ? 'relaxed SIMD' : null;
  if (opcode === 0x12 || opcode === 0x13) return 'tail calls';
  if (opcode >= 0x06 && opcode <= 0x0a) return 'exceptions';
  if (opcode === 0x18 || opcode === 0x19 || opcode === 0x1f) return 'exceptions';
  if (opcode === 0x14 || opcode === 0x15) return 'typed function references';
  if (opcode >= 0xd3 && opcode <= 0xd6) return 'typed function references and GC';
  if (opcode === 0xfb) return 'GC';
  return opcode === 0xfe ? 'threads' : null;
}
