// Kernels that write out the bits of a NaN: of all that WebAssembly computes, the one thing it leaves
// open. Which bits would come out hangs on the processor, and on one machine on which of V8's compilers
// translated the function: TurboFan folds 0/0 of constants, and exchanges the operands of a sum. The
// meter makes them the same.

import { aMeteredKernel, aProgram, aRun, wasmOf } from '../worker/sandbox/a-kernel.ts';
import type { SampleRun } from './sample-runs.ts';

export type NanRun = SampleRun & {
  /** Before the meter, as a scientist would send it. */
  kernel: Uint8Array;
};

/** In memory, so that no compiler knows them: 0, infinity, two quiet NaNs and a signalling one. */
const [zero, infinity, quiet, other, signalling] = [1000, 1008, 1016, 1024, 1032].map(
  (at) => `(f64.load (i32.const ${at}))`,
);
const there = '(i32.const 64)';
const constants = `(data (i32.const 1008) "\\00\\00\\00\\00\\00\\00\\f0\\7f"
  "\\01\\00\\00\\00\\00\\00\\f8\\7f" "\\02\\00\\00\\00\\00\\00\\f8\\ff" "\\03\\00\\00\\00\\00\\00\\f0\\7f"
  "\\01\\00\\c0\\7f" "\\02\\00\\c0\\ff")`;

const values: [name: string, value: string][] = [
  ['0 / 0 of constants', '(f64.div (f64.const 0) (f64.const 0))'],
  ['0 / 0', `(f64.div ${zero} ${zero})`],
  ['the root of -1', `(f64.sqrt (f64.sub ${zero} (f64.const 1)))`],
  ['infinity - infinity', `(f64.sub ${infinity} ${infinity})`],
  ['the sum of two NaNs', `(f64.add ${quiet} ${other})`],
  ['the product of two NaNs', `(f64.mul ${other} ${quiet})`],
  ['the difference of two NaNs', `(f64.sub ${quiet} ${other})`],
  ['the lesser of two NaNs', `(f64.min ${quiet} ${other})`],
  ['a signalling NaN + 1', `(f64.add ${signalling} (f64.const 1))`],
  ['a NaN through 32 bits', `(f64.promote_f32 (f32.demote_f64 ${other}))`],
  [
    '0 / 0 in a vector',
    `(f64x2.extract_lane 0 (f64x2.div (f64x2.splat ${zero}) (f64x2.splat ${zero})))`,
  ],
];

/** The same of 32 bits, and whole vectors: what is stored, and how. */
const stores: [name: string, store: string][] = [
  ...values.map(([name, value]): [string, string] => [name, `(f64.store ${there} ${value})`]),
  [
    'the sum of two NaNs of 32 bits',
    `(f32.store ${there} (f32.add (f32.load (i32.const 1040)) (f32.load (i32.const 1044))))`,
  ],
  ['0 / 0 of 32 bits', `(f32.store ${there} (f32.div (f32.const 0) (f32.load (i32.const 1000))))`],
  [
    'f64x2 sums',
    `(v128.store ${there} (f64x2.add (v128.load (i32.const 1016)) (v128.load (i32.const 1024))))`,
  ],
  [
    'f32x4 quotients',
    `(v128.store ${there} (f32x4.div (v128.load (i32.const 1000)) (v128.load (i32.const 1000))))`,
  ],
  [
    'the absolute root of -1 in a vector',
    `(v128.store ${there} (f32x4.abs (f32x4.sqrt (f32x4.splat (f32.const -1)))))`,
  ],
  // Its start comes from memory, as all else: 0, in which nobody sees a constant.
  [
    'a loop that adds to the same places',
    `(local $i i32) (local $p i32) (local.set $p (i32.load (i32.const 1000))) (local.set $i (i32.const 3))
     (loop $l (f64.store offset=64 (local.get $p) (f64.add (f64.load offset=1016 (local.get $p))
         (f64.sub (f64.load offset=64 (local.get $p)) (f64.load offset=1008 (local.get $p)))))
       (v128.store offset=64 (local.get $p) (f64x2.sqrt (f64x2.neg (f64x2.add
         (v128.load offset=64 (local.get $p)) (v128.load offset=1008 (local.get $p))))))
       (br_if $l (local.tee $i (i32.sub (local.get $i) (i32.const 1)))))`,
  ],
  [
    'a loop that goes through what it stores',
    `(local $i i32) (local $p i32) (local $x f64) (local.set $p (i32.load (i32.const 1000)))
     (local.set $i (i32.const 2))
     (loop $l (local.set $x (f64.load offset=1008 (local.get $p)))
       (f64.store offset=64 (local.get $p) (f64.sub (local.get $x) (f64.load offset=1008 (local.get $p))))
       (local.set $p (i32.add (local.get $p) (i32.const 8)))
       (br_if $l (local.tee $i (i32.sub (local.get $i) (i32.const 1)))))`,
  ],
];

export const nanRuns = (): NanRun[] =>
  stores.map(([name, store]) => {
    const wat = aProgram(
      ['fd_write'],
      `${store}
       (i32.store (i32.const 0) (i32.const 64)) (i32.store (i32.const 4) (i32.const 16))
       (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))`,
      constants,
    );
    return { name, kernel: wasmOf(wat), wasm: aMeteredKernel(wat), run: aRun() };
  });
