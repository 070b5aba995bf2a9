import { describe, expect, it } from 'vitest';
import { inspectKernel } from '../../kernel/inspect.ts';
import { command, wat } from './support/wat.ts';

const floats = (start: string) => inspectKernel(command('', start)).floatStores;

describe('an inspection', () => {
  it('tells what an accepted kernel is', () => {
    const wasm = wat(`(module
      (import "wasi_snapshot_preview1" "fd_write" (func (param i32 i32 i32 i32) (result i32)))
      (memory (export "memory") 2 8)
      (global (mut i32) (i32.const 0))
      (func (export "_start") (drop (i32.extend8_s (i32.const 1)))
        (memory.fill (i32.const 0) (i32.const 0) (i32.const 1))))`);
    expect(inspectKernel(wasm)).toEqual({
      accepted: true,
      bytes: wasm.length,
      kind: 'command',
      imports: [{ module: 'wasi_snapshot_preview1', name: 'fd_write', kind: 'function' }],
      exports: [
        { name: 'memory', kind: 'memory' },
        { name: '_start', kind: 'function' },
      ],
      memory: { initialPages: 2, maxPages: 8 },
      functions: 1,
      recursiveFunctions: 0,
      features: ['bulk-memory', 'mutable-globals', 'sign-extension'],
      floatStores: false,
    });
  });

  it('of a module that is refused still tells what it could find out', () => {
    const wasm = wat(`(module (import "env" "alert" (func)) (memory (export "memory") 1)
      (func (export "_start") (call 0)))`);
    expect(inspectKernel(wasm)).toMatchObject({
      accepted: false,
      refusal: { reason: 'import_forbidden', offset: expect.any(Number) },
      imports: [{ module: 'env', name: 'alert', kind: 'function' }],
      memory: { initialPages: 1, maxPages: null },
      functions: 1,
    });
  });

  it('of what is no module says so', () => {
    expect(inspectKernel(new Uint8Array(3))).toMatchObject({
      accepted: false,
      refusal: { reason: 'not_wasm' },
      bytes: 3,
      kind: 'none',
      memory: null,
    });
  });

  it.each([
    ['command', '(func (export "_start"))'],
    ['reactor', '(func (export "_initialize"))'],
    ['none', '(func (export "main"))'],
  ])('tells a %s by what it exports', (kind, fields) => {
    expect(inspectKernel(wat(`(module (memory (export "memory") 1) ${fields})`)).kind).toBe(kind);
  });

  it('holds the memory against the limit it is given', () => {
    const wasm = wat('(module (memory (export "memory") 9) (func (export "_start")))');
    expect(inspectKernel(wasm).accepted).toBe(true);
    expect(inspectKernel(wasm, { memoryPagesMax: 8 }).refusal?.reason).toBe('memory_over_limit');
  });
});

describe('float stores are', () => {
  const quotient = '(f64.div (f64.const 0) (f64.const 0))';
  it.each([
    ['a computed float in memory', `(f64.store (i32.const 0) ${quotient})`],
    ['the bits of one in an integer', `(drop (i64.reinterpret_f64 ${quotient}))`],
    ['the sign of one', `(drop (f64.copysign (f64.const 1) ${quotient}))`],
    [
      'computed vectors in memory',
      '(v128.store (i32.const 0) (f32x4.sqrt (v128.load (i32.const 0))))',
    ],
    [
      'a lane of one',
      '(drop (i32x4.extract_lane 0 (f32x4.div (v128.load (i32.const 0)) (v128.load (i32.const 0)))))',
    ],
  ])('%s', (_, start) => {
    expect(floats(start)).toBe(true);
  });

  it.each([
    ['floats that are only compared', `(drop (f64.lt ${quotient} (f64.const 1)))`],
    ['floats that are only converted', `(drop (i32.trunc_sat_f64_s ${quotient}))`],
    ['floats that are only moved', '(f64.store (i32.const 0) (f64.load (i32.const 8)))'],
    ['integers', '(i64.store (i32.const 0) (i64.div_u (i64.const 1) (i64.const 2)))'],
  ])('not %s', (_, start) => {
    expect(floats(start)).toBe(false);
  });
});
