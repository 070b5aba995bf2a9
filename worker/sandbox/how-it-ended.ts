/**
 * From what a run left behind to its outcome and a sentence for the scientist. The rules, the first
 * that fits:
 *
 * 1. Fuel below zero is `fuel_exhausted`, however the run came to its end.
 * 2. What this host could not give (memory within the limit, stack, a working engine) is
 *    `host_error`: it says nothing of the kernel and must not become part of a result.
 * 3. Output past its bound is `output_exceeded`, seen at the write that passed it.
 * 4. A kernel that ends by itself is `success` with code 0, else `kernel_exit`.
 * 5. A trap after memory.grow was refused for the limit is `memory_exceeded`: libraries answer a
 *    failed allocation by aborting, and the limit is what the scientist has to change. The refusal
 *    is seen by the meter; that it led to the trap is an assumption, so the trap is told as well.
 * 6. Any other trap is `kernel_trap`.
 */
import { limits } from '../../protocol/limits.ts';
import type { Outcome } from '../../protocol/outcome.ts';
import { growth, type MeterGauges } from './meter-gauges.ts';
import { Ending } from './wasi/ending.ts';
import { Refusal } from './wasi/errno.ts';

export interface HowItEnded {
  outcome: Outcome;
  exitCode: number | null;
  detail: string;
}

/** `thrown` is null when `_start` returned; `gauges` is null when it was never called. */
export function howItEnded(
  thrown: unknown,
  gauges: MeterGauges | null,
  run: { fuelMax: number; outputBytesMax: number },
): HowItEnded {
  if (gauges === null) return couldNotStart(thrown);
  if (gauges.fuel.value < 0n)
    return failed('fuel_exhausted', `The kernel used up limits.fuelMax, ${run.fuelMax}.`);
  if (gauges.growth.value === growth.hostFailed)
    return failed('host_error', 'This host is short of memory.');
  if (thrown === null) return exited(0, gauges);
  if (thrown instanceof Ending)
    return thrown.cause.kind === 'exit'
      ? exited(thrown.cause.code, gauges)
      : outputExceeded(run.outputBytesMax);
  if (thrown instanceof WebAssembly.RuntimeError) return trapped(thrown, gauges);
  return failed('host_error', `This host could not run the kernel: ${String(thrown)}.`);
}

export const outputExceeded = (bytesMax: number): HowItEnded =>
  failed('output_exceeded', `The kernel wrote more than limits.outputBytesMax, ${bytesMax} bytes.`);

function couldNotStart(thrown: unknown): HowItEnded {
  if (thrown instanceof Refusal)
    return failed('host_error', 'The paths of run.files or run.outputs contradict each other.');
  if (thrown instanceof WebAssembly.RuntimeError)
    return failed('kernel_trap', `The kernel trapped before it began: ${thrown.message}.`);
  return failed('host_error', `This host could not start the kernel: ${String(thrown)}.`);
}

function exited(code: number, gauges: MeterGauges): HowItEnded {
  if (code === 0) return { outcome: 'success', exitCode: 0, detail: '' };
  const why = wasRefusedMemory(gauges) ? ' It had been refused memory past its limit.' : '';
  const detail = `The kernel exited with code ${code}.${why}`;
  return { outcome: 'kernel_exit', exitCode: code, detail };
}

function trapped(trap: Error, gauges: MeterGauges): HowItEnded {
  if (gauges.stack.value < 0)
    return failed('kernel_trap', 'The kernel called itself too deep: its call stack is used up.');
  if (wasRefusedMemory(gauges))
    return failed(
      'memory_exceeded',
      `The kernel wanted more than limits.memoryBytesMax and trapped: ${trap.message}.`,
    );
  return failed('kernel_trap', `The kernel trapped: ${trap.message}.`);
}

const wasRefusedMemory = (gauges: MeterGauges): boolean => gauges.growth.value === growth.overLimit;

const failed = (outcome: Outcome, detail: string): HowItEnded => ({
  outcome,
  exitCode: null,
  // An engine's own words are as long as it likes.
  detail: detail.slice(0, limits.detailCharsMax),
});
