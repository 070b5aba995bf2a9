/**
 * Why a module is not accepted as a kernel. A refusal is an expected outcome, not a crash: whoever
 * uploaded the module reads the sentence and looks at the offset, programs look at the reason.
 * Reasons are stable; sentences may get better.
 */
import { changeFor } from './change.ts';
import type { RefusalReason } from './refusal-reason.ts';

export type { RefusalReason };

export interface Refusal {
  reason: RefusalReason;
  /** A sentence for a human. */
  detail: string;
  /** Where in the module, in bytes from its start. */
  offset: number;
  /** What to do about it, with the flag of the compiler where there is one. */
  change: string;
}

export class KernelRefused extends Error implements Refusal {
  readonly reason: RefusalReason;
  readonly detail: string;
  readonly offset: number;
  readonly change: string;

  constructor(reason: RefusalReason, detail: string, offset: number) {
    super(`${reason} at byte ${offset}: ${detail}`);
    this.name = 'KernelRefused';
    this.reason = reason;
    this.detail = detail;
    this.offset = offset;
    this.change = changeFor(reason, detail);
  }
}
