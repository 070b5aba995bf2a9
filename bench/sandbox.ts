/**
 * What the sandbox costs: each kernel with its meter against without, and against native code; tiny
 * units per second through a real sandbox with one thread; and how fast the meter itself is.
 *
 * The kernels in bench/kernels are compiled here and now. The kernel of the Mersenne job needs no
 * compiler of the machine's and is always among them, a whole command with its WASI calls.
 *
 * V8 compiles as in the sandbox process of a volunteer, without dynamic tiering.
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { builtKernel } from '../jobs/built-kernel.ts';
import { type FileCallNs, measureFileCalls } from './file-calls.ts';
import { type KernelRatios, measureRatios } from './kernel-ratios.ts';
import { type BenchKernel, compileKernels } from './kernel-sources.ts';
import { measureLongUnit } from './long-units.ts';
import { measureMeter } from './meter-speed.ts';
import { measureTinyUnits } from './tiny-units.ts';

export type SandboxBench = {
  kernels: KernelRatios[];
  geomeanMetered: number;
  geomeanSameNans: number;
  /** Null without a native compiler. */
  geomeanNative: number | null;
  /** How far from 1 is only the error of the measurement. */
  geomeanControl: number;
  tinyUnitsPerSecond: number;
  /** Of the processor time that a unit of ten seconds takes; null where /proc is not. */
  longUnitKernelShare: number | null;
  meterMiBPerSecond: number;
  /** Of 64 bytes each. */
  fileCallNs: FileCallNs;
};

export async function sandbox(say: (line: string) => void): Promise<SandboxBench> {
  setFlagsFromString('--no-wasm-dynamic-tiering');
  const folder = await mkdtemp(join(tmpdir(), 'manyhands-bench-'));
  try {
    const mersenne = await mersenneKernel();
    const compiled = [...(await compileKernels(folder, say)), mersenne];
    const kernels: KernelRatios[] = [];
    for (const kernel of compiled) {
      const ratios = await measureRatios(kernel);
      kernels.push(ratios);
      say(line(ratios));
    }
    const natives = kernels.flatMap(({ wasmOverNative }) => wasmOverNative ?? []);
    const geomeanMetered = geomean(kernels.map((kernel) => kernel.meteredOverUnmetered));
    const geomeanSameNans = geomean(kernels.map((kernel) => kernel.sameNansOverUnmetered));
    const geomeanNative = natives.length === 0 ? null : geomean(natives);
    const geomeanControl = geomean(kernels.map(({ control }) => control));
    say(
      `geometric mean ${times(geomeanMetered)} with the meter, ${times(geomeanSameNans)} with NaNs made the same, ${times(geomeanNative)} native, control ${times(geomeanControl)}`,
    );
    const tinyUnitsPerSecond = await measureTinyUnits(mersenne.wasm);
    say(`${Math.round(tinyUnitsPerSecond)} tiny units per second and thread`);
    const longUnitKernelShare = await measureLongUnit(mersenne.wasm);
    if (longUnitKernelShare !== null)
      say(
        `${(100 * longUnitKernelShare).toFixed(1)} % of the time of a long unit goes to the kernel`,
      );
    const meterMiBPerSecond = measureMeter(compiled.map(({ wasm }) => wasm));
    say(`the meter passes ${meterMiBPerSecond.toFixed(1)} MiB per second`);
    const fileCallNs = measureFileCalls();
    const { write, read, appendEarly, appendLate } = fileCallNs;
    say(
      `64 bytes of a file: ${write.toFixed(0)} ns to write, ${read.toFixed(0)} to read, ${appendEarly.toFixed(0)} to append, ${appendLate.toFixed(0)} to a file ten times as long`,
    );
    return {
      kernels,
      geomeanMetered,
      geomeanSameNans,
      geomeanNative,
      geomeanControl,
      tinyUnitsPerSecond,
      longUnitKernelShare,
      meterMiBPerSecond,
      fileCallNs,
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function mersenneKernel(): Promise<BenchKernel> {
  const wasm = await readFile(
    builtKernel(new URL('../jobs/mersenne/job.js', import.meta.url).href),
  );
  // Large enough for a millisecond of arithmetic, beside which starting is small.
  return { name: 'mersenne', wasm, args: ['mersenne', '--exponent', '1279'], program: null };
}

const geomean = (ratios: readonly number[]): number =>
  Math.exp(ratios.reduce((sum, ratio) => sum + Math.log(ratio), 0) / ratios.length);

const times = (ratio: number | null): string => (ratio === null ? '–' : `${ratio.toFixed(3)}x`);

const line = ({
  name,
  meteredOverUnmetered,
  sameNansOverUnmetered,
  wasmOverNative,
  control,
}: KernelRatios): string =>
  `${name.padEnd(16)} metered ${times(meteredOverUnmetered)}   same NaNs ${times(sameNansOverUnmetered)}   native ${times(wasmOverNative)}   control ${times(control)}`;
