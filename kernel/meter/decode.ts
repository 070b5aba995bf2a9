/**
 * Decodes everything of a module but the bodies of its functions: what it imports, declares and
 * exports. Here the question is only whether the bytes make sense and stay within the caps; what a
 * kernel may do is asked in `admit.ts`.
 */
import { readConstantExpression } from './constant-expression.ts';
import { kernelLimits } from './limits.ts';
import type { ExternalKind, KernelModule } from './module.ts';
import { Reader } from './reader.ts';
import { section, splitSections } from './sections.ts';
import {
  type FunctionType,
  readFunctionType,
  readReferenceType,
  readValueType,
} from './value-types.ts';

/** As the binary format numbers them. */
const externalKinds: readonly ExternalKind[] = ['function', 'table', 'memory', 'global'];

export function decodeModule(wasm: Uint8Array): KernelModule {
  const module: KernelModule = {
    bytes: wasm,
    sections: splitSections(wasm),
    types: [],
    imports: [],
    functions: [],
    importedFunctions: 0,
    tables: 0,
    memory: null,
    globals: [],
    exports: [],
    startAt: null,
    elements: 0,
    tableFunctions: new Set(),
    dataSegments: 0,
    passiveDataAt: null,
    bodies: [],
  };
  let declaredData: number | null = null;
  let foundData = 0;

  for (const { id, start, end } of module.sections) {
    const reader = new Reader(wasm, start, end);
    switch (id) {
      case section.type:
        each(reader, kernelLimits.typesMax, 'types', () =>
          module.types.push(readFunctionType(reader)),
        );
        break;
      case section.import:
        each(reader, kernelLimits.importsMax, 'imports', () => readImport(reader, module));
        break;
      case section.function:
        each(reader, kernelLimits.functionsMax, 'functions', () =>
          module.functions.push(readTypeIndex(reader, module)),
        );
        break;
      case section.table:
        each(reader, kernelLimits.tablesMax, 'tables', () => readTable(reader, module));
        break;
      case section.memory:
        each(reader, kernelLimits.memoriesRead, 'memories', () => readMemory(reader, module));
        break;
      case section.global:
        each(reader, kernelLimits.globalsMax, 'globals', () => readGlobal(reader, module));
        break;
      case section.export:
        each(reader, kernelLimits.exportsMax, 'exports', () => readExport(reader, module));
        break;
      case section.start:
        module.startAt = start;
        reader.u32();
        break;
      case section.element:
        each(reader, kernelLimits.elementSegmentsMax, 'element segments', () =>
          readElementSegment(reader, module),
        );
        break;
      case section.dataCount:
        declaredData = reader.u32();
        // memory.init and data.drop stand before the data: they go by this number.
        module.dataSegments = declaredData;
        break;
      case section.code:
        each(reader, kernelLimits.functionsMax, 'functions', () => readBody(reader, module));
        break;
      case section.data:
        each(reader, kernelLimits.dataSegmentsMax, 'data segments', () => {
          readDataSegment(reader, module);
          foundData++;
        });
        break;
      default:
        reader.name();
        reader.at = end;
    }
    if (!reader.isAtEnd) reader.refuse('malformed', `Bytes are left over in section ${id}.`);
  }
  const end = new Reader(wasm, wasm.length);
  if (declaredData !== null && declaredData !== foundData)
    end.refuse('malformed', `${declaredData} data segments announced, ${foundData} found.`);
  const missing = module.functions.length - module.importedFunctions - module.bodies.length;
  if (missing !== 0)
    end.refuse('malformed', 'Functions declared and functions defined differ in number.');
  return module;
}

/** A vector: a count, then as many things as it says. Every thing takes at least one byte. */
function each(reader: Reader, max: number, what: string, read: () => void): void {
  const start = reader.at;
  const count = reader.u32();
  if (count > max) reader.refuse('limit_exceeded', `${count} ${what}; at most ${max}.`, start);
  for (let i = 0; i < count; i++) read();
}

function readTypeIndex(reader: Reader, module: KernelModule): FunctionType {
  const start = reader.at;
  const index = reader.u32();
  const type = module.types[index];
  if (type === undefined) reader.refuse('malformed', `There is no type ${index}.`, start);
  return type;
}

function readImport(reader: Reader, module: KernelModule): void {
  const offset = reader.at;
  const from = reader.name();
  const name = reader.name();
  const kind = readKind(reader);
  let signature = '';
  switch (kind) {
    case 'function': {
      const type = readTypeIndex(reader, module);
      signature = type.signature;
      module.functions.push(type);
      module.importedFunctions++;
      break;
    }
    case 'table':
      readTable(reader, module);
      break;
    case 'memory':
      readMemory(reader, module);
      break;
    case 'global':
      module.globals.push(readGlobalType(reader));
      break;
  }
  module.imports.push({ module: from, name, kind, signature, offset });
}

function readKind(reader: Reader): ExternalKind {
  const byte = reader.byte();
  const kind = externalKinds[byte];
  if (kind === undefined) {
    const what = byte === 4 ? 'Exception tags are not allowed.' : `There is no kind ${byte}.`;
    reader.refuse(byte === 4 ? 'feature_forbidden' : 'malformed', what, reader.at - 1);
  }
  return kind;
}

/** Minimum and maximum of a memory or table. The other flags belong to other proposals. */
function readLimits(reader: Reader): { min: number; max: number | null } {
  const flags = reader.byte();
  if (flags > 1) {
    const what = flags <= 3 ? 'Shared memory belongs to threads.' : 'Memory of 64 bits.';
    reader.refuse('feature_forbidden', what, reader.at - 1);
  }
  return { min: reader.u32(), max: flags === 1 ? reader.u32() : null };
}

function readTable(reader: Reader, module: KernelModule): void {
  const start = reader.at;
  readReferenceType(reader);
  const { min } = readLimits(reader);
  if (min > kernelLimits.tableEntriesMax)
    reader.refuse(
      'limit_exceeded',
      `A table of ${min} entries; at most ${kernelLimits.tableEntriesMax}.`,
      start,
    );
  module.tables++;
}

function readMemory(reader: Reader, module: KernelModule): void {
  const offset = reader.at;
  if (module.memory !== null)
    reader.refuse('feature_forbidden', 'A second memory belongs to multi-memory.', offset);
  const { min, max } = readLimits(reader);
  module.memory = { initialPages: min, maxPages: max, offset };
}

function readGlobalType(reader: Reader): KernelModule['globals'][number] {
  const offset = reader.at;
  const type = readValueType(reader);
  const mutability = reader.byte();
  if (mutability > 1)
    reader.refuse('malformed', 'A global is mutable (1) or not (0).', reader.at - 1);
  return { type, isMutable: mutability === 1, offset };
}

function readGlobal(reader: Reader, module: KernelModule): void {
  const global = readGlobalType(reader);
  readConstantExpression(reader, module.functions.length);
  module.globals.push(global);
}

function readExport(reader: Reader, module: KernelModule): void {
  const offset = reader.at;
  const name = reader.name();
  const kind = readKind(reader);
  const index = reader.u32();
  const count = {
    function: module.functions.length,
    table: module.tables,
    memory: module.memory === null ? 0 : 1,
    global: module.globals.length,
  }[kind];
  if (index >= count)
    reader.refuse('malformed', `Export "${name}": there is no ${kind} ${index}.`, offset);
  module.exports.push({ name, kind, index, offset });
}

/** The flags say: bit 0 not active, bit 1 names a table or is declarative, bit 2 expressions. */
function readElementSegment(reader: Reader, module: KernelModule): void {
  const start = reader.at;
  const flags = reader.u32();
  if (flags > 7) reader.refuse('malformed', `Element segment flags ${flags}.`, start);
  const isActive = (flags & 1) === 0;
  if (isActive) {
    const table = flags & 2 ? reader.u32() : 0;
    if (table >= module.tables) reader.refuse('malformed', `There is no table ${table}.`, start);
    readConstantExpression(reader, module.functions.length);
  }
  const usesExpressions = (flags & 4) !== 0;
  if (flags & 3) {
    if (usesExpressions) readReferenceType(reader);
    else if (reader.byte() !== 0) reader.refuse('malformed', 'Element kind.', reader.at - 1);
  }
  each(reader, kernelLimits.tableEntriesMax, 'elements', () => {
    const at = reader.at;
    const target = usesExpressions
      ? readConstantExpression(reader, module.functions.length)
      : reader.u32();
    if (target === null) return;
    if (target >= module.functions.length)
      reader.refuse('malformed', `There is no function ${target}.`, at);
    module.tableFunctions.add(target);
  });
  module.elements++;
}

function readBody(reader: Reader, module: KernelModule): void {
  const at = reader.at;
  const size = reader.u32();
  if (size > kernelLimits.bodyBytesMax)
    reader.refuse(
      'limit_exceeded',
      `Function ${module.importedFunctions + module.bodies.length} has ${size} bytes; at most ${kernelLimits.bodyBytesMax}.`,
      at,
    );
  const start = reader.at;
  reader.skip(size);
  module.bodies.push({ start, end: reader.at });
}

function readDataSegment(reader: Reader, module: KernelModule): void {
  const start = reader.at;
  const mode = reader.u32();
  if (mode > 2) reader.refuse('malformed', `Data segment mode ${mode}.`, start);
  if (mode === 2 && reader.u32() !== 0)
    reader.refuse('feature_forbidden', 'A second memory belongs to multi-memory.', start);
  if (mode === 1) module.passiveDataAt ??= start;
  else readConstantExpression(reader, module.functions.length);
  reader.skip(reader.u32());
}
