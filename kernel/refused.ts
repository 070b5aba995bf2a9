/**
 * Why a module is not accepted as a kernel. A refusal is an expected outcome, not a crash: whoever
 * uploaded the module reads the sentence and looks at the place, programs look at the reason.
 * Reasons are stable; sentences may get better.
 */
import { changeFor } from './change.ts';
import type { RefusalReason } from './refusal-reason.ts';

export type { RefusalReason };

export interface Refusal {
  reason: RefusalReason;
  /** A sentence for a human. */
  detail: string;
  /** Where in the module, in bytes from its start. What is missing is missed where it would stand. */
  offset: number;
  /** The function that it stands in; absent when it stands in none. */
  function?: FunctionName;
  /** What to do about it, with the flag of the compiler where there is one. */
  change: string;
}

export interface FunctionName {
  index: number;
  /** As the module's name section has it; absent when that was stripped. */
  name?: string;
}

export class KernelRefused extends Error implements Refusal {
  readonly reason: RefusalReason;
  readonly detail: string;
  readonly offset: number;
  readonly function?: FunctionName;
  readonly change: string;

  constructor(reason: RefusalReason, detail: string, offset: number, within?: FunctionName) {
    super(tellRefusal({ reason, detail, offset, ...(within && { function: within }) }));
    this.name = 'KernelRefused';
    this.reason = reason;
    this.detail = detail;
    this.offset = offset;
    if (within !== undefined) this.function = within;
    this.change = changeFor(reason, detail);
  }

  /** As data, for what is sent or printed. */
  get refusal(): Refusal {
    const { reason, detail, offset, function: within, change } = this;
    return { reason, detail, offset, ...(within && { function: within }), change };
  }
}

/** What, where and why, in one line. */
export function tellRefusal({
  reason,
  detail,
  offset,
  function: within,
}: Omit<Refusal, 'change'>): string {
  const place = `byte ${offset}${within === undefined ? '' : `, in ${told(within)}`}`;
  return `${reason} at ${place}: ${detail}`;
}

const told = ({ index, name }: FunctionName): string =>
  name === undefined ? `function ${index}` : `function ${index} (${name})`;
