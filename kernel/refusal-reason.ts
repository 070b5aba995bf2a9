/** Why a module is not accepted as a kernel, for programs: these words are stable. */
export const refusalReasons = [
  /** The bytes do not begin as a WebAssembly module of version 1. */
  'not_wasm',
  /** The bytes contradict the binary format. */
  'malformed',
  /** An instruction, type or section of a proposal that kernels may not use. */
  'feature_forbidden',
  /** A start section would run before fuel is set. */
  'start_forbidden',
  /** The module changes a table; the meter needs to know who can call whom. */
  'table_mutation_forbidden',
  /** An import that is neither WASI preview 1 nor `manyhands`, or not a function. */
  'import_forbidden',
  /** An allowed import with parameters or results that are not its own. */
  'import_signature',
  /** A kernel exports `memory` and a way to start it; this one lacks one, or has it otherwise. */
  'export_missing',
  /** The module exports a name that belongs to us: most likely it has been metered already. */
  'export_reserved',
  /** It begins with more memory than it may have. */
  'memory_over_limit',
  /** Checkpoints were asked for, and the module has state that no checkpoint can hold. */
  'checkpoint_impossible',
  /** A cap of `limits.ts` against modules that are cheap to send and dear to compile. */
  'limit_exceeded',
] as const;

export type RefusalReason = (typeof refusalReasons)[number];
