import { expect, it } from 'vitest';
import { meterKernel } from '../../../kernel/meter.ts';
import { sandboxFeatures } from '../../../worker/sandbox/features.ts';
import { wat } from '../../kernel/support/wat.ts';

const kernel = (body: string) =>
  meterKernel(wat(`(module (memory (export "memory") 1) (func (export "_start") ${body}))`), {
    memoryPagesMax: 1,
  });
const vectors = kernel('(v128.store (i32.const 0) (i8x16.popcnt (v128.load (i32.const 16))))');

it('a worker names what its engine runs of what a kernel may use', () => {
  expect(vectors.features).toContain('simd');
  expect(kernel('').features).not.toContain('simd');
  const runs = WebAssembly.validate(vectors.wasm as Uint8Array<ArrayBuffer>);
  expect(sandboxFeatures()).toEqual(runs ? ['simd'] : []);
});

it('a worker on an engine without vectors does not name them', () => {
  const { validate } = WebAssembly;
  // What an engine without SIMD does: it refuses any module with the prefix of its instructions.
  WebAssembly.validate = (bytes) =>
    bytes instanceof Uint8Array && !bytes.includes(0xfd) && validate(bytes);
  try {
    expect(sandboxFeatures()).toEqual([]);
  } finally {
    WebAssembly.validate = validate;
  }
});
