import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { asyncifyKernel } from '../../../../kernel/builders/asyncify.ts';
import { KernelRefused, meterKernel } from '../../../../kernel/meter.ts';
import { runKernel } from '../../../../worker/sandbox/runner.ts';
import { floatPrograms } from '../../../kernel/support/float-programs.ts';
import { programs } from '../../../kernel/support/programs.ts';
import { run } from '../../../kernel/support/run.ts';
import { wat } from '../../../kernel/support/wat.ts';
import { aKernel, aProgram, aRun, text, wasmOf } from '../a-kernel.ts';
import {
  bothOf,
  firstSnapshot,
  meterForCheckpoints,
  moduleOf,
  runInPieces,
} from './a-stoppable-kernel.ts';

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'manyhands-asyncify-'));
afterAll(() => rmSync(folder, { recursive: true }));

const anyNans = (program: string) =>
  meterKernel(wat(program), { memoryPagesMax: 16, nans: 'any' }).wasm;

/** Calls itself twice at each depth, and can be stopped at the bottom: 2^depth times. */
const branching = (depth: number) => `(module
  (import "manyhands" "checkpoint" (func $checkpoint)) (memory (export "memory") 1)
  (func $sum (param i32) (result i64) (local $kept i64)
    (if (i32.eqz (local.get 0)) (then (call $checkpoint) (return (i64.const 1))))
    (local.set $kept (i64.mul (i64.extend_i32_u (local.get 0))
      (call $sum (i32.sub (local.get 0) (i32.const 1)))))
    (i64.add (local.get $kept) (call $sum (i32.sub (local.get 0) (i32.const 1)))))
  (func (export "_start") (i64.store (i32.const 0) (call $sum (i32.const ${depth})))))`;

describe('an asyncified kernel', () => {
  it('[S3] uses the fuel of the metered one, whole or in pieces', () => {
    const { plain, able } = bothOf(wasmOf(branching(4)));
    const uninterrupted = runKernel(plain, aRun());
    expect(runKernel(able, aRun())).toEqual(uninterrupted);
    expect(runInPieces(able, aRun())).toEqual({ end: uninterrupted, stops: 16 });
  });

  it('[S3] of any shape gives the same end wherever it is stopped', () => {
    const withoutPassiveData = (program: string) =>
      program.replace(/\(memory\.init .*\)$/gm, 'nop').replace(/\(data .*\)$/m, '');
    fc.assert(
      fc.property(programs, fc.infiniteStream(fc.boolean()), (program, answers) => {
        const { plain, able } = bothOf(wasmOf(withoutPassiveData(program)));
        const wantsStop = () => answers.next().value;
        for (const fuelMax of [1_000_000, 3_000]) {
          const run = aRun({ fuelMax });
          expect(runInPieces(able, run, wantsStop).end).toEqual(runKernel(plain, run));
        }
      }),
      { numRuns: 15 },
    );
  });

  it('[S3] makes NaNs the same, as Binaryen neither computes them itself nor finds that superfluous', () => {
    const same = (plain: string) => asyncifyKernel(meterForCheckpoints(wat(plain)));
    fc.assert(
      fc.property(floatPrograms, ({ plain, canonical }) => {
        const here = run(same(plain), { fuelMax: 10_000_000n });
        const there = run(anyNans(canonical), { fuelMax: 100_000_000n });
        expect(here).toMatchObject({ end: 'return', memory: there.memory });
      }),
      { numRuns: 15 },
    );
    const constant = `(module (memory (export "memory") 1) (func (export "_start")
      (f64.store (i32.const 0) (f64.div (f64.const 0) (f64.const 0)))
      (f32.store (i32.const 8) (f32.sqrt (f32.const -1)))
      (f64.store (i32.const 16) (f64.sub (f64.const inf) (f64.const inf)))))`;
    const expected = Buffer.alloc(65_536);
    expected.write('000000000000f87f0000c07f00000000000000000000f87f', 'hex');
    const digest = createHash('sha256').update(expected).digest('hex');
    expect(run(same(constant), { fuelMax: 1_000n }).memory).toBe(digest);
  });

  it('is refused with a sentence when Binaryen gives up', () => {
    const invalid = '(drop (select (i32.const 1) (i64.const 1) (i32.const 1)))';
    const wasm = meterForCheckpoints(wasmOf(aProgram(['checkpoint'], invalid)));
    expect(() => asyncifyKernel(wasm)).toThrow(
      expect.objectContaining({
        reason: 'checkpoint_impossible',
        change: expect.stringContaining('step()'),
      }),
    );
  });

  it('finds its memory as it left it, though its stack was kept there meanwhile', () => {
    const filled = `(module (import "manyhands" "checkpoint" (func $checkpoint))
      (import "wasi_snapshot_preview1" "fd_write"
        (func $write (param i32 i32 i32 i32) (result i32)))
      (memory (export "memory") 1)
      (func (export "_start")
        (memory.fill (i32.const 0) (i32.const 7) (i32.const 65536))
        (call $checkpoint)
        (i32.store (i32.const 60000) (i32.const 0)) (i32.store (i32.const 60004) (i32.const 60000))
        (drop (call $write
          (i32.const 1) (i32.const 60000) (i32.const 1) (i32.const 60008)))))`;
    const { end, stops } = runInPieces(bothOf(wasmOf(filled)).able, aRun());
    expect(stops).toBe(1);
    expect(end.stdout).toEqual(new Uint8Array(60_000).fill(7));
  });

  it('can be stopped within a step', () => {
    const stepped = wasmOf(`(module (import "manyhands" "checkpoint" (func $checkpoint))
      (memory (export "memory") 1) (global $n (mut i32) (i32.const 3))
      (func (export "_start") (call $checkpoint))
      (func (export "step") (result i32)
        (call $checkpoint) (call $checkpoint)
        (global.set $n (i32.sub (global.get $n) (i32.const 1))) (global.get $n)))`);
    const { plain, able } = bothOf(stepped);
    expect(runInPieces(able, aRun())).toEqual({
      end: runKernel(plain, aRun()),
      // One in the start and two in each step, and those between.
      stops: 1 + 3 * 2 + 3,
    });
  });

  it('whose stack is larger than its memory is not stopped, and comes to the same end', () => {
    const locals = Array.from({ length: 40 }, (_, n) => `(local $l${n} i64)`).join(' ');
    const use = Array.from({ length: 40 }, (_, n) => `(i64.add (local.get $l${n})`).join(' ');
    const set = Array.from(
      { length: 40 },
      (_, n) => `(local.set $l${n} (i64.load (i32.mul (local.get 0) (i32.const ${n}))))`,
    ).join('\n');
    const deep = `(module (import "manyhands" "checkpoint" (func $checkpoint))
      (memory (export "memory") 1)
      (func $down (param i32) (result i64) ${locals} ${set}
        (if (i32.eqz (local.get 0)) (then (call $checkpoint) (return (i64.const 0))))
        ${use} (call $down (i32.sub (local.get 0) (i32.const 1))) ${')'.repeat(40)})
      (func (export "_start") (i64.store (i32.const 0) (call $down (i32.const 400)))))`;
    const { plain, able } = bothOf(wasmOf(deep));
    const end = runKernel(plain, aRun());
    expect(end.outcome).toBe('success');
    expect(runInPieces(able, aRun())).toEqual({ end, stops: 0 });
  });

  it('is not made of a kernel that is asyncified already', () => {
    const own = '(func (export "asyncify_start_unwind") (param i32))';
    const wasm = meterForCheckpoints(wasmOf(aProgram(['checkpoint'], '', own)));
    expect(() => asyncifyKernel(wasm)).toThrow(KernelRefused);
  });

  it('is stopped nowhere when it was only metered', () => {
    const module = moduleOf(meterForCheckpoints(wasmOf(branching(2))));
    expect(runInPieces(module, aRun()).stops).toBe(0);
    expect(runInPieces(aKernel(branching(2)), aRun()).stops).toBe(0);
  });
});

describe('compiled from AssemblyScript, the Mersenne job’s arithmetic', () => {
  const target = join(folder, 'lucas-lehmer.wasm');
  execFileSync(process.execPath, [
    here('../../../../jobs/build-kernel.mjs'),
    here('assembly/lucas-lehmer.ts'),
    target,
  ]);
  const { plain, able } = bothOf(readFileSync(target));

  it.each([
    ['by the schoolbook', '521', '519', '0000000000000000'],
    ['by transforms', '2203', '60', undefined],
  ])('[S3] %s gives the same residue and fuel in pieces', (_, exponent, iterations, residue) => {
    const run = aRun({
      args: ['kernel', '--exponent', exponent, '--iterations', iterations],
      fuelMax: 1_000_000_000,
    });
    const uninterrupted = runKernel(plain, run);
    expect(uninterrupted.outcome).toBe('success');
    if (residue !== undefined) expect(text(uninterrupted.stdout).trim()).toBe(residue);
    expect(runKernel(able, run)).toEqual(uninterrupted);
    let asked = 0;
    const { end, stops } = runInPieces(able, run, () => asked++ % 19 === 7);
    expect(end).toEqual(uninterrupted);
    expect(stops).toBeGreaterThan(2);
  });
});

const compiler = 'clang';
const clang = spawnSync(compiler, [
  ...['--target=wasm32-wasi', '-O2', '-Wl,--strip-debug', '-o', join(folder, 'words.wasm')],
  here('words.c'),
]);
describe.skipIf(clang.status !== 0)(
  'compiled from C (needs clang with wasi-libc), a program',
  () => {
    it('[S3] keeps its heap, open files and recursion over every stop', () => {
      const { plain, able } = bothOf(readFileSync(join(folder, 'words.wasm')));
      const input = 'many hands make light work and light hands make many more'.repeat(3);
      const files = { '/text': new TextEncoder().encode(input) };
      const run = aRun({ files, outputs: ['/out/*'] });
      const uninterrupted = runKernel(plain, run);
      expect(text(uninterrupted.files['/out/words'] ?? new Uint8Array())).toContain('hands 6\n');
      const { end, stops } = runInPieces(able, run);
      expect(end).toEqual(uninterrupted);
      expect(stops).toBeGreaterThan(10);
      expect(firstSnapshot(able, run).position.stack?.length).toBeGreaterThan(0);
    });
  },
);
