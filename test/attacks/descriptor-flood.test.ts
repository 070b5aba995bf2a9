import { expect, it } from 'vitest';
import { aProgram } from '../worker/sandbox/a-kernel.ts';
import { attackWith, success } from './attack.ts';

const tooManyDescriptors = 33;

it('[S2] a flood of descriptors ends at their number, as an error that the kernel sees', async () => {
  const wat = aProgram(
    ['path_open', 'proc_exit'],
    `(local $error i32)
     (loop $again
       (local.set $error
         (call $path_open (i32.const 3) (i32.const 0) (i32.const 64) (i32.const 4) (i32.const 1)
           (i64.const 2) (i64.const 0) (i32.const 0) (i32.const 8)))
       (br_if $again (i32.eqz (local.get $error))))
     (call $proc_exit (local.get $error))`,
    '(data (i32.const 64) "file")',
  );
  const { attack, afterwards } = await attackWith(wat);
  expect(attack).toMatchObject({ outcome: 'kernel_exit', exitCode: tooManyDescriptors });
  expect(afterwards).toMatchObject(success);
});
