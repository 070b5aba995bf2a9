/**
 * Calls a kernel's entries in their order: `_start` or `_initialize` once, then `step`, if there is
 * one, until it says 0. `docs/KERNELS.md` has the rules for kernels; here they are kept.
 *
 * Between two calls a stop may be wanted, and within one at `manyhands.checkpoint` if the kernel was
 * prepared for that. Where it stopped is all that has to be remembered here.
 */
import { demand, type Position } from './checkpoint/snapshot.ts';
import type { Suspension } from './checkpoint/suspension.ts';

export interface Driver {
  suspension: Suspension | null;
  /** Pays for one more call of `step`; without a price, steps that do nothing would never end. */
  payStep: () => void;
  /** Asked after each call; true stops the run before the next. */
  wantsStop: () => boolean;
}

export const beginning: Position = { entry: 'start', stack: null };

/** Where the run stopped, or null when it came to its end. */
export function drive(
  exports: WebAssembly.Exports,
  driver: Driver,
  from: Position,
): Position | null {
  const { suspension } = driver;
  const step = callable(exports['step']);
  const start = callable(exports['_start']) ?? (step && callable(exports['_initialize']));
  if (start === null) throw new Error('The kernel does not export _start.');
  demand(from.entry === 'start' || step !== null, 'the kernel has no steps');
  demand(from.stack === null || suspension !== null, 'the kernel cannot stop within a call');

  let { entry, stack } = from;
  for (;;) {
    if (stack !== null) suspension?.rewind(stack);
    else if (entry === 'step') driver.payStep();
    const more = entry === 'step' ? step?.() : start();
    stack = suspension?.takeStack() ?? null;
    if (stack !== null) return { entry, stack };
    if (step === null || (entry === 'step' && more === 0)) return null;
    entry = 'step';
    if (driver.wantsStop()) return { entry, stack };
  }
}

const callable = (found: unknown): (() => unknown) | null =>
  typeof found === 'function' ? () => found() : null;
