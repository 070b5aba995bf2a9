/**
 * Why a module is not accepted as a kernel. A refusal is an expected outcome, not a crash: whoever
 * uploaded the module reads the sentence and looks at the offset, programs look at the reason.
 * Reasons are stable; sentences may get better.
 */
export type RefusalReason =
  /** The bytes do not begin as a WebAssembly module of version 1. */
  | 'not_wasm'
  /** The bytes contradict the binary format. */
  | 'malformed'
  /** An instruction, type or section of a proposal that kernels may not use. */
  | 'feature_forbidden'
  /** A start section would run before fuel is set. */
  | 'start_forbidden'
  /** The module changes a table; the meter needs to know who can call whom. */
  | 'table_mutation_forbidden'
  /** An import that is neither WASI preview 1 nor `manyhands`, or not a function. */
  | 'import_forbidden'
  /** An allowed import with parameters or results that are not its own. */
  | 'import_signature'
  /** A kernel exports `memory` and a way to start it; this one lacks one, or has it otherwise. */
  | 'export_missing'
  /** The module exports a name that belongs to us: most likely it has been metered already. */
  | 'export_reserved'
  /** It begins with more memory than it may have. */
  | 'memory_over_limit'
  /** Checkpoints were asked for, and the module has state that no checkpoint can hold. */
  | 'checkpoint_impossible'
  /** A cap of `limits.ts` against modules that are cheap to send and dear to compile. */
  | 'limit_exceeded';

export interface Refusal {
  reason: RefusalReason;
  /** A sentence for a human. */
  detail: string;
  /** Where in the module, in bytes from its start. */
  offset: number;
}

export class KernelRefused extends Error implements Refusal {
  readonly reason: RefusalReason;
  readonly detail: string;
  readonly offset: number;

  constructor(reason: RefusalReason, detail: string, offset: number) {
    super(`${reason} at byte ${offset}: ${detail}`);
    this.name = 'KernelRefused';
    this.reason = reason;
    this.detail = detail;
    this.offset = offset;
  }
}
