import { describe, expect, it } from 'vitest';
import { inspectKernel } from '../../kernel/inspect.ts';
import { KernelRefused, meterKernel } from '../../kernel/meter.ts';
import { wat } from './support/wat.ts';

const memoryPagesMax = 16;
const meter = (text: string, checkpoints = true) =>
  meterKernel(wat(`(module (memory (export "memory") 1) ${text})`), {
    memoryPagesMax,
    checkpoints,
  });
const exportsOf = (wasm: Uint8Array): Record<string, { value: unknown }> =>
  new WebAssembly.Instance(new WebAssembly.Module(wasm as Uint8Array<ArrayBuffer>))
    .exports as never;
const reasonOf = (text: string): string => {
  try {
    meter(text);
    return 'accepted';
  } catch (error) {
    if (error instanceof KernelRefused) return error.reason;
    throw error;
  }
};

const COMMAND = '(func (export "_start"))';
const GLOBALS = `(global (mut i32) (i32.const 7)) (global i32 (i32.const 8))
  (global (mut f64) (f64.const 9))`;

describe('a kernel metered for checkpoints', () => {
  it('exports its mutable globals and the meter’s, and how many there are', () => {
    const { wasm } = meter(GLOBALS + COMMAND);
    const exports = exportsOf(wasm);
    expect(exports['manyhands_globals']?.value).toBe(6);
    const values = Array.from({ length: 6 }, (_, n) => exports[`manyhands_global_${n}`]?.value);
    expect(values.slice(0, 3)).toEqual([7, 9, 0n]);
    expect(exports).not.toHaveProperty('manyhands_global_6');
  });

  it('is else what it would be without', () => {
    const exports = Object.keys(exportsOf(meter(GLOBALS + COMMAND, false).wasm));
    expect(exports.filter((name) => name.startsWith('manyhands_global'))).toEqual([]);
  });

  const v128 = '(global (mut v128) (v128.const i32x4 0 0 0 0))';
  it.each([
    ['a vector in a mutable global', v128],
    ['a reference in a mutable global', '(global (mut funcref) (ref.null func))'],
    ['a data segment that can be dropped', '(data "passive")'],
  ])('is refused for %s', (_, text) => {
    expect(reasonOf(text + COMMAND)).toBe('checkpoint_impossible');
    expect(() => meter(text + COMMAND, false)).not.toThrow();
  });
});

describe('a stepped kernel', () => {
  const step = '(func (export "step") (result i32) (i32.const 0))';

  it('starts with _start or _initialize', () => {
    expect(reasonOf(COMMAND + step)).toBe('accepted');
    expect(reasonOf(`(func (export "_initialize")) ${step}`)).toBe('accepted');
    expect(
      inspectKernel(wat(`(module (memory (export "memory") 1) ${COMMAND} ${step})`)),
    ).toMatchObject({ accepted: true });
  });

  it('is refused with neither, or when a step takes or returns anything else', () => {
    expect(reasonOf(step)).toBe('export_missing');
    expect(reasonOf('(func (export "_initialize"))')).toBe('export_missing');
    expect(reasonOf(`${COMMAND} (func (export "step"))`)).toBe('export_missing');
    expect(reasonOf(`(func (export "_initialize") (param i32)) ${step}`)).toBe('export_missing');
  });
});
