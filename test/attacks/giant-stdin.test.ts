import { freemem } from 'node:os';
import { expect, it } from 'vitest';
import { aProgram } from '../worker/sandbox/a-kernel.ts';
import { attackWith, success } from './attack.ts';

const gigabyte = 2 ** 30;
/** Once here, once on its way, once over there, and some to spare. */
const room = 4.5 * gigabyte;

/** Reads it all, 60,000 bytes at a time, and exits with how many times 16 MiB it was. */
const reader = aProgram(
  ['fd_read', 'proc_exit'],
  `(local $read i32)
   (i32.store (i32.const 0) (i32.const 1024)) (i32.store (i32.const 4) (i32.const 60000))
   (loop $again
     (drop (call $fd_read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)))
     (local.set $read (i32.add (local.get $read) (i32.load (i32.const 8))))
     (br_if $again (i32.load (i32.const 8))))
   (call $proc_exit (i32.shr_u (local.get $read) (i32.const 24)))`,
);

it.skipIf(freemem() < room)(
  '[S2] a gigabyte of stdin is read to its end, in a memory of 64 KiB',
  { timeout: 120_000 },
  async () => {
    const stdin = new Uint8Array(gigabyte);
    const { attack, afterwards } = await attackWith(reader, {
      stdin,
      fuelMax: 1e9,
      wallMsMax: 90_000,
    });
    expect(attack).toMatchObject({ outcome: 'kernel_exit', exitCode: gigabyte / 2 ** 24 });
    expect(afterwards).toMatchObject(success);
  },
);
