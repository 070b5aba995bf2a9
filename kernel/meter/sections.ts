/** Cuts a module into its sections and makes sure that each stands once and in its place. */
import { kernelLimits } from './limits.ts';
import { Reader } from './reader.ts';

export interface Section {
  id: number;
  /** Where its content begins and ends in the module. */
  start: number;
  end: number;
}

export const section = {
  custom: 0,
  type: 1,
  import: 2,
  function: 3,
  table: 4,
  memory: 5,
  global: 6,
  export: 7,
  start: 8,
  element: 9,
  code: 10,
  data: 11,
  dataCount: 12,
  tag: 13,
} as const;

/** Known sections in the order the format demands: the data count stands before the code. */
export const sectionOrder: readonly number[] = [
  section.type,
  section.import,
  section.function,
  section.table,
  section.memory,
  section.global,
  section.export,
  section.start,
  section.element,
  section.dataCount,
  section.code,
  section.data,
];

const MAGIC = [0x00, 0x61, 0x73, 0x6d];
const VERSION = [0x01, 0x00, 0x00, 0x00];

/** Components have another version; text begins with a parenthesis. */
function whatElse(wasm: Uint8Array): string {
  if (MAGIC.every((byte, at) => wasm[at] === byte))
    return 'The file is a WebAssembly component, or of another version than 1.';
  const isText = wasm[0] === 0x28;
  return isText
    ? 'The file is WebAssembly text, not a module.'
    : 'The file is no WebAssembly module.';
}

export function splitSections(wasm: Uint8Array): Section[] {
  const reader = new Reader(wasm);
  if ([...MAGIC, ...VERSION].some((byte, at) => wasm[at] !== byte))
    reader.refuse('not_wasm', whatElse(wasm), 0);
  if (wasm.length > kernelLimits.moduleBytesMax)
    reader.refuse(
      'limit_exceeded',
      `The module has ${wasm.length} bytes; at most ${kernelLimits.moduleBytesMax}.`,
      0,
    );
  reader.skip(MAGIC.length + VERSION.length);

  const sections: Section[] = [];
  let place = -1;
  while (!reader.isAtEnd) {
    const at = reader.at;
    const id = reader.byte();
    const size = reader.u32();
    const start = reader.at;
    reader.skip(size);
    if (id === section.tag)
      reader.refuse('feature_forbidden', 'A tag section belongs to exceptions.', at);
    if (id !== section.custom) {
      const next = sectionOrder.indexOf(id);
      if (next < 0) reader.refuse('malformed', `There is no section ${id}.`, at);
      if (next <= place)
        reader.refuse('malformed', `Section ${id} stands twice or out of order.`, at);
      place = next;
    }
    sections.push({ id, start, end: reader.at });
  }
  return sections;
}
