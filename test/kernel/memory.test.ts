import { describe, expect, it } from 'vitest';
import { GROWN_PAGE_FUEL } from '../../kernel/meter/weights.ts';
import { meterKernel } from '../../kernel/meter.ts';
import { run } from './support/run.ts';
import { wat } from './support/wat.ts';

const PLENTY = 10n ** 12n;

/** Grows by `pages` and leaves what memory.grow and memory.size answer at addresses 0 and 4. */
const grower = (memory: string, pages: number) =>
  wat(`(module (memory (export "memory") ${memory})
    (func (export "_start")
      (i32.store (i32.const 0) (memory.grow (i32.const ${pages})))
      (i32.store (i32.const 4) (memory.size))))`);

const PAGES = 4;

function grow(memory: string, pages: number, limit = PAGES) {
  const { wasm } = meterKernel(grower(memory, pages), { memoryPagesMax: PAGES });
  const instance = new WebAssembly.Instance(new WebAssembly.Module(wasm));
  const exports = instance.exports as Record<string, { value: unknown }> & {
    memory: WebAssembly.Memory;
    _start(): void;
  };
  const set = (name: string, value: unknown) => {
    const global = exports[name];
    if (global) global.value = value;
  };
  set('manyhands_fuel', PLENTY);
  set('manyhands_pages', limit);
  exports._start();
  const [answer, size] = new Int32Array(exports.memory.buffer);
  return {
    answer,
    size,
    growth: exports['manyhands_growth']?.value,
    fuel: PLENTY - (exports['manyhands_fuel']?.value as bigint),
    memory: exports.memory,
  };
}

describe('[S2] memory', () => {
  it('grows up to its limit', () => {
    expect(grow('1', 3)).toMatchObject({ answer: 1, size: 4, growth: 0 });
  });

  it('grows no further, and the refusal is remembered', () => {
    expect(grow('1', 4)).toMatchObject({ answer: -1, size: 1, growth: 1 });
    expect(grow('1', -1)).toMatchObject({ answer: -1, size: 1, growth: 1 });
  });

  it('keeps the limit the module set itself when that is lower', () => {
    expect(grow('1 2', 1)).toMatchObject({ answer: 1, growth: 0 });
    expect(grow('1 2', 2)).toMatchObject({ answer: -1, growth: 1 });
  });

  it('keeps a limit that the runner lowered', () => {
    expect(grow('1', 2, 2)).toMatchObject({ answer: -1, size: 1, growth: 1 });
  });

  it('does not care for a limit that the runner raised', () => {
    expect(grow('1', 4, 100)).toMatchObject({ answer: -1, size: 1, growth: 1 });
  });

  it('cannot be grown past the limit from outside either', () => {
    const { memory } = grow('1', 0);
    expect(() => memory.grow(4)).toThrow(RangeError);
  });
});

describe('fuel for memory', () => {
  it('runs out before the pages are there', () => {
    const { wasm } = meterKernel(grower('1', 3), { memoryPagesMax: PAGES });
    const empty = run(meterKernel(grower('1', 0), { memoryPagesMax: PAGES }).wasm, { fuelMax: 0n });
    expect(run(wasm, { fuelMax: 1_000n })).toMatchObject({
      end: 'unreachable',
      memory: empty.memory,
    });
  });

  it('is charged by the page, before the pages are there, and not when they are refused', () => {
    const refused = grow('1', 4).fuel;
    expect(grow('1', 3).fuel - refused).toBe(3n * BigInt(GROWN_PAGE_FUEL));
  });

  it.each(['memory.fill', 'memory.copy'])('%s is charged by length before it runs', (operation) => {
    const wasm = wat(`(module (memory (export "memory") 16)
      (func (export "_start")
        (i32.store (i32.const 0) (i32.const -1))
        (${operation} (i32.const 0) (i32.const 8) (i32.const 800000))))`);
    const { wasm: metered } = meterKernel(wasm, { memoryPagesMax: 16 });
    const whole = run(metered, { fuelMax: PLENTY });
    expect(whole.fuel).toBeGreaterThan(100_000n);
    const short = run(metered, { fuelMax: 1_000n });
    expect(short).toMatchObject({ end: 'unreachable', fuel: whole.fuel });
    expect(short.memory).not.toBe(whole.memory);
  });
});

it.each([-1, 0.5, 65_537, Number.NaN])(
  'a memory of %s pages cannot be asked for',
  (memoryPagesMax) => {
    expect(() => meterKernel(grower('1', 3), { memoryPagesMax })).toThrow(RangeError);
  },
);
