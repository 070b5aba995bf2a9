/** What a module imports, declares and exports: all of it but the bodies of its functions. */
import type { Section } from './sections.ts';
import type { FunctionType } from './value-types.ts';

export type ExternalKind = 'function' | 'table' | 'memory' | 'global';

export interface KernelImport {
  module: string;
  name: string;
  kind: ExternalKind;
  /** Of a function, like `ii>i`; empty for the other kinds, which are refused anyway. */
  signature: string;
  offset: number;
}

export interface KernelExport {
  name: string;
  kind: ExternalKind;
  index: number;
  offset: number;
}

export interface KernelMemory {
  initialPages: number;
  /** Null when the module declares none. */
  maxPages: number | null;
  offset: number;
}

export interface KernelModule {
  bytes: Uint8Array;
  sections: Section[];
  types: FunctionType[];
  imports: KernelImport[];
  /** The type of every function, the imported ones first. */
  functions: FunctionType[];
  importedFunctions: number;
  tables: number;
  memory: KernelMemory | null;
  globals: { type: number; isMutable: boolean; offset: number }[];
  exports: KernelExport[];
  /** Where the start section stands; null when there is none. */
  startAt: number | null;
  elements: number;
  /** Functions that stand in some element segment: call_indirect can reach these and no others. */
  tableFunctions: Set<number>;
  dataSegments: number;
  /** Where the first data segment stands that only memory.init reads; null when there is none. */
  passiveDataAt: number | null;
  /** Where each body begins and ends, in the order of the functions that are not imported. */
  bodies: { start: number; end: number }[];
}
