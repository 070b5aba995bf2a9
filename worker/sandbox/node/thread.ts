/** A thread of the sandbox process: Piscina calls the default export with one run at a time. */
import { parentPort } from 'node:worker_threads';
import { runKernel } from '../runner.ts';
import type { UnitEnd, UnitRun } from '../sandbox.ts';
import { seldom } from '../seldom.ts';
import type { FromProcess, RunNumber } from './messages.ts';

export interface ThreadWork {
  run: RunNumber;
  module: WebAssembly.Module;
  unit: UnitRun;
}

export default function runInThread({ run, module, unit }: ThreadWork): UnitEnd {
  const tell = (fraction: number) =>
    parentPort?.postMessage({ kind: 'progress', run, fraction } satisfies FromProcess);
  return runKernel(module, unit, seldom(tell));
}

/** Called once in each thread, so that it has loaded all of this before its first run. */
export function warmUp(): void {}
