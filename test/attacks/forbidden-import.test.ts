import { expect, it } from 'vitest';
import { inspectKernel } from '../../kernel/inspect.ts';
import { wasmOf } from '../worker/sandbox/a-kernel.ts';
import { attackUnmeteredWith, forgedGauges, success } from './attack.ts';

const importing = (door: string) =>
  `(module (import ${door}) ${forgedGauges} (memory (export "memory") 1) (func (export "_start")))`;

const doors: [string, string, string][] = [
  ['of a function of JavaScript', '"env" "eval" (func)', 'import_forbidden'],
  ['of what WASI does not have', '"wasi_snapshot_preview1" "system" (func)', 'import_forbidden'],
  ['of an older WASI', '"wasi_unstable" "fd_write" (func)', 'import_forbidden'],
  [
    'by a name that every object has',
    '"wasi_snapshot_preview1" "constructor" (func)',
    'import_forbidden',
  ],
  ['of threads', '"wasi" "thread-spawn" (func (param i32) (result i32))', 'import_forbidden'],
  ['of a memory', '"env" "memory" (memory 1)', 'import_forbidden'],
  ['of a table', '"env" "table" (table 1 funcref)', 'import_forbidden'],
  ['of a global', '"env" "global" (global i32)', 'import_forbidden'],
  [
    'with another type',
    '"wasi_snapshot_preview1" "fd_close" (func (param i64))',
    'import_signature',
  ],
];

it.each(doors)('[S1] an import %s is refused', (_, door, reason) => {
  const module = importing(door).replace(/\(memory \(export "memory"\) 1\)/, (memory) =>
    door.includes('(memory') ? '' : memory,
  );
  expect(inspectKernel(wasmOf(module)).refusal).toMatchObject({
    reason,
    offset: expect.any(Number),
  });
});

it('[S1] an import that nobody refused is not there to be called', async () => {
  const { attack, afterwards } = await attackUnmeteredWith(importing('"env" "eval" (func)'));
  expect(attack).toMatchObject({ outcome: 'host_error' });
  expect(afterwards).toMatchObject(success);
});
