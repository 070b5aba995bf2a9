/**
 * Writes what stands around a counted loop:
 *
 *   (if  every turn is paid for
 *     (then  take the fuel; the loop as it was)
 *     (else  the loop with counter and check))
 *
 * Both arms end with the same fuel, and only in the second can it run out: so it runs out exactly
 * where it would without this. What cannot be foreseen goes the second way too: a counter that
 * steps over its bound, and one that wraps around.
 */

import type { CodeWriter } from './code-writer.ts';
import type { CountedLoop } from './counted-loop.ts';
import { op } from './op.ts';

export interface CountedLoopCosts {
  /** Fuel of one time round. */
  turn: number;
  /** Fuel of the test that fails at last, when the test stands first. */
  last: number;
}

/**
 * Leaves on the stack whether the loop may run unwatched, and in the local `fuelAfter` the fuel
 * there will be when it has.
 */
export function writeTurnsPaidFor(
  out: CodeWriter,
  loop: CountedLoop,
  costs: CountedLoopCosts,
  locals: { fuel: number; fuelAfter: number; turns: number },
): void {
  out.indexed(op.localGet, locals.fuel);
  let rest = costs.last;
  if (loop.goesOnWhile === 'not_equal') {
    writeTurnsButOneUntilEqual(out, loop);
    rest += costs.turn;
  } else {
    writeTurnsWhileLess(out, loop, locals.turns);
  }
  out.indexed(op.localTee, locals.turns);
  out.i64(costs.turn);
  out.bytes(op.i64Mul, op.i64Sub);
  out.i64(rest);
  out.byte(op.i64Sub);
  out.indexed(op.localTee, locals.fuelAfter);
  out.i64(0);
  out.byte(op.i64GeS);
  if (loop.goesOnWhile !== 'not_equal') writeStaysBelowWrap(out, loop, locals.turns);
  else if (loop.stepLog2 > 0) writeMeetsItsBound(out, loop, locals.turns);
}

/**
 * The distance in steps, less one, since a loop that tests at its end goes round once at least; a
 * distance of 0 means all the way round. The last step is taken off before the division, which is a
 * rotation: of a distance that is no multiple of the step it carries the rest into the high bits.
 */
function writeTurnsButOneUntilEqual(out: CodeWriter, loop: CountedLoop): void {
  if (loop.isDown) out.indexed(op.localGet, loop.counter);
  writeBound(out, loop);
  if (!loop.isDown) out.indexed(op.localGet, loop.counter);
  out.byte(op.i32Sub);
  out.i32(2 ** loop.stepLog2);
  out.byte(op.i32Sub);
  if (loop.stepLog2 > 0) {
    out.i32(loop.stepLog2);
    out.byte(op.i32Rotr);
  }
  out.byte(op.i64ExtendI32U);
}

/** No rest in the high bits: the counter does not step over its bound, for ever. */
function writeMeetsItsBound(out: CodeWriter, loop: CountedLoop, turns: number): void {
  out.indexed(op.localGet, turns);
  out.i64(2 ** (32 - loop.stepLog2));
  out.bytes(op.i64LtS, op.i32And);
}

/** The distance in steps, rounded up; at least 0 when the test stands first, else 1. */
function writeTurnsWhileLess(out: CodeWriter, loop: CountedLoop, turns: number): void {
  const least = loop.testsFirst ? 0 : 1;
  writeBound(out, loop);
  out.byte(extension(loop));
  out.indexed(op.localGet, loop.counter);
  out.bytes(extension(loop), op.i64Sub);
  out.i64(2 ** loop.stepLog2 - 1);
  out.byte(op.i64Add);
  out.i64(loop.stepLog2);
  out.byte(op.i64ShrS);
  out.indexed(op.localTee, turns);
  out.i64(least);
  out.indexed(op.localGet, turns);
  out.i64(least);
  out.bytes(op.i64GtS, op.select);
}

/** The last step does not carry the counter around, to where it is less again. */
function writeStaysBelowWrap(out: CodeWriter, loop: CountedLoop, turns: number): void {
  out.indexed(op.localGet, turns);
  out.i64(loop.stepLog2);
  out.byte(op.i64Shl);
  out.indexed(op.localGet, loop.counter);
  out.bytes(extension(loop), op.i64Add);
  out.i64(loop.goesOnWhile === 'less_signed' ? 2 ** 31 - 1 : 2 ** 32 - 1);
  out.bytes(op.i64LeS, op.i32And);
}

function writeBound(out: CodeWriter, { bound }: CountedLoop): void {
  if ('local' in bound) out.indexed(op.localGet, bound.local);
  else out.i32(bound.value);
}

const extension = (loop: CountedLoop): number =>
  loop.goesOnWhile === 'less_signed' ? op.i64ExtendI32S : op.i64ExtendI32U;
