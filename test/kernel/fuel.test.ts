import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { meterKernel } from '../../kernel/meter.ts';
import { programs } from './support/programs.ts';
import { referenceMeter } from './support/reference-meter.ts';
import { type Run, run } from './support/run.ts';
import { command, wat } from './support/wat.ts';

const PAGES = 4;
const PLENTY = 10n ** 12n;
const meter = (wasm: Uint8Array) => meterKernel(wasm, { memoryPagesMax: PAGES }).wasm;

/** Ends whose fuel is an estimate. */
const isTrap = ({ end }: Run) => end === 'divide by zero';

describe('fuel of random programs', () => {
  it('[S3] equals a counter before every instruction, at every host call and at the end', () => {
    fc.assert(
      fc.property(programs, (text) => {
        const wasm = wat(text);
        const reference = run(referenceMeter(wasm, PAGES));
        const metered = run(meter(wasm), { fuelMax: PLENTY });
        expect(metered.seen).toEqual(reference.seen);
        expect(metered.end).toBe(reference.end);
        expect(metered.memory).toBe(reference.memory);
        if (isTrap(metered)) expect(metered.fuel).toBeGreaterThanOrEqual(metered.seen.at(-1) ?? 0n);
        else expect(metered.fuel).toBe(reference.fuel);
      }),
      { numRuns: 300 },
    );
  });

  it('[S2] ends negative exactly when a run uses more than it was given', () => {
    fc.assert(
      fc.property(programs, fc.double({ min: 0, max: 1.2, noNaN: true }), (text, share) => {
        const wasm = meter(wat(text));
        const whole = run(wasm, { fuelMax: PLENTY });
        fc.pre(!isTrap(whole));
        const fuelMax = BigInt(Math.floor(Number(whole.fuel) * share));
        const short = run(wasm, { fuelMax });
        expect(short.fuel > fuelMax).toBe(whole.fuel > fuelMax);
        expect(whole.seen.slice(0, short.seen.length)).toEqual(short.seen);
        if (whole.fuel <= fuelMax) expect(short).toEqual(whole);
      }),
      { numRuns: 200 },
    );
  });
});

describe('fuel of a trap in the thousandth turn of a loop', () => {
  const trapping = (code: string, turn = 1_000) =>
    run(
      meter(
        command(
          '',
          `(local $i i32) (loop $l
            (local.set $i (i32.add (local.get $i) (i32.const 1)))
            (if (i32.eq (local.get $i) (i32.const ${turn})) (then ${code}))
            (br $l))`,
        ),
      ),
      { fuelMax: PLENTY },
    ).fuel;
  /** add, eq, if, br */
  const TURN = 4n;
  const divided = '(drop (i32.div_u (i32.const 1) (i32.const 0)))';

  it('is exact at unreachable', () => {
    expect(trapping('unreachable')).toBe(999n * TURN + 3n + 1n);
  });

  it('is that of the head of this turn, when an instruction traps', () => {
    expect(trapping(divided)).toBe(999n * TURN);
  });

  it('is never less than none, though counters may go up on the way', () => {
    // The block with the branch gets a counter of -1: a way before it was charged for what follows.
    const wasm = command(
      '(global $g (mut i32) (i32.const 0))',
      `(if (i32.const 0) (then (return)))
       (block $l
         (if (i32.const 1) (then (drop (i32.load (i32.const -1))) (br $l)))
         (global.set $g (i32.add (global.get $g) (i32.const 0))))`,
    );
    const { end, fuel } = run(meter(wasm), { fuelMax: PLENTY });
    expect(end).toMatch(/out of bounds/);
    expect(fuel).toBe(0n);
  });

  it('is that of the last call, when there was one since', () => {
    const [settled, fuel] = [
      trapping('(call $checkpoint) unreachable'),
      trapping(`(call $checkpoint) ${divided}`),
    ];
    expect(fuel).toBe(settled - 1n);
  });
});

describe('[S2] out of fuel comes', () => {
  it.each([0, 1, 2, 3, 10])('a loop without end, %i blocks deep', (depth) => {
    const start = `${'(block '.repeat(depth)} (loop $l (br $l)) ${')'.repeat(depth)}`;
    expect(run(meter(command('', start)), { fuelMax: 10_000n })).toMatchObject({
      end: 'unreachable',
      fuel: 10_001n,
    });
  });

  it('a tree of calls, though none of its functions loops', () => {
    const levels = Array.from(
      { length: 40 },
      (_, i) => `(func $f${i} (call $f${i + 1}) (call $f${i + 1}))`,
    );
    const wasm = command(`${levels.join(' ')} (func $f40)`, '(call $f0)');
    const { end, fuel } = run(meter(wasm), { fuelMax: 10_000n });
    expect(end).toBe('unreachable');
    expect(fuel).toBeLessThan(10_100n);
  });

  it('a row of calls of a long function that calls nothing', () => {
    const long = `(func $long (param $x i32) ${'(local.set $x (i32.eqz (local.get $x)))'.repeat(500)})`;
    const wasm = command(long, '(call $long (i32.const 1))'.repeat(100));
    const { end, fuel } = run(meter(wasm), { fuelMax: 10_000n });
    expect(end).toBe('unreachable');
    expect(fuel).toBeLessThan(11_000n);
  });
});
