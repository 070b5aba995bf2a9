import { expect, it } from 'vitest';
import { aProgram } from '../worker/sandbox/a-kernel.ts';
import { attackWith, success } from './attack.ts';

/** One call that names the same 60,000 bytes a thousand times. */
const flood = (descriptor: number) =>
  aProgram(
    ['fd_write'],
    `(local $i i32)
     (loop $list
       (i32.store (i32.mul (local.get $i) (i32.const 8)) (i32.const 0))
       (i32.store offset=4 (i32.mul (local.get $i) (i32.const 8)) (i32.const 60000))
       (local.set $i (i32.add (local.get $i) (i32.const 1)))
       (br_if $list (i32.lt_u (local.get $i) (i32.const 1000))))
     (loop $again
       (drop (call $fd_write (i32.const ${descriptor}) (i32.const 0) (i32.const 1000) (i32.const 65000)))
       (br $again))`,
  );
const drip = aProgram(
  ['fd_write'],
  `(i32.store (i32.const 4) (i32.const 1))
   (loop $again
     (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8))) (br $again))`,
);

it.each([
  ['in one gulp', flood(1)],
  ['byte by byte', drip],
])('[S2] a flood of output ends at its bound: %s', async (_, wat) => {
  const fuelMax = 10_000_000_000;
  const { attack, afterwards } = await attackWith(wat, { outputBytesMax: 100_000, fuelMax });
  expect(attack).toMatchObject({ outcome: 'output_exceeded' });
  expect(attack.stdout.length).toBeLessThanOrEqual(100_000);
  expect(afterwards).toMatchObject(success);
});

it('[S2] a flood of errors ends with its fuel, and only its tail is kept', async () => {
  const { attack, afterwards } = await attackWith(flood(2), { fuelMax: 100_000_000 });
  expect(attack).toMatchObject({ outcome: 'fuel_exhausted' });
  expect(attack.stderr.length).toBe(16 * 1024);
  expect(afterwards).toMatchObject(success);
});
