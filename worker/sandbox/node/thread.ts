/** A thread of the sandbox process: Piscina calls the default export with one run at a time. */
import { parentPort } from 'node:worker_threads';
import { runKernel } from '../runner.ts';
import type { UnitEnd, UnitRun } from '../sandbox.ts';
import type { FromProcess, RunNumber } from './messages.ts';

export interface ThreadWork {
  run: RunNumber;
  module: WebAssembly.Module;
  unit: UnitRun;
}

/** Kernels may tell their progress in a tight loop; a person looks once a second. */
const progressEveryMs = 1000;

export default function runInThread({ run, module, unit }: ThreadWork): UnitEnd {
  let nextMs = 0;
  return runKernel(module, unit, (fraction) => {
    const now = performance.now();
    if (now < nextMs) return;
    nextMs = now + progressEveryMs;
    parentPort?.postMessage({ kind: 'progress', run, fraction } satisfies FromProcess);
  });
}

/** Called once in each thread, so that it has loaded all of this before its first run. */
export function warmUp(): void {}
