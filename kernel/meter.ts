/**
 * Turns a WebAssembly module into a kernel: checks that it may be one, and writes a copy that counts
 * what it does. The same kernel on the same input then uses the same *fuel* on every host.
 *
 * The metered module exports four globals of its own:
 *
 *   manyhands_fuel    i64  set to the unit's fuelMax before `_start`; what is left, afterwards.
 *                          Negative: the fuel is exhausted, whatever else ended the run.
 *   manyhands_stack   i32  bytes of call stack that recursion may still take. Negative after a trap:
 *                          the recursion was too deep. Set by itself.
 *   manyhands_pages   i32  how far memory.grow may go; a runner may lower it before `_start`.
 *                          Raising it has no effect.
 *   manyhands_growth  i32  1: memory.grow was refused for that limit, at some time. 2, after a trap:
 *                          this host had no memory to give, which is no result of the unit.
 *
 * Fuel is the sum of the weights (`meter/weights.ts`) of the instructions that ran: exactly, at
 * every call out of the kernel, at its return, at `unreachable`, and where the fuel runs out. It
 * runs out at the first loop head, call, bulk operation or memory.grow that finds it negative; and a
 * run that used more than it had is `fuel_exhausted` even if it came to its end, so that the outcome
 * depends on the fuel alone.
 *
 * A trap of another kind (division by zero, access out of bounds) leaves the fuel of the last loop
 * head, call or function entry before it, give or take one way through the code without any of
 * these; a loop whose turns were counted beforehand is one such way. It is an estimate, mostly low,
 * and the same on every host.
 *
 * WebAssembly leaves open which NaN arithmetic gives, and hosts differ. The metered kernel shows one
 * only, the positive canonical NaN, wherever bits can be seen (`meter/nan-flow.ts`). What can still
 * differ between hosts is a stack that is smaller than `meter/call-graph.ts` counts on.
 *
 * Types are not checked here: `WebAssembly.validate`, before or after, does that. The indices are,
 * so that no instruction of the original can touch what the meter adds.
 */
import { admit, admitCheckpoints, admitEntry, type KernelKind, kindOf } from './meter/admit.ts';
import { decodeModule } from './meter/decode.ts';
import { encodeMetered } from './meter/encode.ts';
import { WHOLE_MEMORY_PAGES } from './meter/limits.ts';
import { survey } from './meter/survey.ts';
import { METER_VERSION } from './meter/weights.ts';

export { KernelRefused } from './refused.ts';
export { METER_VERSION };

export interface MeterOptions {
  /** Most pages of 64 KiB the kernel's memory may ever have. */
  memoryPagesMax: number;
  /**
   * Lets a host save and restore the kernel: its n mutable globals are exported, the meter's among
   * them, as manyhands_global_0 to n-1, and n as manyhands_globals. Refuses kernels with state that
   * a host cannot reach. It changes no fuel.
   */
  checkpoints?: boolean;
  /**
   * `any` leaves the NaNs of arithmetic as the host makes them: for kernels that are known to let none
   * out, since those that store nearly all they compute take up to 1.2 times as long with `same`,
   * which is the default. It is not charged.
   */
  nans?: 'same' | 'any';
}

export interface MeteredKernel {
  wasm: Uint8Array;
  /** Equal versions charge equal fuel. */
  meterVersion: number;
  kind: KernelKind;
  /** Proposals beyond the first WebAssembly that the kernel uses, sorted. */
  features: string[];
}

/** Throws `KernelRefused` when the module may not be a kernel, RangeError for more than all memory. */
export function meterKernel(wasm: Uint8Array, options: MeterOptions): MeteredKernel {
  const { memoryPagesMax, checkpoints = false, nans = 'same' } = options;
  if (
    !Number.isInteger(memoryPagesMax) ||
    memoryPagesMax < 0 ||
    memoryPagesMax > WHOLE_MEMORY_PAGES
  )
    throw new RangeError(
      `memoryPagesMax is ${memoryPagesMax}; it is a number of pages, to ${WHOLE_MEMORY_PAGES}.`,
    );
  const module = decodeModule(wasm);
  admit(module, memoryPagesMax);
  admitEntry(module);
  if (checkpoints) admitCheckpoints(module);
  const { plans, recursive, stackBytes, findings } = survey(module, nans);
  return {
    wasm: encodeMetered({ module, plans, recursive, stackBytes, memoryPagesMax, checkpoints }),
    meterVersion: METER_VERSION,
    kind: kindOf(module),
    features: [...findings.features].sort(),
  };
}
