/**
 * Writes what stands around a loop whose stores are looked at when it is over (`nan-refills.ts`):
 *
 *   (if  all that has to be is aligned
 *     (then  [keep the locals it starts from; sum = 0]     ;; when all turns are to be gone through
 *            the loop, which adds up what it stores
 *            (if  the sum is NaN, or infinite where that tells nothing
 *              (then  the integers of the loop, to make firm what it stored)))
 *     (else  the loop, with each value made firm before it is stored))
 *
 * If one turn is to do, nothing is kept and nothing added, and that turn is gone through in any case.
 */
import type { CodeWriter } from './code-writer.ts';
import type { KernelModule } from './module.ts';
import {
  holderOf,
  loopSum,
  writeDifference,
  writeFirm,
  writeIsNan,
  writeOp,
  writeTotal,
  writeZero,
} from './nan-code.ts';
import { type Shape, shape } from './nan-roles.ts';
import { EMPTY_BLOCK, op } from './op.ts';
import type { OwnLocals } from './own-locals.ts';
import type { FunctionPlan, RefillSite } from './plan.ts';
import { type Skeleton, writeSkeleton } from './skeleton.ts';
import { localTypes, valueType } from './value-types.ts';

/** False when there is nothing to look at, and so no choice. */
export function writeIfAligned(out: CodeWriter, { aligned, lane }: Skeleton): boolean {
  aligned.forEach((local, nth) => {
    out.indexed(op.localGet, local);
    if (nth > 0) out.byte(op.i32Or);
  });
  if (aligned.length === 0) return false;
  out.i32(lane - 1);
  out.bytes(op.i32And, op.i32Eqz, op.if, EMPTY_BLOCK);
  return true;
}

export interface RefillContext {
  module: KernelModule;
  plan: FunctionPlan;
  locals: OwnLocals;
}

export function writeRefillBegin(
  out: CodeWriter,
  { skeleton, opcodes, sums }: RefillSite,
  context: RefillContext,
): void {
  if (skeleton.scope === 'last_turn') return;
  const types = localTypes(context.module.bytes, context.plan);
  for (const local of skeleton.kept) {
    out.indexed(op.localGet, local);
    out.indexed(op.localSet, ours(context.locals, local, types[local] ?? 0));
  }
  for (const of of shapesStored(opcodes, skeleton.lane)) {
    for (let nth = 0; nth < sums; nth++) {
      writeZero(out, of);
      out.indexed(op.localSet, loopSum(context.locals, of, nth));
    }
  }
}

export function writeRefillEnd(out: CodeWriter, refill: RefillSite, context: RefillContext): void {
  const { skeleton, opcodes, sums } = refill;
  if (skeleton.scope === 'last_turn') {
    writeFirmPlaces(out, skeleton, context);
    return;
  }
  shapesStored(opcodes, skeleton.lane).forEach((of, nth) => {
    const all = Array.from({ length: sums }, (_, i) => loopSum(context.locals, of, i));
    const sum = writeTotal(out, of, all);
    // Of an infinity it makes a NaN.
    if (refill.needsFinite) writeDifference(out, of, sum);
    writeIsNan(out, of, [sum], sum);
    if (nth > 0) out.byte(op.i32Or);
  });
  out.bytes(op.if, EMPTY_BLOCK);
  writeFirmPlaces(out, skeleton, context);
  out.byte(op.end);
}

/** In place of one that the loop sets. */
const ours = (locals: OwnLocals, local: number, type: number): number =>
  locals.of(type, `for ${local}`);

function writeFirmPlaces(
  out: CodeWriter,
  skeleton: Skeleton,
  { module, plan, locals }: RefillContext,
): void {
  const address = locals.of(valueType.i32, 'address');
  const localFor = (local: number, type: number) => ours(locals, local, type);
  const look = (opcode: number, offset: number) => {
    const stored = shapeStored(opcode, skeleton.lane);
    out.indexed(op.localTee, address);
    out.indexed(op.localGet, address);
    writeAccess(out, loads[stored], offset);
    writeFirm(out, stored, locals.of(holderOf(stored), 'firm'));
    writeAccess(out, opcode, offset);
  };
  writeSkeleton({ code: out, localFor, look }, module, plan, skeleton);
}

const shapesStored = (opcodes: readonly number[], lane: number): Shape[] =>
  opcodes.map((opcode) => shapeStored(opcode, lane));

function shapeStored(opcode: number, lane: number): Shape {
  if (opcode === op.v128Store) return lane === 4 ? shape.f32x4 : shape.f64x2;
  return opcode === op.f32Store ? shape.f32 : shape.f64;
}

const loads = {
  [shape.none]: op.unreachable,
  [shape.f32]: op.f32Load,
  [shape.f64]: op.f64Load,
  [shape.f32x4]: op.v128Load,
  [shape.f64x2]: op.v128Load,
} as const;

/** It is not said how it is aligned, which makes no difference to an engine. */
function writeAccess(out: CodeWriter, opcode: number, offset: number): void {
  writeOp(out, opcode);
  out.byte(0);
  out.u32(offset);
}
