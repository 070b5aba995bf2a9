/** A kernel that works for as long as a test wants, in two forms that can be saved. */
import { wasmOf } from './a-kernel.ts';

/** So many rounds of chance, added up, with much work in each: the sum is what it writes. */
const countdown = (rounds: number, body: string) =>
  wasmOf(`(module
    (import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "fd_write"
      (func $write (param i32 i32 i32 i32) (result i32)))
    (import "manyhands" "progress" (func $progress (param f64)))
    (import "manyhands" "checkpoint" (func $checkpoint))
    (memory (export "memory") 1) (global $left (mut i32) (i32.const ${rounds}))
    (func $round (result i32) (local $i i32)
      (call $progress (f64.const 0.5))
      (drop (call $random (i32.const 64) (i32.const 8)))
      (i64.store (i32.const 72) (i64.add (i64.load (i32.const 64)) (i64.load (i32.const 72))))
      (local.set $i (i32.const 200000))
      (loop $again (br_if $again (local.tee $i (i32.sub (local.get $i) (i32.const 1)))))
      (global.set $left (i32.sub (global.get $left) (i32.const 1)))
      (if (i32.eqz (global.get $left)) (then
        (i32.store (i32.const 0) (i32.const 72)) (i32.store (i32.const 4) (i32.const 8))
        (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))))
      (global.get $left))
    ${body})`);
/** Can be saved between its steps. */
export const countdownInSteps = (rounds: number) =>
  countdown(rounds, '(func (export "_start")) (func (export "step") (result i32) (call $round))');
/** Calls checkpoint() after each round. */
export const countdownInOneCall = (rounds: number) =>
  countdown(
    rounds,
    `(func (export "_start") (loop $again (call $checkpoint) (br_if $again (call $round))))`,
  );
