/** One instruction that asks for more work than the fuel of the whole unit pays. */
import { expect, it } from 'vitest';
import { attackWith, success } from './attack.ts';

const whole = 256 * 65_536;

it.each([
  ['memory.fill', `(memory.fill (i32.const 0) (i32.const 1) (i32.const ${whole}))`],
  ['memory.copy', `(memory.copy (i32.const 0) (i32.const 1) (i32.const ${whole - 1}))`],
  ['memory.fill of 4 GiB', '(memory.fill (i32.const 0) (i32.const 1) (i32.const -1))'],
  ['memory.grow', '(drop (memory.grow (i32.const 500)))'],
])('[S2] a single %s ends with the fuel before it begins', async (_, instruction) => {
  const wat = `(module (memory (export "memory") 256) (func (export "_start") ${instruction}))`;
  const { attack, afterwards } = await attackWith(wat, { fuelMax: 1_000_000 });
  expect(attack).toMatchObject({ outcome: 'fuel_exhausted', fuel: 1_000_000 });
  expect(afterwards).toMatchObject(success);
});
