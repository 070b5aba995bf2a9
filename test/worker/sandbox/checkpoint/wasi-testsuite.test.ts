/**
 * The programs of the WASI test suite, stopped before each of their calls: every time they go on in a
 * new instance, once in another process, and still pass. Preparing one takes seconds, so a test run
 * takes four of them, and `npm run soak` all of them.
 */
import { existsSync } from 'node:fs';
import { describe, expect } from 'vitest';
import { asyncifyKernel } from '../../../../kernel/builders/asyncify.ts';
import { decodeModule } from '../../../../kernel/meter/decode.ts';
import { packSnapshot } from '../../../../worker/sandbox/checkpoint/pack.ts';
import { runKernel } from '../../../../worker/sandbox/runner.ts';
import type { UnitEnd } from '../../../../worker/sandbox/sandbox.ts';
import { type WasiProgram, wasiTestsuite } from '../wasi-programs.ts';
import { meterForCheckpoints, moduleOf, runInPieces, stopOrEnd } from './a-stoppable-kernel.ts';
import { dist, inProcess } from './resume-elsewhere.ts';
import { withCheckpoints } from './stops-everywhere.ts';

const every = Number(process.env['WASI_SAVED_EVERY'] ?? 24);
const bytesMax = 64 * 1024 * 1024;

describe.skipIf(!existsSync(`${dist}/worker/sandbox/checkpoint`))(
  '[S3] saved at every call (from dist/, which has to be built)',
  () => {
    wasiTestsuite('pieces', runSaved, every);
  },
);

async function runSaved({ unmetered, run }: WasiProgram): Promise<UnitEnd> {
  const wasm = asyncifyKernel(meterForCheckpoints(withCheckpoints(unmetered)));
  const module = moduleOf(wasm);
  const stayed = runKernel(module, run);
  const { end, stops } = runInPieces(module, run);
  expect(end).toEqual(stayed);
  // Two programs have an empty memory, in which no stack can be kept.
  if (decodeModule(unmetered).memory?.initialPages === 0) return end;
  expect(stops).toBeGreaterThan(0);

  let left = Math.ceil(stops / 2);
  const midway = stopOrEnd(module, run, () => --left === 0);
  if ('outcome' in midway) throw new Error('it ended instead of stopping');
  const packed = await packSnapshot(midway);
  expect(inProcess({ wasm, run, packed, bytesMax, isToStop: false })).toEqual({ end: stayed });
  return end;
}
