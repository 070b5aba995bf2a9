import { expect, it } from 'vitest';
import { attackUnmeteredWith, attackWith, endlessFuel, forgedGauges, success } from './attack.ts';

const loop = '(loop $again (br $again))';

it('[S2] an endless loop ends with its fuel', async () => {
  const wat = `(module (memory (export "memory") 1) (func (export "_start") ${loop}))`;
  const { attack, afterwards } = await attackWith(wat, { fuelMax: 100_000_000 });
  expect(attack).toMatchObject({ outcome: 'fuel_exhausted', fuel: 100_000_000 });
  expect(afterwards).toMatchObject(success);
});

it('[S2] an endless loop with endless fuel ends with its wall time', async () => {
  const wat = `(module (memory (export "memory") 1) (func (export "_start") ${loop}))`;
  const { attack, afterwards } = await attackWith(wat, { fuelMax: endlessFuel, wallMsMax: 300 });
  expect(attack).toMatchObject({ outcome: 'time_exceeded' });
  expect(afterwards).toMatchObject(success);
});

it('[S2] an endless loop that nobody meters ends with its wall time', async () => {
  const wat = `(module ${forgedGauges} (func (export "_start") ${loop}))`;
  const { attack, afterwards } = await attackUnmeteredWith(wat, { wallMsMax: 300 });
  expect(attack).toMatchObject({ outcome: 'time_exceeded' });
  expect(afterwards).toMatchObject(success);
});
