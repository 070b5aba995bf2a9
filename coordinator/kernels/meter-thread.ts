/**
 * The thread that validates and meters one kernel, and says why when it is refused. For a migratable
 * job it may also run Asyncify, which is Binaryen, which is WebAssembly: its memory is no thread's
 * heap, so it has a limit of its own here.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { meterMigratableKernel } from '../../kernel/builders/migratable.ts';
import { KernelRefused, type MeterOptions, meterKernel } from '../../kernel/meter.ts';
import { mistyped } from '../../kernel/mistyped.ts';

export type MeterRequest = { wasm: Uint8Array; options: MeterOptions; isMigratable: boolean };
export type MeterReply =
  | { kind: 'metered'; wasm: Uint8Array; meterVersion: number; features: string[] }
  | { kind: 'refused'; why: string };

/** Binaryen was seen to take 150 MiB for 150 KB: this is enough for whatever it can do in time. */
const binaryenBytesMax = 1024 * 1024 * 1024;

async function meter({ wasm, options, isMigratable }: MeterRequest): Promise<MeterReply> {
  try {
    const meterForJob = isMigratable ? meterMigratableKernel : meterKernel;
    const metered = await meterForJob(wasm, options);
    // The meter checks what it changes; types are V8's to check, and it must be asked.
    if (!WebAssembly.validate(metered.wasm as Uint8Array<ArrayBuffer>)) {
      throw mistyped(wasm);
    }
    const { meterVersion, features } = metered;
    return { kind: 'metered', wasm: metered.wasm, meterVersion, features };
  } catch (error) {
    if (!(error instanceof KernelRefused)) throw error;
    return { kind: 'refused', why: `${error.message} ${error.change}` };
  }
}

/** Every growth of a memory in this thread comes by here, as Binaryen was compiled to ask JavaScript. */
function limitMemories(bytesMax: number): void {
  const { grow } = WebAssembly.Memory.prototype;
  WebAssembly.Memory.prototype.grow = function growWithin(this: WebAssembly.Memory, pages) {
    if (this.buffer.byteLength + Number(pages) * 65_536 > bytesMax)
      throw new RangeError(`over ${bytesMax} bytes of memory`);
    return grow.call(this, pages);
  };
}

limitMemories(binaryenBytesMax);
parentPort?.postMessage(await meter(workerData as MeterRequest));
