/** Pointers and lengths that reach beyond the kernel's memory, given to WASI. */
import { expect, it } from 'vitest';
import { aProgram } from '../worker/sandbox/a-kernel.ts';
import { attackWith, success } from './attack.ts';

const [fault, invalid] = [21, 28];
const failing = (imports: Parameters<typeof aProgram>[0], call: string, before = '') =>
  aProgram([...imports, 'proc_exit'], `${before} (call $proc_exit ${call})`);
/** A list of one buffer, at address 0. */
const buffer = (at: number, length: number) =>
  `(i32.store (i32.const 0) (i32.const ${at})) (i32.store (i32.const 4) (i32.const ${length}))`;
const write = (list: number, count: number, written: number) =>
  `(call $fd_write (i32.const 1) (i32.const ${list}) (i32.const ${count}) (i32.const ${written}))`;

it.each([
  ['a buffer past the end', failing(['fd_write'], write(0, 1, 8), buffer(65_530, 100))],
  ['a buffer that wraps around', failing(['fd_write'], write(0, 1, 8), buffer(-16, 32))],
  ['a list past the end', failing(['fd_write'], write(65_532, 1, 8))],
  ['a list without end', failing(['fd_write'], write(0, -1, 8))],
  ['an answer past the end', failing(['fd_write'], write(0, 0, 65_533))],
  [
    'reading to nowhere',
    failing(
      ['fd_read'],
      '(call $fd_read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8))',
      buffer(-1, -1),
    ),
  ],
  [
    'chance to nowhere',
    failing(['random_get'], '(call $random_get (i32.const 65000) (i32.const -1))'),
  ],
  [
    'arguments to nowhere',
    failing(['args_get'], '(call $args_get (i32.const 65535) (i32.const -4))'),
  ],
  [
    'time to nowhere',
    failing(
      ['clock_time_get'],
      '(call $clock_time_get (i32.const 1) (i64.const 0) (i32.const -2))',
    ),
  ],
  [
    'a path from nowhere',
    failing(
      ['path_open'],
      `(call $path_open (i32.const 3) (i32.const 0) (i32.const -8) (i32.const 100) (i32.const 1)
        (i64.const 2) (i64.const 0) (i32.const 0) (i32.const 8))`,
    ),
  ],
])('[S1] %s is an error that the kernel sees', async (_, wat) => {
  const { attack, afterwards } = await attackWith(wat, { stdin: new Uint8Array(100) });
  expect(attack).toMatchObject({
    outcome: 'kernel_exit',
    exitCode: expect.toBeOneOf([fault, invalid]),
  });
  expect(attack.stdout).toHaveLength(0);
  expect(afterwards).toMatchObject(success);
});
