/**
 * The part of WebAssembly's JavaScript interface that we use, in the form of TypeScript's own
 * `lib.dom`. Taking all of `lib.dom` would let code that runs on Node name `document` unnoticed.
 */
declare namespace WebAssembly {
  type ImportValue = ((...args: never[]) => unknown) | Memory | Global;
  type Imports = Record<string, Record<string, ImportValue>>;
  type Exports = Record<string, unknown>;

  interface ModuleDescriptor {
    name: string;
    kind: 'function' | 'global' | 'memory' | 'table';
  }
  interface ModuleImportDescriptor extends ModuleDescriptor {
    module: string;
  }

  interface Module {
    readonly [Symbol.toStringTag]?: string;
  }
  var Module: {
    prototype: Module;
    new (bytes: Uint8Array): Module;
    imports(module: Module): ModuleImportDescriptor[];
    exports(module: Module): ModuleDescriptor[];
  };

  interface Instance {
    readonly exports: Exports;
  }
  var Instance: {
    prototype: Instance;
    new (module: Module, imports?: Imports): Instance;
  };

  interface Memory {
    readonly buffer: ArrayBuffer;
    grow(pages: number): number;
  }
  var Memory: {
    prototype: Memory;
    new (descriptor: { initial: number; maximum?: number }): Memory;
  };

  interface Global {
    value: unknown;
  }
  var Global: {
    prototype: Global;
    new (descriptor: { value: string; mutable?: boolean }, value?: unknown): Global;
  };

  interface CompileError extends Error {}
  var CompileError: { prototype: CompileError; new (message?: string): CompileError };
  interface LinkError extends Error {}
  var LinkError: { prototype: LinkError; new (message?: string): LinkError };
  interface RuntimeError extends Error {}
  var RuntimeError: { prototype: RuntimeError; new (message?: string): RuntimeError };

  function compile(bytes: Uint8Array): Promise<Module>;
  function validate(bytes: Uint8Array): boolean;
}
