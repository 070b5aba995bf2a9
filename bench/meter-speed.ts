/** MiB of kernels that the meter reads, checks and rewrites per second, once its code is warm. */
import { meterKernel } from '../kernel/meter.ts';

/** The fastest of many passes over all kernels, for at least as long as V8 takes to optimise. */
const passesMs = 4000;
const memoryPagesMax = 4096;

export function measureMeter(kernels: readonly Uint8Array[]): number {
  const mib = kernels.reduce((sum, { length }) => sum + length, 0) / 2 ** 20;
  let fastest = Infinity;
  const until = performance.now() + passesMs;
  while (performance.now() < until) {
    const began = performance.now();
    for (const kernel of kernels) meterKernel(kernel, { memoryPagesMax });
    fastest = Math.min(fastest, performance.now() - began);
  }
  return (mib * 1000) / fastest;
}
