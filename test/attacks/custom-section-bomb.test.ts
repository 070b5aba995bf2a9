/** Custom sections mean nothing, and may be of any size and number: what they cost is reading over them. */
import { expect, it } from 'vitest';
import { inspectKernel } from '../../kernel/inspect.ts';
import { kernelLimits } from '../../kernel/meter/limits.ts';
import { meterKernel } from '../../kernel/meter.ts';
import { bodyOf, commandOf, concat, leb, name, times } from '../kernel/support/module-bytes.ts';

const kernel = commandOf([bodyOf([])]);
const meter = (wasm: Uint8Array) => meterKernel(wasm, { memoryPagesMax: 16 }).wasm;
const custom = (content: Uint8Array | number[]) => concat([[0], leb(content.length), content]);
const plain = meter(kernel);

it('[S2] 30 MB of a custom section do not reach a volunteer', () => {
  const bomb = concat([kernel, custom(concat([name('ballast'), new Uint8Array(30_000_000)]))]);
  expect(meter(bomb)).toEqual(plain);
});

it('[S2] a million custom sections do not either', () => {
  expect(meter(concat([kernel, times(1_000_000, [0, 1, 0])]))).toEqual(plain);
});

it('[S2] with custom sections as with all else, a module has its limit', () => {
  const bomb = concat([kernel, custom(new Uint8Array(kernelLimits.moduleBytesMax))]);
  expect(inspectKernel(bomb).refusal).toMatchObject({ reason: 'limit_exceeded' });
});

it.each([
  ['longer than the module', [0, 0xff, 0xff, 0xff, 0x7f, 1, 0x61]],
  ['with a name longer than itself', [0, 2, 0x7f, 0x61]],
  ['without room for its name', [0, 0]],
])('[P1] a custom section %s is refused', (_, bytes) => {
  expect(inspectKernel(concat([kernel, bytes])).refusal).toMatchObject({ reason: 'malformed' });
});

it('[P1] names that are nonsense leave a module valid', () => {
  const nonsense = custom(concat([name('name'), times(1_000, [1, 0x7f, 0xff])]));
  const metered = meter(concat([kernel, nonsense]));
  expect(WebAssembly.validate(metered as Uint8Array<ArrayBuffer>)).toBe(true);
});
