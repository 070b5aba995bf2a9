/**
 * What is left of a loop when its floats are taken away: where it goes, and where it stores. If none of
 * that hangs on a float, whoever goes through its integers once more comes by all the places where it
 * stored:
 *
 *   loop $steps                                   loop $steps
 *     (local.set $at (i32.const 0))                 (local.set $at (i32.const 0))
 *     (loop $each                                   (loop $each
 *       (f64.store (local.get $at) (…))               [look at the float in (local.get $at)]
 *       (br_if $each (… $at …)))                      (br_if $each (… $at …)))
 *     (br_if $steps (… $step …))                    (br_if $steps (… $step …))
 *   end                                           end
 *
 * It sets locals of ours instead of the loop's. Those that the loop reads before it sets them have to be kept
 * beforehand. Here that is $step, but no place hangs on it: every turn stores where the one before did,
 * and it would do to go through one of them. `scope` is `last_turn` where that is so.
 */
import type { LoopFacts } from './loop-locals.ts';
import { writtenInLoops } from './loop-writes.ts';
import type { KernelModule } from './module.ts';
import {
  type Loop,
  type LoopRange,
  type Scope,
  type SkeletonOutput,
  SkeletonPass,
} from './skeleton-pass.ts';
import type { FunctionBody } from './value-types.ts';

export interface Skeleton extends Loop {
  facts: LoopFacts;
  /** Locals that are to be kept before the loop. */
  kept: readonly number[];
  /** If these are aligned to whole floats before the loop, every access in it is. */
  aligned: readonly number[];
}

/** Null for a loop that may store elsewhere the next time, or in places that are not aligned. */
export function findSkeleton(
  module: KernelModule,
  body: FunctionBody,
  range: LoopRange,
  options: { lane: number; scope: Scope },
): Skeleton | null {
  const loop = { ...range, ...options };
  const written = writtenInLoops(module, body.locals, range);
  if ((written.get(range.start)?.size ?? 0) > WRITTEN_MAX) return null;
  const facts = {
    written,
    fickle: new Set<number>(),
    unaligned: new Set<number>(),
    hangsOn: new Map(),
  };
  for (let left = PASSES_MAX; left > 0; left--) {
    const before = facts.fickle.size + facts.unaligned.size;
    const pass = new SkeletonPass(module, body, loop, facts, null);
    if (!pass.run()) return null;
    if (facts.fickle.size + facts.unaligned.size === before)
      return { ...loop, facts, kept: [...pass.kept], aligned: pass.locals.wantedBefore() };
  }
  return null;
}

/** Each finds at least one more local about which less is known; most loops need two. */
const PASSES_MAX = 6;
/** Locals that a loop sets. All of them are looked at wherever ways meet. */
const WRITTEN_MAX = 64;

/** Writes the loop, or one turn. */
export function writeSkeleton(
  out: SkeletonOutput,
  module: KernelModule,
  body: FunctionBody,
  skeleton: Skeleton,
): void {
  new SkeletonPass(module, body, skeleton, skeleton.facts, out).run();
}
