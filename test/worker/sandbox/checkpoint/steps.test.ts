import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { runKernel } from '../../../../worker/sandbox/runner.ts';
import { aKernel, aRun, text, wasmOf } from '../a-kernel.ts';
import { firstSnapshot, meterForCheckpoints, moduleOf, runInPieces } from './a-stoppable-kernel.ts';

const stepped = (body: string, start = '') => `(module
  (import "wasi_snapshot_preview1" "fd_write"
    (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (import "wasi_snapshot_preview1" "clock_time_get"
    (func $clock (param i32 i64 i32) (result i32)))
  (memory (export "memory") 1 8)
  (global $n (mut i32) (i32.const 0)) (global $sum (mut i64) (i64.const 0))
  (global $f (mut f64) (f64.const 0.1))
  (func $say (param $at i32) (param $length i32)
    (i32.store (i32.const 0) (local.get $at)) (i32.store (i32.const 4) (local.get $length))
    (drop (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8))))
  (data (i32.const 64) "start") (data (i32.const 72) "step")
  (func (export "_start") ${start})
  (func (export "step") (result i32)
    (global.set $n (i32.add (global.get $n) (i32.const 1)))
    ${body}))`;
const until = (steps: number) => `(i32.lt_s (global.get $n) (i32.const ${steps}))`;

/** Chance, time, output, growing memory and all kinds of globals, over twenty steps. */
const variedText = stepped(
  `(drop (call $random (i32.const 64) (i32.const 6)))
     (drop (call $clock (i32.const 1) (i64.const 0) (i32.const 72)))
     (global.set $sum (i64.add (i64.mul (global.get $sum) (i64.const 31)) (i64.load (i32.const 64))))
     (global.set $f (f64.mul (global.get $f) (f64.const 1.7)))
     (i64.store (i32.const 80) (global.get $sum)) (f64.store (i32.const 88) (global.get $f))
     (if (i32.eq (i32.rem_u (global.get $n) (i32.const 5)) (i32.const 0))
       (then (i32.store (i32.mul (memory.grow (i32.const 1)) (i32.const 65536)) (global.get $n))))
     (call $say (i32.const 64) (i32.const 32))
     ${until(20)}`,
  '(call $say (i32.const 64) (i32.const 3))',
);
const varied = wasmOf(variedText);

describe('a stepped kernel', () => {
  it('is started once, then stepped until it says 0', () => {
    const kernel = stepped(
      `(call $say (i32.const 72) (i32.const 4)) ${until(3)}`,
      '(call $say (i32.const 64) (i32.const 5))',
    );
    expect(text(runKernel(aKernel(kernel), aRun()).stdout)).toBe('startstepstepstep');
    const reactor = kernel.replace('"_start"', '"_initialize"');
    expect(text(runKernel(aKernel(reactor), aRun()).stdout)).toBe('startstepstepstep');
  });

  it('can end by itself in its start or in a step', () => {
    const exits = stepped('(call $exit (i32.const 3)) (i32.const 1)');
    expect(runKernel(aKernel(exits), aRun())).toMatchObject({
      outcome: 'kernel_exit',
      exitCode: 3,
    });
    const early = stepped('(unreachable)', '(call $exit (i32.const 0))');
    expect(runKernel(aKernel(early), aRun())).toMatchObject({ outcome: 'success' });
  });

  it('[S2] pays for every step, so that steps without work come to an end', () => {
    const idle = '(module (memory (export "memory") 1) (func (export "_start"))';
    const endless = `${idle} (func (export "step") (result i32) (i32.const 1)))`;
    const end = runKernel(aKernel(endless), aRun({ fuelMax: 100_000 }));
    expect(end).toMatchObject({ outcome: 'fuel_exhausted', fuel: 100_000 });
    const once = `${idle} (func (export "step") (result i32) (i32.const 0)))`;
    expect(runKernel(aKernel(once), aRun()).fuel).toBe(500);
  });

  it('[S3] gives the same bytes and fuel wherever it is stopped and goes on', () => {
    const uninterrupted = runKernel(aKernel(variedText), aRun());
    const module = moduleOf(meterForCheckpoints(varied));
    expect(uninterrupted.stdout.length).toBe(3 + 20 * 32);
    fc.assert(
      fc.property(fc.array(fc.boolean(), { minLength: 1, maxLength: 25 }), (answers) => {
        let asked = 0;
        const { end } = runInPieces(
          module,
          aRun(),
          () => answers[asked++ % answers.length] ?? false,
        );
        expect(end).toEqual(uninterrupted);
      }),
      { numRuns: 40 },
    );
  });

  it('can be stopped before each step, and after the start', () => {
    const module = moduleOf(meterForCheckpoints(varied));
    expect(runInPieces(module, aRun()).stops).toBe(20);
    expect(firstSnapshot(module, aRun()).position).toEqual({ entry: 'step', stack: null });
  });

  it('is not stopped when it was metered without checkpoints, or while a global is no number', () => {
    const count = `${until(3)}`;
    expect(runInPieces(aKernel(stepped(count)), aRun()).stops).toBe(0);
    const nan = stepped(
      `(global.set $f (select (f64.const nan) (f64.const 1) (i32.eq (global.get $n) (i32.const 1))))
       ${count}`,
    );
    expect(runInPieces(moduleOf(meterForCheckpoints(wasmOf(nan))), aRun()).stops).toBe(2);
  });

  it('fails in pieces as it does in one', () => {
    const traps = wasmOf(stepped(`(if (i32.eqz ${until(4)}) (then (unreachable))) (i32.const 1)`));
    const { end, stops } = runInPieces(moduleOf(meterForCheckpoints(traps)), aRun());
    expect(stops).toBe(4);
    expect(end).toMatchObject({ outcome: 'kernel_trap' });
    const fuelMax = 1_000;
    const spent = runInPieces(moduleOf(meterForCheckpoints(varied)), aRun({ fuelMax })).end;
    expect(spent).toMatchObject({ outcome: 'fuel_exhausted', fuel: fuelMax });
  });
});
