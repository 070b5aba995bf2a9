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
      'a mask in a local that arithmetic may have filled',
      `(local $m v128) (if (i32.load (i32.const 600))
         (then (local.set $m (f64x2.sqrt (v128.load (i32.const 512)))))
         (else (local.set $m (f64x2.lt (v128.const f64x2 1 1) (v128.const f64x2 2 2)))))
       (i64.store (i32.const 0) (i64.and (i64.const 0x7ff00000000007a2) (i64x2.extract_lane 0 (local.get $m))))`,
    ],
    [
      'an integer in a local that arithmetic may have filled',
      `(local $m v128) (if (i32.load (i32.const 600))
         (then (local.set $m (f64x2.sqrt (v128.load (i32.const 512)))))
         (else (local.set $m (i32x4.trunc_sat_f32x4_s (v128.const f32x4 -1 -1 0 0)))))
       (i64.store (i32.const 0) (i64.and (i64.const 0x7ff00000000007a2) (i64x2.extract_lane 0 (local.get $m))))`,
    ],
    [
      'made of an integer',
      '(f64.store (i32.const 0) (f64.reinterpret_i64 (i64.load (i32.const 512))))',
    ],
  ])('%s', (_, body) => {
    expect(memoryAfter(body, 8, payload)).toBe(kept);
  });
});

describe('stores that are looked at together', () => {
  const nan = '(f64.sqrt (f64.const -1))';
  const inTurn = (...values: string[]) =>
    values.map((value, nth) => `(f64.store (i32.const ${8 * nth}) ${value})`).join('\n');
  const hexOf = (...numbers: number[]) =>
    numbers
      .reverse()
      .map((each) =>
        Buffer.from(new Float64Array([each]).buffer)
          .reverse()
          .toString('hex'),
      )
      .join('');
  const one = '(f64.nearest (f64.const 1))';
  const infinity = '(f64.nearest (f64.const inf))';
  const less = '(f64.neg (f64.const inf))';

  it.each([
    ['the first', [nan, one, one], [NaN, 1, 1]],
    ['the last', [one, one, nan], [1, 1, NaN]],
    [
      'none, though their sum is',
      [infinity, `(f64.nearest ${less})`, one],
      [Infinity, -Infinity, 1],
    ],
    ['more than fit a group', Array<string>(20).fill(nan), Array<number>(20).fill(NaN)],
  ])('may have a NaN as %s', (_, values, numbers) => {
    expect(memoryAfter(inTurn(...values), 8 * values.length)).toBe(hexOf(...numbers));
  });

  it('leave what was stored over one of them since', () => {
    const over = `(f64.store (i32.const 0) ${nan}) (i64.store (i32.const 0) (i64.const 5))
      (f64.store (i32.const 8) ${nan})`;
    expect(memoryAfter(over, 16)).toBe(`${NAN_64}0000000000000005`);
  });

  it('leave what a local brought over one of them since', () => {
    const over = `(local $x f64) (local.set $x (f64.load (i32.const 512))) (block)
      (f64.store (i32.const 0) ${nan}) (f64.store (i32.const 0) (local.get $x))
      (f64.store (i32.const 8) ${nan})`;
    const payload = '(data (i32.const 512) "\\a2\\07\\00\\00\\00\\00\\f0\\7f")';
    expect(memoryAfter(over, 16, payload)).toBe(`${NAN_64}7ff00000000007a2`);
  });

  /** Behind a store of a NaN with something in its lower half, and before another one. */
  const between = (load: string, behind: string) => `(local $n i64) (local $x f64) (local $y f32)
    (f64.store (i32.const 0) (f64.add (f64.const 1) (f64.load (i32.const 512))))
    ${load} (f64.store (i32.const 8) ${one}) (block) ${behind}`;
  it.each([
    [
      'an integer',
      '(local.set $n (i64.reinterpret_f64 (f64.load (i32.const 0))))',
      '(i64.store (i32.const 16) (local.get $n))',
      NAN_64,
    ],
    [
      'a local that is stored later',
      '(local.set $x (f64.load (i32.const 0)))',
      '(f64.store (i32.const 16) (local.get $x))',
      NAN_64,
    ],
    [
      'half of it',
      '(local.set $y (f32.add (f32.const 0) (f32.load (i32.const 0))))',
      '(f32.store (i32.const 16) (local.get $y))',
      '0000000000000000',
    ],
    [
      'a vector of halves',
      '(local.set $y (f32x4.extract_lane 0 (f32x4.add (v128.load (i32.const 0)) (v128.load (i32.const 904)))))',
      '(f32.store (i32.const 16) (local.get $y))',
      '0000000000000000',
    ],
  ])('are firm for a load into %s', (_, load, behind, hex) => {
    const input = '(data (i32.const 512) "\\01\\00\\00\\00\\00\\00\\f8\\ff")';
    expect(memoryAfter(between(load, behind), 24, input)).toBe(`${hex}3ff0000000000000${NAN_64}`);
  });

  it('lie over each other as they did', () => {
    const over = `(f64.store (i32.const 4) ${nan}) (f64.store (i32.const 0) ${nan})`;
    expect(memoryAfter(over, 12)).toBe(`7ff80000${NAN_64}`);
  });

  it('are firm for whoever loads their bits', () => {
    const moved = `(f64.store (i32.const 0) ${nan}) (i64.store (i32.const 8) (i64.load (i32.const 0)))
      (f64.store (i32.const 16) (f64.add (f64.const 1) (f64.load (i32.const 0))))
      (f64.store (i32.const 24) (f64.load (i32.const 16)))`;
    expect(memoryAfter(moved, 32)).toBe(NAN_64.repeat(4));
  });

  /** Half of a NaN that has been stored and half of what lies behind it, as a float. */
  const halves = (align: string) => `(local $at i32) (local.set $at (i32.load (i32.const 800)))
    (f64.store ${align} (local.get $at) ${nan})
    (f64.store offset=16 ${align} (local.get $at)
      (f64.mul (f64.const 0x1p1023) (f64.load ${align} (i32.add (i32.load (i32.const 808)) (i32.const 4)))))`;
  const halvesInLocals = (align: string) => `(local $at i32) (local $by i32)
    (local.set $at (i32.load (i32.const 800))) (local.set $by (i32.load (i32.const 804)))
    (f64.store ${align} (local.get $at) ${nan})
    (f64.store offset=16 ${align} (local.get $at)
      (f64.mul (f64.const 0x1p1023) (f64.load ${align} (local.get $by))))`;
  const four = '(data (i32.const 804) "\\04")';

  it('a load of half a NaN is right, whatever it says of how it is aligned', () => {
    // The smallest floats there are, 7ff80000 of them, and not the fff80000 that x86-64 would store.
    const expected = hexOf(Number.NaN, 0, 0x7ff80000 * 2 ** -51);
    expect(memoryAfter(halves('align=4'), 24)).toBe(expected);
    expect(memoryAfter(halves('align=8'), 24)).toBe(expected);
    expect(memoryAfter(halvesInLocals('align=4'), 24, four)).toBe(expected);
    expect(memoryAfter(halvesInLocals('align=8'), 24, four)).toBe(expected);
  });
});

describe('loops whose stores are looked at when they are over', () => {
  const turns = (
    body: string,
    last = '',
  ) => `(local $i i32) (local $p i32) (local $q i32) (local $x f64)
    (local.set $i (i32.const 3)) (local.set $p (i32.load (i32.const 800)))
    (local.set $q (i32.load (i32.const 804)))
    (loop $l ${body} (br_if $l (local.tee $i (i32.sub (local.get $i) (i32.const 1))))) ${last}`;
  const negative = '(data (i32.const 16) "\\00\\00\\00\\00\\00\\00\\f0\\bf")';
  const root = '(f64.store (local.get $p) (f64.sqrt (f64.load offset=16 (local.get $p))))';

  it('make firm what the last turn stored', () => {
    expect(memoryAfter(turns(root), 8, negative)).toBe(NAN_64);
  });

  it('make firm what every turn stored, where each stored elsewhere', () => {
    const next = '(local.set $p (i32.add (local.get $p) (i32.const 32)))';
    expect(
      memoryAfter(turns(root + next), 72, negative)
        .match(/.{16}/g)
        ?.reverse(),
    ).toEqual([
      NAN_64,
      '0'.repeat(16),
      'bff0000000000000',
      ...Array<string>(6).fill('0'.repeat(16)),
    ]);
  });

  it('leave alone what they moved', () => {
    const moved = `${root} (f64.store offset=8 (local.get $p) (f64.load offset=512 (local.get $p)))`;
    const payload = '(data (i32.const 512) "\\a2\\07\\00\\00\\00\\00\\f0\\7f")';
    expect(memoryAfter(turns(moved), 16, negative + payload)).toBe(`7ff00000000007a2${NAN_64}`);
  });

  it('leave alone what they did not come by', () => {
    const seldom = `(if (local.get $q) (then ${root.replace('store', 'store offset=8')})) ${root}`;
    const payload = '(data (i32.const 8) "\\a2\\07\\00\\00\\00\\00\\f0\\7f")';
    expect(memoryAfter(turns(seldom), 16, negative + payload)).toBe(`7ff00000000007a2${NAN_64}`);
  });

  it('make firm the difference of infinities, whose sum is one', () => {
    const sums = `(local.set $x (f64.load offset=16 (local.get $p)))
      (f64.store (local.get $p) (f64.add (local.get $x) (f64.load offset=24 (local.get $p))))
      (f64.store offset=8 (local.get $p) (f64.sub (local.get $x) (local.get $x)))
      (f64.store offset=32 (local.get $p) (f64.add (local.get $x) (local.get $x)))
      (local.set $p (i32.add (local.get $p) (i32.const 64)))`;
    const infinity = '(data (i32.const 16) "\\00\\00\\00\\00\\00\\00\\f0\\7f")';
    expect(memoryAfter(turns(sums), 16, infinity)).toBe(`${NAN_64}7ff0000000000000`);
  });

  it('are firm for a load of half a NaN', () => {
    const half = `${root} (local.set $x (f64.add (local.get $x) (f64.load (local.get $q))))`;
    const four = '(data (i32.const 804) "\\04")';
    const after = memoryAfter(
      turns(half, '(f64.store offset=24 (i32.const 0) (local.get $x))'),
      32,
      negative + four,
    );
    // 7ff80000, the smallest floats, three times; fff80000 would come of x86-64's own NaN.
    expect(after.slice(0, 16)).toBe((3n * 0x7ff80000n).toString(16).padStart(16, '0'));
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
