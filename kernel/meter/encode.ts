/**
 * Writes the metered module: the sections of the original, with types added, the memory's maximum
 * set, the meter's globals appended and exported, and the bodies rewritten. Indices of functions do
 * not change, so elements and data are copied as they are. Of the custom sections only the names
 * stay: they make a trap readable, the rest (debug information, producers) is weight.
 */
import { globalCountExport, globalExport, meterExports } from './admit.ts';
import { CodeWriter } from './code-writer.ts';
import type { KernelModule } from './module.ts';
import { EMPTY_BLOCK, op } from './op.ts';
import type { FunctionPlan } from './plan.ts';
import { Reader } from './reader.ts';
import { growth, type MeterGlobals, rewriteBody } from './rewrite-body.ts';
import { type Section, section, sectionOrder } from './sections.ts';
import { valueType } from './value-types.ts';
import { Writer } from './writer.ts';

const HEADER_BYTES = 8;
const GLOBAL_KIND = 3;
const METER_GLOBALS = Object.keys(meterExports).length;

export interface MeteredParts {
  module: KernelModule;
  plans: readonly FunctionPlan[];
  recursive: ReadonlySet<number>;
  /** What they may take together. */
  stackBytes: number;
  memoryPagesMax: number;
  checkpoints: boolean;
}

export function encodeMetered(parts: MeteredParts): Uint8Array {
  const { module } = parts;
  const first = module.globals.length;
  const globals = { fuel: first, stack: first + 1, pages: first + 2, growth: first + 3 };
  const types = new TypeSection(module);
  // Bodies first: they ask for types.
  const code = encodeCode(parts, globals, types);

  const out = new Writer(module.bytes.length * 2);
  out.copy(module.bytes, 0, HEADER_BYTES);
  const found = new Map(module.sections.map((each) => [each.id, each]));
  for (const id of sectionOrder) {
    const source = found.get(id);
    const content = new Writer();
    if (id === section.type) types.encode(source, content);
    else if (id === section.memory && source) encodeMemory(parts, content);
    else if (id === section.global) encodeGlobals(parts, source, content);
    else if (id === section.export) encodeExports(parts, globals, source, content);
    else if (id === section.code && source) writeSection(out, id, code.written);
    else if (source) writeSection(out, id, module.bytes.subarray(source.start, source.end));
    if (content.length > 0) writeSection(out, id, content.written);
  }
  for (const each of module.sections) if (isNames(module, each)) copySection(module, each, out);
  return out.written.slice();
}

function encodeCode(parts: MeteredParts, globals: MeterGlobals, types: TypeSection): Writer {
  const { module, plans, recursive, memoryPagesMax } = parts;
  const out = new Writer(module.bytes.length * 2);
  const declarations = new CodeWriter();
  const code = new CodeWriter(4096);
  const context = {
    module,
    globals,
    pagesMax: pagesMax(module, memoryPagesMax),
    writeBlockType: (results: Uint8Array, to: Writer) => types.writeBlockType(results, to),
  };
  out.u32(plans.length);
  plans.forEach((plan, index) => {
    declarations.clear();
    code.clear();
    rewriteBody(context, plan, recursive.has(index), { declarations, code });
    out.u32(declarations.length + code.length);
    for (const part of [declarations, code]) out.copy(part.written, 0, part.length);
  });
  return out;
}

/** The types of the module, and those that blocks around bodies with several results need. */
class TypeSection {
  readonly #module: KernelModule;
  readonly #added = new Map<string, { index: number; results: Uint8Array }>();

  constructor(module: KernelModule) {
    this.#module = module;
  }

  writeBlockType(results: Uint8Array, out: Writer): void {
    const [only] = results;
    if (only === undefined) out.byte(EMPTY_BLOCK);
    else if (results.length === 1) out.byte(only);
    else out.signed(this.#indexOf(results));
  }

  encode(source: Section | undefined, out: Writer): void {
    const count = this.#module.types.length + this.#added.size;
    if (count === 0) return;
    out.u32(count);
    copyVector(this.#module, source, out);
    for (const { results } of this.#added.values()) {
      out.bytes(0x60, 0);
      out.u32(results.length);
      out.copy(results, 0, results.length);
    }
  }

  #indexOf(results: Uint8Array): number {
    const key = results.join();
    const known = this.#added.get(key);
    if (known) return known.index;
    const index = this.#module.types.length + this.#added.size;
    this.#added.set(key, { index, results });
    return index;
  }
}

function encodeMemory({ module, memoryPagesMax }: MeteredParts, out: Writer): void {
  if (module.memory === null) return;
  out.bytes(1, 1);
  out.u32(module.memory.initialPages);
  out.u32(pagesMax(module, memoryPagesMax));
}

function encodeGlobals(
  { module, memoryPagesMax, checkpoints, stackBytes }: MeteredParts,
  source: Section | undefined,
  out: Writer,
): void {
  out.u32(module.globals.length + METER_GLOBALS + (checkpoints ? 1 : 0));
  copyVector(module, source, out);
  const add = (type: number, opcode: number, value: number, isMutable = 1) => {
    out.bytes(type, isMutable, opcode);
    out.signed(value);
    out.byte(op.end);
  };
  add(valueType.i64, op.i64Const, 0);
  add(valueType.i32, op.i32Const, stackBytes);
  add(valueType.i32, op.i32Const, pagesMax(module, memoryPagesMax));
  add(valueType.i32, op.i32Const, growth.fine);
  if (checkpoints) add(valueType.i32, op.i32Const, mutableGlobals(module).length, 0);
}

function encodeExports(
  { module, checkpoints }: MeteredParts,
  globals: MeterGlobals,
  source: Section | undefined,
  out: Writer,
): void {
  const meters = Object.entries(meterExports) as [keyof MeterGlobals, string][];
  const names = meters.map(([key, name]): [string, number] => [name, globals[key]]);
  if (checkpoints) {
    names.push([globalCountExport, module.globals.length + METER_GLOBALS]);
    for (const [nth, index] of mutableGlobals(module).entries())
      names.push([globalExport(nth), index]);
  }
  out.u32(module.exports.length + names.length);
  copyVector(module, source, out);
  for (const [name, index] of names) {
    out.name(name);
    out.byte(GLOBAL_KIND);
    out.u32(index);
  }
}

/** Indices of the metered module's globals that change, the meter's own among them. */
function mutableGlobals(module: KernelModule): number[] {
  const own = module.globals.flatMap(({ isMutable }, index) => (isMutable ? [index] : []));
  const meters = Array.from({ length: METER_GLOBALS }, (_, nth) => module.globals.length + nth);
  return [...own, ...meters];
}

const pagesMax = (module: KernelModule, cap: number): number =>
  Math.min(module.memory?.maxPages ?? cap, cap);

/** Copies what follows the count of a section that is one vector. */
function copyVector(module: KernelModule, source: Section | undefined, out: Writer): void {
  if (source === undefined) return;
  const reader = new Reader(module.bytes, source.start, source.end);
  reader.u32();
  out.copy(module.bytes, reader.at, source.end);
}

function isNames(module: KernelModule, source: Section): boolean {
  if (source.id !== section.custom) return false;
  return new Reader(module.bytes, source.start, source.end).name() === 'name';
}

function copySection(module: KernelModule, source: Section, out: Writer): void {
  writeSection(out, source.id, module.bytes.subarray(source.start, source.end));
}

function writeSection(out: Writer, id: number, content: Uint8Array): void {
  out.byte(id);
  out.u32(content.length);
  out.copy(content, 0, content.length);
}
