import { describe, expect, it } from 'vitest';
import { inspectKernel } from '../../kernel/inspect.ts';
import { meterKernel } from '../../kernel/meter.ts';
import { run } from './support/run.ts';
import { command } from './support/wat.ts';

const PLENTY = 10n ** 12n;
const meter = (wasm: Uint8Array) => meterKernel(wasm, { memoryPagesMax: 16 }).wasm;
const ran = (wasm: Uint8Array) => run(meter(wasm), { fuelMax: PLENTY });
const recursive = (wasm: Uint8Array) => inspectKernel(wasm).recursiveFunctions;

/** Counts its activations at address 0 and goes on until told not to. */
const endless = `(func $f
  (i32.store (i32.const 0) (i32.add (i32.load (i32.const 0)) (i32.const 1)))
  (call $f))`;

describe('[S3] recursion', () => {
  it('that goes too deep traps long before the engine overflows, and says so', () => {
    const { end, stack, fuel } = ran(command(endless, '(call $f)'));
    expect(end).toBe('unreachable');
    expect(stack).toBeLessThan(0);
    expect(fuel).toBeLessThan(PLENTY);
  });

  const depthWith = (declared: string, call: string) => {
    const f = `(func $f ${declared} (call $checkpoint) ${call})`;
    const zeros = '(i64.const 0)'.repeat(declared.match(/param/g)?.length ?? 0);
    return ran(command(f, `${zeros} (call $f)`)).seen.length;
  };

  it('goes deeper the smaller its frames are', () => {
    const least = depthWith('', '(call $f)');
    expect(least).toBeGreaterThan(2_000);
    expect(depthWith('(local i64)'.repeat(100), '(call $f)')).toBeLessThan(least / 4);
  });

  it('counts arguments three times: as locals, as operands, and as handed over', () => {
    const handedOver = Array.from({ length: 100 }, (_, i) => `(local.get ${i})`).join(' ');
    const withLocals = depthWith('(local i64)'.repeat(100), '(call $f)');
    const withParams = depthWith('(param i64)'.repeat(100), `${handedOver} (call $f)`);
    expect(withParams / withLocals).toBeCloseTo(1 / 3, 1);
  });

  it('gives every frame back, however a function is left', () => {
    const fields = `(func $f (param $n i32) (result i32)
      (block $ends
        (br_if $ends (i32.eqz (local.get $n)))
        (drop (call $f (i32.sub (local.get $n) (i32.const 1))))
        (if (i32.and (local.get $n) (i32.const 1)) (then (return (i32.const 1))))
        (if (i32.and (local.get $n) (i32.const 2)) (then (br 2 (i32.const 2)))))
      (i32.const 3))`;
    const unused = ran(command(fields, '(drop (call $f (i32.const 0)))')).stack;
    expect(ran(command(fields, '(drop (call $f (i32.const 100)))'))).toMatchObject({
      end: 'return',
      stack: unused,
    });
  });
});

describe('the functions that count their frames are those', () => {
  it('that call themselves', () => {
    expect(recursive(command(endless, '(call $f)'))).toBe(1);
  });

  it('that call each other in a ring', () => {
    const ring = '(func $a (call $b)) (func $b (call $c)) (func $c (call $a)) (func $leaf)';
    expect(recursive(command(ring, '(call $a) (call $leaf)'))).toBe(3);
  });

  it('that can reach themselves through the table, by their signature', () => {
    const fields = `(table funcref (elem $a $b))
      (func $a (call_indirect (i32.const 0)))
      (func $b (param i32) (call_indirect (i32.const 0)))`;
    expect(recursive(command(fields, '(call $a)'))).toBe(1);
  });

  it('and none, where calls only lead down', () => {
    const tree = '(func $a (call $b) (call $c)) (func $b (call $c)) (func $c)';
    expect(recursive(command(tree, '(call $a)'))).toBe(0);
  });
});

describe('[S2] calls that only lead down', () => {
  it('take from what recursion may use', () => {
    const usedBelow = (locals: number) => {
      const down = `(func $down ${'(local i64)'.repeat(locals)} (call $f))`;
      return Number(ran(command(`${endless} ${down}`, '(call $down)')).fuel);
    };
    // 1,000 locals are 8 kB of 448 KiB.
    expect(usedBelow(1_000) / usedBelow(0)).toBeCloseTo(1 - 8_000 / 458_752, 3);
  });

  const chain = (length: number) => {
    const links = Array.from(
      { length },
      (_, i) => `(func $f${i} (local ${'i64 '.repeat(100)}) (call $f${i + 1}))`,
    );
    return command(`${links.join(' ')} (func $f${length})`, '(call $f0)');
  };

  it('may lead 100 functions of 100 locals deep', () => {
    expect(ran(chain(100)).end).toBe('return');
  });

  it('are refused when they could take more stack than is sure to be there', () => {
    expect(inspectKernel(chain(200)).refusal).toMatchObject({ reason: 'limit_exceeded' });
  });
});
