/** Kernels that can be stopped, and runs that are. */
import { asyncifyKernel } from '../../../../kernel/builders/asyncify.ts';
import { meterKernel } from '../../../../kernel/meter.ts';
import { decodeSnapshot, encodeSnapshot } from '../../../../worker/sandbox/checkpoint/codec.ts';
import type { Snapshot } from '../../../../worker/sandbox/checkpoint/snapshot.ts';
import { runInterruptibly } from '../../../../worker/sandbox/runner.ts';
import type { UnitEnd, UnitRun } from '../../../../worker/sandbox/sandbox.ts';

const memoryPagesMax = 256;

export const meterForCheckpoints = (wasm: Uint8Array): Uint8Array =>
  meterKernel(wasm, { memoryPagesMax, checkpoints: true }).wasm;

/** Metered as a kernel that is never stopped, and metered and asyncified. */
export function bothOf(wasm: Uint8Array): { plain: WebAssembly.Module; able: WebAssembly.Module } {
  const plain = meterKernel(wasm, { memoryPagesMax }).wasm;
  return { plain: moduleOf(plain), able: moduleOf(asyncifyKernel(meterForCheckpoints(wasm))) };
}

export const moduleOf = (wasm: Uint8Array): WebAssembly.Module =>
  new WebAssembly.Module(wasm as Uint8Array<ArrayBuffer>);

/** The first snapshot at which `wantsStop` agrees, or the end. */
export function stopOrEnd(
  module: WebAssembly.Module,
  run: UnitRun,
  wantsStop: () => boolean = () => true,
  from: Snapshot | null = null,
): Snapshot | UnitEnd {
  const stop = runInterruptibly(module, run, { from, wantsStop, onProgress: () => {} });
  return stop.kind === 'saved' ? stop.snapshot : stop.end;
}

export function firstSnapshot(module: WebAssembly.Module, run: UnitRun): Snapshot {
  const stop = stopOrEnd(module, run);
  if ('outcome' in stop) throw new Error(`it ended instead of stopping: ${stop.detail}`);
  return stop;
}

/** Runs to the end, through bytes and a new instance at every stop. */
export function runInPieces(
  module: WebAssembly.Module,
  run: UnitRun,
  wantsStop: () => boolean = () => true,
): { end: UnitEnd; stops: number } {
  let stops = 0;
  let stop = stopOrEnd(module, run, wantsStop);
  for (; !('outcome' in stop); stops++)
    stop = stopOrEnd(module, run, wantsStop, decodeSnapshot(encodeSnapshot(stop)));
  return { end: stop, stops };
}
