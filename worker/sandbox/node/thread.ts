/** A thread of the sandbox process: Piscina calls the default export with one run at a time. */
import { parentPort } from 'node:worker_threads';
import type { UnitEnd } from '../sandbox.ts';
import { runSaving, type SavingRun } from '../saving-run.ts';
import { seldom } from '../seldom.ts';
import type { FromProcess, RunNumber } from './messages.ts';

export interface ThreadWork extends SavingRun {
  run: RunNumber;
  module: WebAssembly.Module;
}

export default function runInThread({ run, module, ...work }: ThreadWork): Promise<UnitEnd> {
  const tell = (message: FromProcess) => parentPort?.postMessage(message);
  return runSaving(module, work, {
    onProgress: seldom((fraction) => tell({ kind: 'progress', run, fraction })),
    onSaved: (saved) => tell({ kind: 'saved', run, saved }),
  });
}

/** Called once in each thread, so that it has loaded all of this before its first run. */
export function warmUp(): void {}
