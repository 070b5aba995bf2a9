/** Files without end, files of endless size, and folders of endless depth. */
import { expect, it } from 'vitest';
import { aProgram } from '../worker/sandbox/a-kernel.ts';
import { attackWith, success } from './attack.ts';

const noSpace = 51;
/** Opens, to create, the name at address 64 in the folder `base`; the descriptor is put at 8. */
const open = (base: string, flags: number) =>
  `(call $path_open ${base} (i32.const 0) (i32.const 64) (i32.const 8) (i32.const ${flags})
     (i64.const 0x1fffffbf) (i64.const 0x1fffffff) (i32.const 0) (i32.const 8))`;
/** Counts up in the eight letters of the name. */
const nextName = `(i64.store (i32.const 64)
  (i64.add (i64.const 0x6161616161616161)
    (i64.and (local.get $i) (i64.const 0x0f0f0f0f0f0f0f0f))))
  (local.set $i (i64.add (i64.and (local.get $i) (i64.const 0x0f0f0f0f0f0f0f0f))
    (i64.const 0xf0f0f0f0f0f0f0f1)))`;

it('[S2] a flood of files ends at the quota, as an error that the kernel sees', async () => {
  const wat = aProgram(
    ['path_open', 'fd_close', 'proc_exit'],
    `(local $i i64) (local $error i32)
     (loop $again ${nextName}
       (local.set $error ${open('(i32.const 3)', 1)})
       (if (local.get $error) (then (call $proc_exit (local.get $error))))
       (drop (call $fd_close (i32.load (i32.const 8)))) (br $again))`,
  );
  const { attack, afterwards } = await attackWith(wat, { fuelMax: 10_000_000_000 });
  expect(attack).toMatchObject({ outcome: 'kernel_exit', exitCode: noSpace });
  expect(afterwards).toMatchObject(success);
});

it('[S2] a file of endless size ends at the quota', async () => {
  const wat = aProgram(
    ['path_open', 'fd_write', 'proc_exit'],
    `(local $error i32) (drop ${open('(i32.const 3)', 1)})
     (i32.store (i32.const 4) (i32.const 65536))
     (loop $again
       (local.set $error (call $fd_write (i32.const 4) (i32.const 0) (i32.const 1) (i32.const 8)))
       (br_if $again (i32.eqz (local.get $error))))
     (call $proc_exit (local.get $error))`,
    '(data (i32.const 64) "endless!")',
  );
  const { attack, afterwards } = await attackWith(wat, { fuelMax: 10_000_000_000 });
  expect(attack.outcome).toBe('kernel_exit');
  expect(afterwards).toMatchObject(success);
});

it('[S2] folders thousands deep, and asked for as output, end at the quota', async () => {
  const wat = aProgram(
    ['path_create_directory', 'path_open', 'fd_renumber'],
    `(loop $again
       (br_if $again (i32.eqz (i32.or
         (call $path_create_directory (i32.const 3) (i32.const 64) (i32.const 8))
         (i32.or ${open('(i32.const 3)', 2)}
           (call $fd_renumber (i32.load (i32.const 8)) (i32.const 3)))))))
     (drop ${open('(i32.const 3)', 1)})`,
    '(data (i32.const 64) "downward")',
  );
  const { attack, afterwards } = await attackWith(wat, {
    fuelMax: 10_000_000_000,
    outputs: ['/**'],
  });
  expect(attack).toMatchObject({ outcome: 'success', files: {} });
  expect(afterwards).toMatchObject(success);
});
