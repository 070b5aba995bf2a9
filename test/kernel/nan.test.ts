/**
 * WebAssembly leaves open which NaN arithmetic gives. Metered kernels show one only, wherever the bits
 * of a float can be seen, and leave alone what arithmetic did not make.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { meterKernel } from '../../kernel/meter.ts';
import { floatPrograms } from './support/float-programs.ts';
import { run } from './support/run.ts';
import { command, wat } from './support/wat.ts';

const meter = (wasm: Uint8Array, nans: 'same' | 'any' = 'same') =>
  meterKernel(wasm, { memoryPagesMax: 16, nans }).wasm;

/** The memory that a body leaves, from address 0. */
function memoryAfter(body: string, bytes: number, fields = ''): string {
  const { exports } = new WebAssembly.Instance(
    new WebAssembly.Module(meter(command(fields, body)) as Uint8Array<ArrayBuffer>),
    { wasi_snapshot_preview1: { proc_exit() {} }, manyhands: { checkpoint() {} } },
  );
  (exports['manyhands_fuel'] as WebAssembly.Global).value = 1_000_000n;
  (exports['_start'] as () => void)();
  const { buffer } = exports['memory'] as WebAssembly.Memory;
  return Buffer.from(buffer, 0, bytes).reverse().toString('hex');
}

const NAN_32 = '7fc00000';
const NAN_64 = '7ff8000000000000';

describe('[S3] a NaN that was computed is the positive canonical one', () => {
  const at = '(i32.const 0)';
  const zero = '(f64.load (i32.const 512))';
  it.each([
    ['stored as f64', `(f64.store ${at} (f64.div ${zero} ${zero}))`, NAN_64],
    ['stored as f32', `(f32.store ${at} (f32.sqrt (f32.const -1)))`, NAN_32],
    [
      'seen as an integer',
      `(i64.store ${at} (i64.reinterpret_f64 (f64.sqrt (f64.const -1))))`,
      NAN_64,
    ],
    [
      'in a lane of f32x4',
      `(v128.store ${at} (f32x4.div (v128.load (i32.const 512)) (v128.const f32x4 0 1 0 2)))`,
      `00000000${NAN_32}00000000${NAN_32}`,
    ],
    [
      'in a lane of f64x2',
      `(v128.store ${at} (f64x2.sqrt (v128.const f64x2 4 -4)))`,
      `${NAN_64}4000000000000000`,
    ],
    [
      'with its sign changed',
      `(f64.store ${at} (f64.neg (f64.sqrt (f64.const -1))))`,
      `f${NAN_64.slice(1)}`,
    ],
    [
      'as a sign',
      `(f64.store ${at} (f64.copysign (f64.const 1) (f64.sqrt (f64.const -1))))`,
      '3ff0000000000000',
    ],
    [
      'in a local over a loop',
      `(local $x f64) (local $i i32) (local.set $i (i32.const 9))
       (loop $l (local.set $x (f64.sub (local.get $x) (f64.const inf)))
         (local.set $x (f64.mul (local.get $x) (f64.const 0)))
         (br_if $l (local.tee $i (i32.sub (local.get $i) (i32.const 1)))))
       (f64.store ${at} (local.get $x))`,
      NAN_64,
    ],
    ['given to a function', '(call $keep (f64.sqrt (f64.const -1)))', NAN_64],
  ])('%s', (_, body, hex) => {
    const keep = `(func $keep (param f64) (f64.store ${at} (local.get 0)))`;
    expect(memoryAfter(body, hex.length / 2, keep)).toBe(hex);
  });
});

describe('what was not computed keeps its bits', () => {
  const payload = '(data (i32.const 512) "\\a2\\07\\00\\00\\00\\00\\f0\\7f")';
  const kept = '7ff00000000007a2';
  it.each([
    ['loaded and stored', '(f64.store (i32.const 0) (f64.load (i32.const 512)))'],
    [
      'in a local',
      '(local $x f64) (local.set $x (f64.load (i32.const 512))) (f64.store (i32.const 0) (local.get $x))',
    ],
    [
      'in a local that arithmetic may have filled',
      `(local $x f64) (if (i32.load (i32.const 600)) (then (local.set $x (f64.sqrt (f64.const -1))))
         (else (local.set $x (f64.load (i32.const 512))))) (f64.store (i32.const 0) (local.get $x))`,
    ],
    [
      'made of an integer',
      '(f64.store (i32.const 0) (f64.reinterpret_i64 (i64.load (i32.const 512))))',
    ],
  ])('%s', (_, body) => {
    expect(memoryAfter(body, 8, payload)).toBe(kept);
  });
});

it('[S3] of random programs memory is as if each instruction gave the canonical NaN', () => {
  fc.assert(
    fc.property(floatPrograms, ({ plain, canonical }) => {
      const here = run(meter(wat(plain)), { fuelMax: 10_000_000n });
      const there = run(meter(wat(canonical), 'any'), { fuelMax: 100_000_000n });
      expect(here).toMatchObject({ end: 'return', memory: there.memory });
    }),
    { numRuns: 400 },
  );
});

it('[S3] making NaNs the same is not charged', () => {
  const wasm = command(
    '',
    `(local $i i32) (loop $l
       (f64.store (i32.const 0) (f64.div (f64.load (i32.const 0)) (f64.load (i32.const 8))))
       (br_if $l (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 100))))`,
  );
  const fuelOf = (nans: 'same' | 'any') => run(meter(wasm, nans), { fuelMax: 1_000_000n }).fuel;
  expect(fuelOf('same')).toBe(fuelOf('any'));
});
