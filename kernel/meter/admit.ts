/** What a kernel may be: the rules that look at the module as a whole. */
import { KernelRefused } from '../refused.ts';
import { allowedImport } from './imports.ts';
import type { KernelExport, KernelModule } from './module.ts';
import { section } from './sections.ts';
import { valueType } from './value-types.ts';

/**
 * A command has `_start` and runs once. A reactor is driven by calls from outside. Anything else is
 * none: a library, or a module for some other host.
 */
export type KernelKind = 'command' | 'reactor' | 'none';

/** What the metered module exports besides its own; see `meter.ts` for their meaning. */
export const meterExports = {
  fuel: 'manyhands_fuel',
  stack: 'manyhands_stack',
  pages: 'manyhands_pages',
  growth: 'manyhands_growth',
} as const;

/** Only of a kernel metered for checkpoints: how many mutable globals it has, and each of them. */
export const globalCountExport = 'manyhands_globals';
export const globalExport = (index: number): string => `manyhands_global_${index}`;

const RESERVED_PREFIX = 'manyhands_';

export function kindOf(module: KernelModule): KernelKind {
  if (find(module, '_start', 'function')) return 'command';
  return find(module, '_initialize', 'function') ? 'reactor' : 'none';
}

/** Throws the first rule that the module breaks. */
export function admit(module: KernelModule, memoryPagesMax: number): void {
  for (const door of module.imports) {
    const full = `${door.module}.${door.name}`;
    const signature = allowedImport(door.module, door.name);
    if (door.kind !== 'function' || signature === null)
      throw new KernelRefused(
        'import_forbidden',
        `A kernel may import functions of wasi_snapshot_preview1 and manyhands, not the ${door.kind} ${full}.`,
        door.offset,
      );
    if (signature !== door.signature)
      throw new KernelRefused(
        'import_signature',
        `${full} is ${told(signature)}, imported here as ${told(door.signature)}.`,
        door.offset,
      );
  }
  if (module.startAt !== null)
    throw new KernelRefused(
      'start_forbidden',
      'A start section would run before fuel is set.',
      module.startAt,
    );
  for (const { name, offset } of module.exports)
    if (name.startsWith(RESERVED_PREFIX))
      throw new KernelRefused(
        'export_reserved',
        `Names like ${name} are the meter's own. Has this module been metered already?`,
        offset,
      );
  if (module.memory !== null && module.memory.initialPages > memoryPagesMax)
    throw new KernelRefused(
      'memory_over_limit',
      `It begins with ${module.memory.initialPages} pages of 64 KiB; at most ${memoryPagesMax}.`,
      module.memory.offset,
    );
}

/** `iI>i` as text has it: (i32, i64) → i32. */
function told(signature: string): string {
  const [params = '', results = ''] = signature.split('>');
  const list = (letters: string) =>
    [...letters].map((letter) => typeNames[letter] ?? letter).join(', ');
  return `(${list(params)}) → ${results === '' ? 'nothing' : list(results)}`;
}

const typeNames: Record<string, string> = {
  i: 'i32',
  I: 'i64',
  f: 'f32',
  F: 'f64',
  v: 'v128',
  r: 'funcref',
  e: 'externref',
};

/**
 * Throws when there is no way to run the module: a command has `_start`, a stepped kernel `step` and
 * one of `_start` and `_initialize` (`docs/KERNELS.md` tells how they are called).
 */
export function admitEntry(module: KernelModule): void {
  const step = find(module, 'step', 'function');
  const start =
    find(module, '_start', 'function') ?? (step && find(module, '_initialize', 'function'));
  if (start === undefined)
    throw new KernelRefused(
      'export_missing',
      'A kernel exports the function _start.',
      exportsAt(module),
    );
  if (module.functions[start.index]?.signature !== '>')
    throw new KernelRefused(
      'export_missing',
      `${start.name} takes and returns nothing.`,
      start.offset,
    );
  if (step !== undefined && module.functions[step.index]?.signature !== '>i')
    throw new KernelRefused('export_missing', 'step takes nothing and returns i32.', step.offset);
  if (find(module, 'memory', 'memory') === undefined)
    throw new KernelRefused(
      'export_missing',
      'A kernel exports its memory as "memory".',
      exportsAt(module),
    );
}

const SAVED_TYPES: readonly number[] = [valueType.i32, valueType.i64, valueType.f32, valueType.f64];

/** Throws when the module has state that its host can neither read nor set. */
export function admitCheckpoints(module: KernelModule): void {
  const unsaved = module.globals.find(
    ({ type, isMutable }) => isMutable && !SAVED_TYPES.includes(type),
  );
  if (unsaved !== undefined)
    throw new KernelRefused(
      'checkpoint_impossible',
      'A mutable global holds a vector or a reference, which no checkpoint can save.',
      unsaved.offset,
    );
  if (module.passiveDataAt !== null)
    throw new KernelRefused(
      'checkpoint_impossible',
      'A passive data segment can be dropped, and no checkpoint can tell whether it was.',
      module.passiveDataAt,
    );
}

/** Where an export that is missing would stand: in the section of exports, or at the end. */
export const exportsAt = ({ sections, bytes }: KernelModule): number =>
  sections.find(({ id }) => id === section.export)?.start ?? bytes.length;

function find(module: KernelModule, name: string, kind: string): KernelExport | undefined {
  return module.exports.find((door) => door.name === name && door.kind === kind);
}
