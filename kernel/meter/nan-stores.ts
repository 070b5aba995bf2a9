/**
 * Stores of what arithmetic gave, many at a time. To make each value firm before it is stored costs as
 * much as computing it; but NaNs are rare, and a sum is NaN if one of its terms is. So the values go to
 * memory as they are, their sum is looked at once behind the last of them, and only when that is a NaN
 * are they made firm and stored again, in the same order. (A sum of infinities may be one, too: then
 * that was for nothing.)
 *
 *   v1 → [a1]  …  v2 → [a2]  …  v3 → [a3]   if v1 + v2 + v3 is NaN: firm(v1) → [a1], firm(v2) → …
 *
 * In between nobody may see the difference. A group lies in straight code, without calls or branches,
 * and with no access to memory but these stores and loads of floats of which only arithmetic is done,
 * to which all NaNs are alike. That holds as long as such a load takes whole floats: half a NaN would be
 * a number. So its address has to come of the same value as those of the stores before it, a
 * multiple of a float's size away.
 */
import type { Address } from './addresses.ts';
import { type NanLocals, NO_LOCAL } from './nan-locals.ts';
import { type Shape, shape } from './nan-roles.ts';

export interface FloatAccess extends Address {
  start: number;
  /** What the instruction adds to the address. */
  offset: number;
}

/** A load of floats. It is unsafe within a group when anything but arithmetic sees what it gave. */
export interface FloatLoad extends FloatAccess {
  /** Bytes of a float; 0 for a vector that nobody has divided yet. */
  lane: number;
  isSafe: boolean;
  /** Into which locals it was put. */
  locals: number[];
}

export interface FloatStore extends FloatAccess {
  end: number;
  opcode: number;
  shape: Shape;
  /** Where its address came onto the stack. */
  addressAt: number;
  /** From which local the value was got, and is loose only if that is. */
  local: number;
  /** Of a sum or a difference: which values it is of, in which stretch of straight code; else empty. */
  terms: string;
}

export type StoreGroup = FloatStore[];

type Event =
  | { kind: 'store'; store: FloatStore }
  | { kind: 'load'; load: FloatLoad }
  | { kind: 'end' };

/** More would keep too many registers busy until they are looked at. */
const STORES_MAX = 8;

export class NanStores {
  readonly #events: Event[] = [];
  /** Whether a group may be open here. */
  isOpen = false;

  store(store: FloatStore): void {
    this.#events.push({ kind: 'store', store });
    this.isOpen = true;
  }

  load(load: FloatLoad): void {
    this.#events.push({ kind: 'load', load });
  }

  end(): void {
    if (this.isOpen) this.#events.push({ kind: 'end' });
    this.isOpen = false;
  }

  /** When it is known what the locals hold; without the stores that are seen to elsewhere. */
  groups(locals: NanLocals, seenTo: ReadonlySet<FloatStore>): StoreGroup[] {
    const groups: StoreGroup[] = [];
    let group: FloatStore[] = [];
    const close = () => {
      if (group.length > 0) groups.push(group);
      group = [];
    };
    for (const event of this.#events) {
      const [first] = group;
      const lane = first === undefined ? 0 : laneOf(first.shape);
      if (event.kind === 'end') close();
      else if (event.kind === 'load') {
        const { load } = event;
        const isWhole = group.every((store) => isApart(store, load, lane));
        if (!isWhole || !isSafeLoad(load, lane, locals)) close();
      } else if (!seenTo.has(event.store)) {
        const { store } = event;
        if (lane !== laneOf(store.shape)) close();
        // Its value is what it is: stored over one of the group it would have to stay.
        if (isFirmStore(store, locals)) close();
        else group.push(store);
        if (group.length === STORES_MAX) close();
      }
    }
    close();
    return groups;
  }
}

export const laneOf = (of: Shape): number => (of === shape.f32 || of === shape.f32x4 ? 4 : 8);

/** What it stores is to keep its bits. */
export const isFirmStore = ({ local }: FloatStore, locals: NanLocals): boolean =>
  local !== NO_LOCAL && !locals.isLoose(local);

/** By whole floats, wherever they are. */
const isApart = (a: FloatAccess, b: FloatAccess, lane: number): boolean =>
  a.root === b.root && (a.plus + a.offset - b.plus - b.offset) % lane === 0;

/** Only arithmetic sees what it gave, in floats of that size. */
export function isSafeLoad(load: FloatLoad, lane: number, locals: NanLocals): boolean {
  return (
    load.isSafe &&
    (load.lane === 0 || load.lane === lane) &&
    load.locals.every(
      (local) =>
        !locals.isSeen(local) &&
        (locals.shapeOf(local) === shape.none || laneOf(locals.shapeOf(local)) === lane),
    )
  );
}
