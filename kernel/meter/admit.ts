/** What a kernel may be: the rules that look at the module as a whole. */
import { KernelRefused } from '../refused.ts';
import { allowedImport } from './imports.ts';
import type { KernelExport, KernelModule } from './module.ts';

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
        `${full} is ${signature}, imported here as ${door.signature}.`,
        door.offset,
      );
  }
  const reserved: string[] = Object.values(meterExports);
  for (const { name, offset } of module.exports)
    if (reserved.includes(name))
      throw new KernelRefused(
        'export_reserved',
        `The meter exports ${name} itself. Has this module been metered already?`,
        offset,
      );
  if (module.memory !== null && module.memory.initialPages > memoryPagesMax)
    throw new KernelRefused(
      'memory_over_limit',
      `It begins with ${module.memory.initialPages} pages of 64 KiB; at most ${memoryPagesMax}.`,
      module.memory.offset,
    );
}

/** Throws when the module is not a WASI command. */
export function admitCommand(module: KernelModule): void {
  const start = find(module, '_start', 'function');
  if (start === undefined)
    throw new KernelRefused('export_missing', 'A kernel exports the function _start.', 0);
  const signature = module.functions[start.index]?.signature;
  if (signature !== '>')
    throw new KernelRefused('export_missing', '_start takes and returns nothing.', start.offset);
  if (find(module, 'memory', 'memory') === undefined)
    throw new KernelRefused('export_missing', 'A kernel exports its memory as "memory".', 0);
}

function find(module: KernelModule, name: string, kind: string): KernelExport | undefined {
  return module.exports.find((door) => door.name === name && door.kind === kind);
}
