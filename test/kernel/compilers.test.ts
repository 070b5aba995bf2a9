/**
 * The same kernels under V8's baseline compiler alone, its optimising compiler alone, and both: how
 * a run ended, its fuel and what it left must not tell which. Among the kernels are all the ways to
 * trap, where the meter has the least hold.
 */
import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { meterKernel } from '../../kernel/meter.ts';
import { programs } from './support/programs.ts';
import { command, wat } from './support/wat.ts';

const FUEL_MAX = 200_000;

/** Reads kernels from stdin, writes an array of how each ended. Plain JavaScript: it runs alone. */
const RUNNER = `
const { createHash } = require('node:crypto');
const kernels = JSON.parse(require('node:fs').readFileSync(0, 'utf8'));
const ends = kernels.map((kernel) => {
  const seen = [];
  const watch = () => { seen.push(String(exports.manyhands_fuel.value)); return 0; };
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(Buffer.from(kernel, 'base64')), {
    wasi_snapshot_preview1: { proc_exit: () => { watch(); throw new Error('exit'); }, sched_yield: watch },
    manyhands: { progress: watch, checkpoint: watch },
  });
  exports.manyhands_fuel.value = ${FUEL_MAX}n;
  let end = 'return';
  try { exports._start(); } catch (error) { end = error.name + ': ' + error.message; }
  const memory = createHash('sha256').update(new Uint8Array(exports.memory.buffer)).digest('hex');
  return { end, seen, fuel: String(exports.manyhands_fuel.value), stack: exports.manyhands_stack.value, memory };
});
process.stdout.write(JSON.stringify(ends));
`;

interface End {
  end: string;
  fuel: string;
  stack: number;
}

function runUnder(flags: string[], kernels: Uint8Array[]): End[] {
  const input = JSON.stringify(kernels.map((kernel) => Buffer.from(kernel).toString('base64')));
  const output = execFileSync(process.execPath, [...flags, '-e', RUNNER], {
    input,
    encoding: 'utf8',
  });
  return JSON.parse(output);
}

const LOOP = `(local $i i32) (loop $l
  (i32.store (i32.mul (local.get $i) (i32.const 4)) (local.get $i))
  (local.set $i (i32.add (local.get $i) (i32.const 1)))
  CODE
  (br_if $l (i32.lt_u (local.get $i) (i32.const 1000))))`;
const trapsAt = (turn: number, trap: string) =>
  LOOP.replace('CODE', `(if (i32.eq (local.get $i) (i32.const ${turn})) (then ${trap}))`);

const traps: [string, Uint8Array][] = [
  ['division by zero', command('', trapsAt(700, '(drop (i32.div_u (i32.const 1) (i32.const 0)))'))],
  ['access out of bounds', command('', trapsAt(700, '(drop (i32.load (i32.const -4)))'))],
  ['conversion of a NaN', command('', trapsAt(9, '(drop (i32.trunc_f64_s (f64.const nan)))'))],
  ['unreachable', command('', trapsAt(700, '(unreachable)'))],
  [
    'indirect call of nothing',
    command('(table 2 funcref)', trapsAt(700, '(call_indirect (i32.const 1))')),
  ],
  [
    'indirect call of another type',
    command(
      '(table funcref (elem $f)) (func $f (param i32))',
      trapsAt(7, '(call_indirect (i32.const 0))'),
    ),
  ],
  ['endless recursion', command('(func $f (local f64) (call $f))', '(call $f)')],
  ['endless loop', command('', '(loop $l (br $l))')],
  [
    'fuel',
    command('', LOOP.replace('CODE', '(local.set $i (i32.and (local.get $i) (i32.const 63)))')),
  ],
];

describe('[S3] baseline and optimising compiler', () => {
  it('give the same ends, fuel, stack and memory', () => {
    const random = fc.sample(programs, { seed: 11, numRuns: 60 }).map(wat);
    const kernels = [...traps.map(([, wasm]) => wasm), ...random].map(
      (wasm) => meterKernel(wasm, { memoryPagesMax: 16 }).wasm,
    );
    const baseline = runUnder(['--liftoff-only'], kernels);
    expect(runUnder(['--no-liftoff'], kernels)).toEqual(baseline);
    expect(runUnder([], kernels)).toEqual(baseline);
    const ends = new Map(traps.map(([name], nth) => [name, baseline[nth]]));
    expect(ends.get('division by zero')?.end).toBe('RuntimeError: divide by zero');
    expect(Number(ends.get('endless loop')?.fuel)).toBeLessThan(0);
    expect(ends.get('endless recursion')?.stack).toBeLessThan(0);
  });
});
