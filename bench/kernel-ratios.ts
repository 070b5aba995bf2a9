/**
 * How much slower a kernel is with its meter than without, and than native code. Metered, unmetered
 * and native runs of a millisecond or so take turns, hundreds of times, and the fastest of each are
 * compared: what else the machine does makes runs slower, never faster, and hits all three alike.
 * A second copy of the unmetered kernel takes its turn as well. Its ratio ought to be 1; what it is
 * instead is the error of the measurement.
 */
import { meterKernel } from '../kernel/meter.ts';
import type { BenchKernel } from './kernel-sources.ts';
import { type NativeProgram, startNative } from './native-program.ts';
import { type Runnable, runnable } from './runnable-kernel.ts';

/** Enough turns for each to meet a quiet moment, with some nine kernels in half a minute. */
const turns = 300;
/** V8 compiles a kernel twice, the second time in the background while the first code runs. */
const warmUpMs = 400;
const memoryPagesMax = 4096;

export type KernelRatios = {
  name: string;
  /** Counting fuel, as in a job with `"nans": "any"`. */
  meteredOverUnmetered: number;
  /** The same with all NaNs made alike, which is the default. */
  sameNansOverUnmetered: number;
  /** Of the second of these. Null without a native compiler. */
  wasmOverNative: number | null;
  /** What one copy of the unmetered kernel takes over another: 1, but for the error. */
  control: number;
  meteredBytesOverBytes: number;
};

export async function measureRatios(kernel: BenchKernel): Promise<KernelRatios> {
  const { name, wasm, program } = kernel;
  const metered = meterKernel(wasm, { memoryPagesMax, nans: 'any' }).wasm;
  const sameNans = meterKernel(wasm, { memoryPagesMax }).wasm;
  const candidates = {
    unmetered: timed(await runnable(wasm, kernel.args)),
    metered: timed(await runnable(metered, kernel.args)),
    sameNans: timed(await runnable(sameNans, kernel.args)),
    control: timed(await runnable(apart(wasm), kernel.args)),
  };
  const native = program === null ? null : startNative(program);
  try {
    await agree(name, candidates, native);
    const least = { ...noneYet };
    const keep = (key: keyof typeof least, ms: number) => {
      least[key] = Math.min(least[key], ms);
    };
    for (let turn = 0; turn < turns; turn++) {
      keep('unmetered', candidates.unmetered().ms);
      keep('metered', candidates.metered().ms);
      keep('sameNans', candidates.sameNans().ms);
      keep('control', candidates.control().ms);
      if (native !== null) keep('native', (await native.run()).ms);
    }
    const unmetered = Math.min(least.unmetered, least.control);
    return {
      name,
      meteredOverUnmetered: least.metered / unmetered,
      sameNansOverUnmetered: least.sameNans / unmetered,
      wasmOverNative: native === null ? null : least.sameNans / least.native,
      control: least.control / least.unmetered,
      meteredBytesOverBytes: metered.length / wasm.length,
    };
  } finally {
    await native?.close();
  }
}

const noneYet = {
  unmetered: Infinity,
  metered: Infinity,
  sameNans: Infinity,
  control: Infinity,
  native: Infinity,
};

type Timed = () => { result: number; ms: number };

const timed =
  (run: Runnable): Timed =>
  () => {
    const began = performance.now();
    const result = run();
    return { result, ms: performance.now() - began };
  };

/** Warms everything up, and refuses to compare what does not compute the same. */
async function agree(
  name: string,
  candidates: Record<string, Timed>,
  native: NativeProgram | null,
): Promise<void> {
  const results = new Set<number>();
  for (const run of Object.values(candidates)) {
    const until = performance.now() + warmUpMs;
    while (performance.now() < until) {
      results.add(run().result >>> 0);
      // The compiler in the background hands its code over between runs.
      await new Promise(setImmediate);
    }
  }
  if (native !== null) results.add((await native.run()).checksum);
  if (results.size !== 1) throw new Error(`${name} gave ${[...results].join(' and ')}`);
}

/** The same module with an empty custom section at its end: for equal bytes V8 would share the code. */
function apart(wasm: Uint8Array): Uint8Array {
  const section = [0x00, 0x01, 0x00];
  return new Uint8Array([...wasm, ...section]);
}
