/**
 * Native code between two looks at the clock: 16 MiB of memory.fill at a time. V8's default tiering
 * did not let go of such a loop for 25 s.
 */
import { expect, it } from 'vitest';
import { attackUnmeteredWith, attackWith, forgedGauges, success } from './attack.ts';

const fill = `(loop $again
  (memory.fill (i32.const 0) (i32.const 1) (i32.const 16777216)) (br $again))`;

it('[S2] an endless memory.fill ends with its fuel, for it pays by the byte', async () => {
  const wat = `(module (memory (export "memory") 256) (func (export "_start") ${fill}))`;
  const { attack, afterwards } = await attackWith(wat, { fuelMax: 100_000_000 });
  expect(attack).toMatchObject({ outcome: 'fuel_exhausted' });
  expect(afterwards).toMatchObject(success);
});

it('[S2] an endless memory.fill that nobody meters ends with its wall time', async () => {
  const wat = `(module ${forgedGauges} (memory 256) (func (export "_start") ${fill}))`;
  const { attack, afterwards } = await attackUnmeteredWith(wat, { wallMsMax: 300 });
  expect(attack).toMatchObject({ outcome: 'time_exceeded' });
  expect(afterwards).toMatchObject(success);
});
