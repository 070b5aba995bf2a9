/**
 * Tables are objects of the engine: no memory limit caps them, and a flood of them was seen to take
 * a whole process down, past every `resourceLimits`. Hence both walls: the meter refuses such a
 * module, and when one comes through, it is the sandbox process that dies, not the worker.
 */
import { expect, it } from 'vitest';
import { KernelRefused } from '../../kernel/meter.ts';
import { attackUnmeteredWith, attackWith, forgedGauges, success } from './attack.ts';

const flood = (more: string) => `(module ${more} (memory (export "memory") 1) (table 1 funcref)
  (func (export "_start")
    (loop $again
      (br_if $again (i32.ne (table.grow (ref.null func) (i32.const 1000000)) (i32.const -1))))))`;

it('[S2] a kernel that grows a table is refused before it runs', () => {
  expect(() => attackWith(flood(''))).toThrow(KernelRefused);
});

it('[S2] a kernel with a giant table is refused before it runs', () => {
  const wat = `(module (memory (export "memory") 1) (table 10000000 funcref)
    (func (export "_start")))`;
  expect(() => attackWith(wat)).toThrow(KernelRefused);
});

it('[S2] a table flood that nobody refused hurts nobody but itself', async () => {
  // V8 fights for seconds at the end of its heap before it gives up, longer on a busy machine as the
  // process has the lowest priority, and then the run is tried once more: only its wall time ends that.
  const { attack, afterwards } = await attackUnmeteredWith(flood(forgedGauges), {
    wallMsMax: 1000,
  });
  expect(['host_error', 'time_exceeded']).toContain(attack.outcome);
  expect(afterwards).toMatchObject(success);
});
