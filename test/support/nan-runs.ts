// Kernels that write out the bits of a NaN: of all that WebAssembly computes, the one thing it leaves
// open. Which bits come out hangs on the processor, and on one machine on which of V8's compilers
// translated the function: TurboFan folds 0/0 of constants, and exchanges the operands of a sum.

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
const constants = `(data (i32.const 1008) "\\00\\00\\00\\00\\00\\00\\f0\\7f"
  "\\01\\00\\00\\00\\00\\00\\f8\\7f" "\\02\\00\\00\\00\\00\\00\\f8\\ff" "\\03\\00\\00\\00\\00\\00\\f0\\7f")`;

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

export const nanRuns = (): NanRun[] =>
  values.map(([name, value]) => {
    const wat = aProgram(
      ['fd_write'],
      `(f64.store (i32.const 64) ${value})
       (i32.store (i32.const 0) (i32.const 64)) (i32.store (i32.const 4) (i32.const 8))
       (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))`,
      constants,
    );
    return { name, kernel: wasmOf(wat), wasm: aMeteredKernel(wat), run: aRun() };
  });
