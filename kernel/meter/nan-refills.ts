/**
 * Loops whose stores are looked at when the loop is over. They have no calls, and touch memory only to
 * load floats of which only arithmetic is done, and to store what arithmetic made; so nobody can see
 * the bits of a NaN in between. Afterwards its integers are gone through once more (`skeleton.ts`), and
 * what lies where it stored is made firm. There are two kinds:
 *
 *   last_turn   Every turn stores to the same places: a product of matrices adds to one row again and
 *               again, a simulation moves the same bodies at every step. What one turn stored the next
 *               replaces, so it costs one turn more, without the arithmetic.
 *   all_turns   What the loop stores is added up beside it, and only if the sum is NaN are all turns gone
 *               through again, unless the sum is a finite number: it is not if one of its terms is
 *               not. Where x + y is finite, x and y are, and x - y is no NaN: of two stores like these,
 *               which FFTs are made of, one is added. (Infinities make it all for nothing.)
 *
 * All accesses have to be aligned to whole floats, since half a NaN would be a number. That is looked at
 * before the loop: one that is not runs as a copy that makes each value firm before it is stored. A loop
 * that ends in a trap shows its memory to nobody.
 */
import type { KernelModule } from './module.ts';
import type { NanLocals } from './nan-locals.ts';
import { type FloatLoad, type FloatStore, isFirmStore, isSafeLoad, laneOf } from './nan-stores.ts';
import { op } from './op.ts';
import { findSkeleton, type Skeleton } from './skeleton.ts';
import type { LoopRange, Scope } from './skeleton-pass.ts';
import type { FunctionBody } from './value-types.ts';

export interface Refill {
  skeleton: Skeleton;
  stores: FloatStore[];
}

interface Watched extends LoopRange {
  stores: FloatStore[];
  loads: FloatLoad[];
  isFit: boolean;
  /** Of the loops in it. */
  height: number;
}

/** It is written up to four times; a step of a simulation of five bodies has 900. */
const LOOP_BYTES_MAX = 4096;
/** Loops within such a loop: all of it is looked at once for each. */
const HEIGHT_MAX = 3;
/** As a kernel that needs more of them in one function is not known, and each is more code. */
const REFILLS_MAX = 32;

/** Is told of the loops of a function, and of what stands in them, in order. */
export class NanRefills {
  readonly #open: Watched[] = [];
  readonly #found: Watched[] = [];

  /** Whether loads and stores here may belong to one. */
  get isOpen(): boolean {
    return this.#open.some((loop) => loop.isFit);
  }

  enter(start: number): void {
    this.#open.push({ start, end: start, stores: [], loads: [], isFit: true, height: 0 });
  }

  leave(end: number): void {
    const loop = this.#open.pop();
    if (loop === undefined) return;
    const outer = this.#open.at(-1);
    if (outer !== undefined) {
      outer.height = Math.max(outer.height, loop.height + 1);
      if (end - outer.start > LOOP_BYTES_MAX || outer.height > HEIGHT_MAX) outer.isFit = false;
    }
    const isSmall = end - loop.start <= LOOP_BYTES_MAX;
    const isMade = loop.stores.some((store) => store.shape !== 0);
    if (loop.isFit && isSmall && isMade) this.#found.push({ ...loop, end });
  }

  store(store: FloatStore): void {
    for (const loop of this.#open) if (loop.isFit) loop.stores.push(store);
  }

  load(load: FloatLoad): void {
    for (const loop of this.#open) if (loop.isFit) loop.loads.push(load);
  }

  /** Something stands here that none of the open loops may have in it. */
  refuse(): void {
    for (const loop of this.#open) loop.isFit = false;
  }

  /** When it is known what the locals hold. Of loops within each other it is the outermost. */
  refills(module: KernelModule, body: FunctionBody, locals: NanLocals): Refill[] {
    const refills: Refill[] = [];
    let end = 0;
    const find = (loop: Watched, scope: Scope): Skeleton | null => {
      const lane = laneOfAll(loop, locals);
      return lane === null ? null : findSkeleton(module, body, loop, { lane, scope });
    };
    const loops = this.#found.sort((a, b) => a.start - b.start);
    const lastTurns = new Map(loops.map((loop) => [loop, find(loop, 'last_turn')]));
    for (const loop of loops) {
      if (loop.start < end || refills.length === REFILLS_MAX) continue;
      // One turn is best, even of a loop within.
      const within = loops.some(
        (each) => each.start > loop.start && each.end < loop.end && lastTurns.get(each) !== null,
      );
      const skeleton = lastTurns.get(loop) ?? (within ? null : find(loop, 'all_turns'));
      if (skeleton === null) continue;
      refills.push({ skeleton, stores: loop.stores });
      end = loop.end;
    }
    return refills;
  }
}

/** Null when they are of different sizes, or one of the accesses is seen by more than arithmetic. */
function laneOfAll({ stores, loads }: Watched, locals: NanLocals): number | null {
  const made = stores.filter(({ shape }) => shape !== 0);
  const lanes = new Set(made.map(({ shape }) => laneOf(shape)));
  for (const { opcode } of stores) {
    if (opcode === op.f32Store) lanes.add(4);
    if (opcode === op.f64Store) lanes.add(8);
  }
  const [lane] = lanes;
  if (lane === undefined || lanes.size > 1) return null;
  if (stores.some((store) => isFirmStore(store, locals))) return null;
  return loads.every((load) => isSafeLoad(load, lane, locals)) ? lane : null;
}

/** Those among the stores of a loop that tell of all of them. */
export function addends(stores: readonly FloatStore[]): FloatStore[] {
  const told = new Set<string>();
  return stores.filter(({ terms, shape }) => {
    if (shape === 0 || told.has(terms)) return false;
    if (terms !== '') told.add(terms);
    return true;
  });
}
