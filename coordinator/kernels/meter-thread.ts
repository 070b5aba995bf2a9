/** The thread that validates and meters one kernel, and says why when it is refused. */
import { parentPort, workerData } from 'node:worker_threads';
import { KernelRefused, type MeterOptions, meterKernel } from '../../kernel/meter.ts';

export type MeterRequest = { wasm: Uint8Array; options: MeterOptions };
export type MeterReply =
  | { kind: 'metered'; wasm: Uint8Array; meterVersion: number }
  | { kind: 'refused'; why: string };

function meter({ wasm, options }: MeterRequest): MeterReply {
  try {
    const metered = meterKernel(wasm, options);
    // The meter checks what it changes; types are V8's to check, and it must be asked.
    if (!WebAssembly.validate(metered.wasm as Uint8Array<ArrayBuffer>)) {
      return { kind: 'refused', why: 'It is not a valid WebAssembly module.' };
    }
    return { kind: 'metered', wasm: metered.wasm, meterVersion: metered.meterVersion };
  } catch (error) {
    if (!(error instanceof KernelRefused)) throw error;
    const { reason, offset, detail, change } = error;
    return { kind: 'refused', why: `${reason} at byte ${offset}: ${detail} ${change}` };
  }
}

parentPort?.postMessage(meter(workerData as MeterRequest));
