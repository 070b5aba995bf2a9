import { existsSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import { asyncifyKernel } from '../../../../kernel/builders/asyncify.ts';
import type { PackedSnapshot } from '../../../../worker/sandbox/checkpoint/pack.ts';
import { runKernel } from '../../../../worker/sandbox/runner.ts';
import { aRun, wasmOf } from '../a-kernel.ts';
import { meterForCheckpoints, moduleOf } from './a-stoppable-kernel.ts';
import { type Answer, dist, inProcess, program, type Request } from './resume-elsewhere.ts';

const bytesMax = 10_000_000;

/** Six rounds of chance and output in two pages of memory, with a place to stop after each. */
const round = `(drop (call $random (i32.const 70000) (i32.const 8)))
  (i64.store (i32.const 70008)
    (i64.add (i64.load (i32.const 70000)) (i64.load (i32.const 70008))))
  (i32.store (i32.const 0) (i32.const 70008)) (i32.store (i32.const 4) (i32.const 8))
  (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))`;
const head = `(import "wasi_snapshot_preview1" "random_get"
    (func $random (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write"
    (func $write (param i32 i32 i32 i32) (result i32)))
  (import "manyhands" "checkpoint" (func $checkpoint))
  (memory (export "memory") 2) (global $left (mut i32) (i32.const 6))`;
const countDown = '(global.set $left (i32.sub (global.get $left) (i32.const 1)))';
const kernels = {
  stepped: meterForCheckpoints(
    wasmOf(`(module ${head} (func (export "_start"))
      (func (export "step") (result i32) ${round} ${countDown} (global.get $left)))`),
  ),
  asyncified: asyncifyKernel(
    meterForCheckpoints(
      wasmOf(`(module ${head} (func (export "_start")
        (loop $again ${round} (call $checkpoint) ${countDown} (br_if $again (global.get $left)))))`),
    ),
  ),
};

const inThread = (request: Request): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const thread = new Worker(program, { workerData: request });
    thread.once('message', resolve);
    thread.once('error', reject);
  });

describe.skipIf(!existsSync(`${dist}/worker/sandbox/checkpoint`))(
  'a run (from dist/, which has to be built)',
  () => {
    it.each(Object.entries(kernels))(
      '[S3] that moves from process to thread and back ends as if it had stayed: %s',
      async (_, wasm) => {
        const run = aRun({ seed: 42n });
        const stayed = runKernel(moduleOf(wasm), run);
        expect(stayed).toMatchObject({ outcome: 'success' });
        expect(stayed.stdout.length).toBe(48);
        const request = { dist, wasm, run, bytesMax, isToStop: true, packed: null };
        let packed: PackedSnapshot | null = null;
        for (const go of [inProcess, inThread, inThread]) {
          const answer: Answer = await go({ ...request, packed });
          if (!('packed' in answer)) throw new Error('it ended instead of stopping');
          packed = answer.packed;
        }
        const last = inProcess({ ...request, packed, isToStop: false });
        expect(last).toEqual({ end: stayed });
      },
    );
  },
);
