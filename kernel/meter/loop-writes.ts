/** Which locals a loop sets, and each of the loops in it: by the offset of the loop, in order. */
import { Immediates } from './immediates.ts';
import type { KernelModule } from './module.ts';
import { op, readOpcode } from './op.ts';
import { imm, immediateOf } from './opcodes.ts';
import { Reader } from './reader.ts';

/** The range is from the first byte of a loop to behind its `end`, without calls. */
export function writtenInLoops(
  module: KernelModule,
  locals: number,
  { start, end }: { start: number; end: number },
): Map<number, Set<number>> {
  const reader = new Reader(module.bytes, start, end);
  const immediates = new Immediates(reader, module);
  immediates.locals = locals;
  const written = new Map<number, Set<number>>();
  /** Null for what is no loop. */
  const frames: (Set<number> | null)[] = [];
  while (!reader.isAtEnd) {
    const { at } = reader;
    const opcode = readOpcode(reader);
    if (opcode === op.end) frames.pop();
    switch (immediateOf(opcode)) {
      case imm.local: {
        const local = reader.u32();
        if (opcode !== op.localGet) for (const frame of frames) frame?.add(local);
        break;
      }
      case imm.blockType: {
        immediates.blockType();
        const sets = opcode === op.loop ? new Set<number>() : null;
        frames.push(sets);
        if (sets !== null) written.set(at, sets);
        break;
      }
      case imm.label:
        reader.u32();
        break;
      case imm.labels:
        for (let left = reader.u32(); left >= 0; left--) reader.u32();
        break;
      default:
        immediates.skip(opcode);
    }
  }
  return written;
}
