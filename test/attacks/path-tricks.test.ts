/**
 * Paths that try to lead out of the kernel's world, to nowhere, or round in circles. There is nothing
 * out there to reach, as the world is in memory; each is answered with an errno all the same.
 */
import { expect, it } from 'vitest';
import { aProgram } from '../worker/sandbox/a-kernel.ts';
import { attackWith, success } from './attack.ts';

const [accessDenied, badSequence, invalid, loop, nameTooLong, noEntry, notPermitted] = [
  2, 25, 28, 32, 37, 44, 63,
];

/** Opens the path at 1024, after what `before` does, and exits with the errno. */
const opening = (path: string, length: number, before = '') =>
  aProgram(
    ['path_open', 'path_symlink', 'proc_exit'],
    `${before} (call $proc_exit (call $path_open (i32.const 3) (i32.const 1) (i32.const 1024)
      (i32.const ${length}) (i32.const 0) (i64.const 2) (i64.const 0) (i32.const 0) (i32.const 8)))`,
    `(data (i32.const 1024) "${path}") (data (i32.const 512) "a") (data (i32.const 520) "b/x")
     (data (i32.const 530) "b") (data (i32.const 540) "a/x") (data (i32.const 550) "../e")`,
  );

const link = (target: [number, number], name: [number, number]) =>
  `(drop (call $path_symlink (i32.const ${target[0]}) (i32.const ${target[1]}) (i32.const 3)
    (i32.const ${name[0]}) (i32.const ${name[1]})))`;
const circle = link([520, 3], [512, 1]) + link([540, 3], [530, 1]);
const outwards = link([550, 4], [512, 1]);

it.each([
  ['up and out', opening('..', 2), [notPermitted]],
  ['up and out, deeply', opening(`x/${'../'.repeat(40)}etc/passwd`, 132), [notPermitted, noEntry]],
  ['absolute', opening('/etc/passwd', 11), [notPermitted]],
  ['a circle of links', opening('a/x', 3, circle), [loop]],
  ['a link that leads out', opening('a/passwd', 8, outwards), [notPermitted]],
  ['with a NUL', opening('a\\00b', 3), [invalid, badSequence, noEntry]],
  ['very long', opening('x'.repeat(60_000), 60_000), [nameTooLong, noEntry]],
  ['very deep', opening('x/'.repeat(30_000), 60_000), [nameTooLong, noEntry]],
  ['not UTF-8', opening('\\ff\\fe', 2), [badSequence]],
  ['empty', opening('', 0), [noEntry, invalid]],
])('[S1] a path %s is an error that the kernel sees', async (_, wat, errnos) => {
  const { attack, afterwards } = await attackWith(wat);
  expect(attack.outcome).toBe('kernel_exit');
  expect(errnos).toContain(attack.exitCode);
  expect(attack.exitCode).not.toBe(accessDenied);
  expect(afterwards).toMatchObject(success);
});
