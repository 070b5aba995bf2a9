import { expect, it } from 'vitest';
import { attackUnmeteredWith, attackWith, forgedGauges, success } from './attack.ts';

it('[S2] a kernel that grows its memory without end meets its limit', async () => {
  const wat = `(module (memory (export "memory") 1) (func (export "_start")
    (loop $again (br_if $again (i32.ne (memory.grow (i32.const 64)) (i32.const -1))))
    (unreachable)))`;
  const { attack, afterwards } = await attackWith(wat);
  expect(attack).toMatchObject({ outcome: 'memory_exceeded' });
  expect(afterwards).toMatchObject(success);
});

it('[S2] growing and being refused again and again costs fuel', async () => {
  const wat = `(module (memory (export "memory") 1) (func (export "_start")
    (loop $again (drop (memory.grow (i32.const 65535))) (br $again))))`;
  const { attack, afterwards } = await attackWith(wat, { fuelMax: 10_000_000 });
  expect(attack).toMatchObject({ outcome: 'fuel_exhausted' });
  expect(afterwards).toMatchObject(success);
});

it('[S2] a kernel that begins with all memory there can be hurts nobody', async () => {
  const wat = `(module ${forgedGauges} (memory 65536) (func (export "_start")))`;
  const { attack, afterwards } = await attackUnmeteredWith(wat);
  // Address space is cheap: 4 GiB that nobody touches may well be granted.
  expect(['host_error', 'success']).toContain(attack.outcome);
  expect(afterwards).toMatchObject(success);
});
