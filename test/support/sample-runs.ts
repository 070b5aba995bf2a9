// Runs of kernels that together use every way to end, every kind of call, integers, floats, vectors and
// random control flow: what must come out the same wherever a kernel is run.

import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { meterKernel } from '../../kernel/meter.ts';
import type { UnitRun } from '../../worker/sandbox/sandbox.ts';
import { programs } from '../kernel/support/programs.ts';
import { aMeteredKernel, aProgram, aRun } from '../worker/sandbox/a-kernel.ts';

export interface SampleRun {
  name: string;
  /** Metered. */
  wasm: Uint8Array;
  run: UnitRun;
}

export const sampleRuns = (): SampleRun[] => [
  ...endings.map(fromText),
  ...doors.map(fromText),
  ...arithmetic.map(fromText),
  ...randomPrograms(),
  ...mersenneRuns(),
];

type Sample = [name: string, wat: string, changes?: Partial<UnitRun>];

const fromText = ([name, wat, changes]: Sample): SampleRun => ({
  name,
  wasm: aMeteredKernel(wat, 16),
  run: aRun(changes),
});

const asInput = (words: string): Uint8Array => new TextEncoder().encode(words);
const data = (content: string): string => `(data (i32.const 64) "${content}")`;
/** Writes so many bytes from address 64 to a descriptor. */
const write = (descriptor: number, length: number): string =>
  `(i32.store (i32.const 0) (i32.const 64)) (i32.store (i32.const 4) (i32.const ${length}))
   (drop (call $fd_write (i32.const ${descriptor}) (i32.const 0) (i32.const 1) (i32.const 8)))`;
/** Opens the path of five letters at address 64, to create and to write, as descriptor 4. */
const create = `(drop (call $path_open (i32.const 3) (i32.const 0) (i32.const 64) (i32.const 5)
  (i32.const 1) (i64.const 0x42) (i64.const 0) (i32.const 0) (i32.const 8)))`;

const trapping = (body: string): string => aProgram([], body, '(table 1 funcref)');

const endings: Sample[] = [
  ['returns', aProgram([], '')],
  [
    'exits with a code',
    aProgram(
      ['fd_write', 'proc_exit'],
      `${write(1, 4)} (call $proc_exit (i32.const 3))`,
      data('half'),
    ),
  ],
  ['traps with last words', aProgram(['fd_write'], `${write(2, 4)} (unreachable)`, data('oops'))],
  ['divides by zero', trapping('(drop (i32.div_u (i32.const 1) (i32.load (i32.const 0))))')],
  [
    'divides the least by minus one',
    trapping(
      '(drop (i32.div_s (i32.const 0x80000000) (i32.sub (i32.load (i32.const 0)) (i32.const 1))))',
    ),
  ],
  ['reads past its memory', trapping('(drop (i64.load (i32.const 65530)))')],
  ['turns too large a float into an integer', trapping('(drop (i32.trunc_f64_s (f64.const 3e9)))')],
  ['calls what is not there', trapping('(call_indirect (i32.const 0))')],
  [
    'calls itself without end',
    '(module (memory (export "memory") 1) (func $f (call $f) (nop)) (func (export "_start") (call $f)))',
  ],
  ['calls itself without end, below much else and with much in hand', wideRecursion(300, 12)],
  ['calls itself without end with little in hand', wideRecursion(3, 1)],
  ['calls itself without end, with many floats to store in each call', storingRecursion()],
  ['has data that do not fit', aProgram([], '', '(data (i32.const 65535) "two bytes")')],
  ['works without end', aProgram([], '(loop $again (br $again))'), { fuelMax: 123_457 }],
  [
    'fills memory without end',
    aProgram(
      [],
      '(loop $again (memory.fill (i32.const 0) (i32.const 1) (i32.const 60000)) (br $again))',
    ),
  ],
  [
    'grows without end',
    aProgram(
      [],
      '(loop $again (br_if $again (i32.ne (memory.grow (i32.const 3)) (i32.const -1)))) (unreachable)',
    ),
  ],
  [
    'writes without end',
    aProgram(['fd_write'], `(loop $again ${write(1, 999)} (br $again))`),
    { outputBytesMax: 10_000 },
  ],
];

/**
 * A recursion whose every call keeps so many values until it returns, below so many other calls that do
 * the same: together they take what stack there may be, of every compiler.
 */
function wideRecursion(values: number, above: number): string {
  const kept = Array.from({ length: values }, (_, i) => i + 1);
  const keeping = (name: string, callee: string) => `(func ${name} (param i64) (result i64)
    ${kept.map(() => '(local i64)').join(' ')}
    ${kept.map((i) => `(local.set ${i} (i64.mul (local.get 0) (i64.load offset=${i * 8} (i32.const 0))))`).join('\n')}
    (call ${callee} (i64.add (local.get 0) (i64.const 1)))
    ${kept.map((i) => `local.get ${i} i64.xor`).join(' ')})`;
  const others = Array.from({ length: above }, (_, i) => keeping(`$f${i + 1}`, `$f${i}`));
  return `(module (memory (export "memory") 1) ${keeping('$f0', '$f0')} ${others.join('\n')}
    (func (export "_start") (drop (call $f${above} (i64.const 1)))))`;
}

/** Sums that go to as many places as calls keep addresses of, until they have looked for a NaN. */
function storingRecursion(): string {
  const nth = Array.from({ length: 24 }, (_, i) => i);
  const address = (i: number) => `(i32.mul (local.get $n) (i32.const ${8 * i + 8}))`;
  const stores = nth.map(
    (i) => `(f64.store (i32.and (i32.const 0xff8) ${address(i)})
      (f64.add (f64.convert_i32_s (local.get $n)) (f64.load (i32.and (i32.const 0xff8) ${address(i + 1)}))))`,
  );
  return `(module (memory (export "memory") 1)
    (func $f (param $n i32) ${stores.join('\n')} (call $f (i32.add (local.get $n) (i32.const 1))) (nop))
    (func (export "_start") (call $f (i32.const 1))))`;
}

const doors: Sample[] = [
  [
    'asks for chance and time',
    aProgram(
      ['random_get', 'clock_time_get', 'path_open', 'fd_write'],
      `${create} (drop (call $random_get (i32.const 80) (i32.const 1000)))
       (drop (call $clock_time_get (i32.const 1) (i64.const 0) (i32.const 72))) ${write(1, 1016)} ${write(4, 1016)}`,
      data('out/a'),
    ),
    { seed: 0xfedc_ba98_7654_3210n, outputs: ['/out/*'] },
  ],
  [
    'looks at its arguments and environment',
    aProgram(
      ['args_get', 'environ_get', 'fd_write'],
      `(drop (call $args_get (i32.const 16) (i32.const 64)))
       (drop (call $environ_get (i32.const 16) (i32.const 74))) ${write(1, 20)}`,
    ),
    { args: ['kernel', '-v'], env: { b: '2', a: 'é' } },
  ],
  [
    'copies its stdin',
    aProgram(
      ['fd_read', 'fd_write'],
      `(i32.store (i32.const 0) (i32.const 64)) (i32.store (i32.const 4) (i32.const 100))
       (drop (call $fd_read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)))
       (i32.store (i32.const 4) (i32.load (i32.const 8)))
       (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))`,
    ),
    { stdin: asInput('in goes out') },
  ],
  [
    'changes an input',
    aProgram(['fd_write', 'path_open'], `${create} ${write(4, 2)}`, data('out/a')),
    { files: { '/out/a': asInput('INPUT'), '/b': asInput('left') }, outputs: ['/**'] },
  ],
  [
    'chatters',
    aProgram(
      ['fd_write', 'progress', 'checkpoint'],
      `(local $i i32) (loop $again ${write(2, 1000)} (call $progress (f64.const 0.5)) (call $checkpoint)
         (i32.store (i32.const 64) (local.tee $i (i32.add (local.get $i) (i32.const 1))))
         (br_if $again (i32.lt_u (local.get $i) (i32.const 100))))`,
    ),
  ],
];

/**
 * A thousand rounds over eight values at address 64, which are then the output. Rounds are a function
 * of their own, so that an engine has a thousand chances to go over to better code in between.
 */
const rounds = (begin: string, round: string): string =>
  aProgram(
    ['fd_write'],
    `(local $i i32) ${begin} (loop $again (call $round (local.get $i))
       (br_if $again (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 1000))))
     ${write(1, 64)}`,
    `(func $round (param $i i32) (local $x f64) (local $n i64) ${round})`,
  );

const keep = (at: number, value: string): string =>
  `(f64.store (i32.const ${64 + 8 * at}) ${value})`;
const kept = (at: number): string => `(f64.load (i32.const ${64 + 8 * at}))`;

const arithmetic: Sample[] = [
  [
    'computes with floats',
    rounds(
      keep(0, '(f64.const 0.1)'),
      `(local.set $x (f64.add ${kept(0)} (f64.const 0.7)))
       ${keep(0, '(f64.sub (f64.sqrt (f64.mul (local.get $x) (f64.const 7.3))) (f64.div (f64.const 1) (local.get $x)))')}
       ${keep(1, `(f64.add ${kept(1)} (f64.nearest (f64.mul (local.get $x) (f64.const 1e9))))`)}
       ${keep(2, `(f64.max ${kept(2)} (f64.copysign (local.get $x) (f64.const -1)))`)}
       ${keep(3, '(f64.promote_f32 (f32.sqrt (f32.demote_f64 (local.get $x))))')}
       ${keep(4, `(f64.mul (f64.add ${kept(4)} (f64.const 1e-310)) (f64.const 0.999))`)}
       ${keep(5, `(f64.add ${kept(5)} (f64.convert_i64_u (i64.trunc_sat_f64_u (f64.mul (local.get $x) (f64.const 1e18)))))`)}
       ${keep(6, '(f64.min (f64.const 0) (f64.const -0))')}
       ${keep(7, `(f64.floor (f64.neg (f64.trunc (f64.ceil (f64.abs ${kept(1)})))))`)}`,
    ),
  ],
  [
    'computes with integers',
    rounds(
      '(i64.store (i32.const 64) (i64.const 88172645463325252))',
      `(local.set $n (i64.load (i32.const 64)))
       (local.set $n (i64.xor (local.get $n) (i64.shl (local.get $n) (i64.const 13))))
       (local.set $n (i64.xor (local.get $n) (i64.shr_u (local.get $n) (i64.const 7))))
       (local.set $n (i64.xor (local.get $n) (i64.rotl (local.get $n) (i64.const 17))))
       (i64.store (i32.const 64) (local.get $n))
       (i64.store (i32.const 72) (i64.add (i64.load (i32.const 72)) (i64.rem_s (local.get $n) (i64.const 1000003))))
       (i64.store (i32.const 80) (i64.mul (i64.load (i32.const 72)) (i64.extend16_s (local.get $n))))
       (i64.store (i32.const 88) (i64.div_u (local.get $n) (i64.or (i64.const 1) (i64.load (i32.const 80)))))
       (i64.store (i32.const 96) (i64.add (i64.load (i32.const 96)) (i64.popcnt (i64.clz (local.get $n)))))`,
    ),
  ],
  [
    'computes with vectors',
    rounds(
      '(v128.store (i32.const 64) (v128.const i32x4 1 20 300 4000)) (v128.store (i32.const 96) (v128.const f32x4 0.1 2.5 1e20 3))',
      `(v128.store (i32.const 64) (i32x4.mul (v128.load (i32.const 64)) (i32x4.splat (i32.const 1664525))))
       (v128.store (i32.const 80) (i8x16.add_sat_u (i16x8.q15mulr_sat_s (v128.load (i32.const 64)) (v128.load (i32.const 80))) (v128.load (i32.const 64))))
       (v128.store (i32.const 96) (f32x4.sqrt (f32x4.add (v128.load (i32.const 96)) (f32x4.convert_i32x4_u (v128.load (i32.const 64))))))
       (v128.store (i32.const 112) (i8x16.swizzle (v128.load (i32.const 80)) (i32x4.trunc_sat_f32x4_s (v128.load (i32.const 96)))))`,
    ),
  ],
];

/** Of the meter's random programs, always the same hundred, and what each leaves in its memory. */
function randomPrograms(): SampleRun[] {
  const showing = (wat: string) =>
    wat
      .replace(
        '(memory',
        '(import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32))) (memory',
      )
      .replace(
        '(func (export "_start")',
        `(func (export "_start") (call $main) ${write(1, 2000)}) (func $main`,
      );
  return fc
    .sample(programs, { numRuns: 100, seed: 20_26 })
    .map((wat, index) => fromText([`random program ${index}`, showing(wat)]));
}

/** The schoolbook's squaring, and the transform's. */
function mersenneRuns(): SampleRun[] {
  const built = readFileSync(new URL('../../dist/jobs/mersenne/kernel.wasm', import.meta.url));
  const { wasm } = meterKernel(built, { memoryPagesMax: 1024 });
  const fuelMax = 10_000_000_000;
  return [127, 521, 1279]
    .map((exponent) => ({
      name: `Mersenne, exponent ${exponent}`,
      wasm,
      run: aRun({ args: ['mersenne', '--exponent', String(exponent)], fuelMax }),
    }))
    .concat(
      [9697, 20_011].map((exponent) => ({
        name: `Mersenne, a hundred steps of exponent ${exponent}`,
        wasm,
        run: aRun({
          args: ['mersenne', '--exponent', String(exponent), '--iterations', '100'],
          fuelMax,
        }),
      })),
    );
}
