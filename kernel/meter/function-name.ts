/**
 * Which function a place in a module belongs to, and what its author calls it: a byte offset is for
 * whoever has a disassembler at hand, a name for everybody else.
 */
import { type FunctionName, KernelRefused } from '../refused.ts';
import type { KernelModule } from './module.ts';
import { Reader } from './reader.ts';
import { section } from './sections.ts';

/** Mangled names of C++ and Rust run to thousands of letters, and this is for one line of a terminal. */
const NAME_CHARS_MAX = 80;
/** The subsection of the name section that names functions. */
const FUNCTION_NAMES = 1;

/** The same refusal; if it happened within a body, with the function told. */
export function withFunction(refused: KernelRefused, module: KernelModule): KernelRefused {
  const { reason, detail, offset } = refused;
  const nth = module.bodies.findIndex(({ start, end }) => offset >= start && offset < end);
  if (nth < 0) return refused;
  return new KernelRefused(reason, detail, offset, nameOf(module.importedFunctions + nth, module));
}

export function nameOf(index: number, module: KernelModule): FunctionName {
  for (const { id, start, end } of module.sections) {
    if (id !== section.custom) continue;
    const name = nameIn(new Reader(module.bytes, start, end), index);
    if (name !== null) return { index, name: name.slice(0, NAME_CHARS_MAX) };
  }
  return { index };
}

/** Null in a section with other content, or without a name for it; what is damaged names nothing. */
function nameIn(reader: Reader, index: number): string | null {
  try {
    if (reader.name() !== 'name') return null;
    while (!reader.isAtEnd) {
      const kind = reader.byte();
      const size = reader.u32();
      if (kind !== FUNCTION_NAMES) {
        reader.skip(size);
        continue;
      }
      for (let left = reader.u32(); left > 0; left--) {
        const found = reader.u32();
        const name = reader.name();
        if (found === index) return name;
      }
    }
  } catch (error) {
    if (!(error instanceof KernelRefused)) throw error;
  }
  return null;
}
