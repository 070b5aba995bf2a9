import { expect, it } from 'vitest';
import { attackUnmeteredWith, attackWith, forgedGauges, success } from './attack.ts';

const deeper = (more: string) => `(module ${more} (memory (export "memory") 1)
  (func $deeper (result i32) (i32.add (call $deeper) (i32.const 1)))
  (func (export "_start") (drop (call $deeper))))`;

it('[S2] endless recursion is a trap at the same depth everywhere', async () => {
  const { attack, afterwards } = await attackWith(deeper(''));
  expect(attack).toMatchObject({ outcome: 'kernel_trap' });
  expect(attack.detail).toContain('call stack');
  expect(afterwards).toMatchObject(success);
});

it('[S2] endless recursion that nobody meters is the fault of this host and its stack', async () => {
  const { attack, afterwards } = await attackUnmeteredWith(deeper(forgedGauges));
  expect(attack).toMatchObject({ outcome: 'host_error' });
  expect(afterwards).toMatchObject(success);
});
