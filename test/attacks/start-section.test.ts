/** Code that would run while the module is instantiated, before it has fuel or a world. */
import { expect, it } from 'vitest';
import { inspectKernel } from '../../kernel/inspect.ts';
import { wasmOf } from '../worker/sandbox/a-kernel.ts';
import { attackUnmeteredWith, forgedGauges, success } from './attack.ts';

const early = `(module ${forgedGauges} (memory (export "memory") 1)
  (func $early (loop $again (br $again))) (start $early) (func (export "_start")))`;

it('[S2] a start section is refused', () => {
  const plain = early.replace(forgedGauges, '');
  expect(inspectKernel(wasmOf(plain)).refusal).toMatchObject({ reason: 'start_forbidden' });
});

it('[S2] a start section that nobody refused ends with its wall time', async () => {
  const { attack, afterwards } = await attackUnmeteredWith(early, { wallMsMax: 300 });
  expect(attack).toMatchObject({ outcome: 'time_exceeded' });
  expect(afterwards).toMatchObject(success);
});
