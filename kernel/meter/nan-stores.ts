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
 * a number. Compilers say of each access how it is aligned, and a group has only such as are aligned to
 * whole floats. Whether they kept their word is looked at where a NaN was found; a kernel that did not
 * traps, on every host.
 */
import type { Address } from './addresses.ts';
import { type NanLocals, NO_LOCAL } from './nan-locals.ts';
import { type Shape, shape } from './nan-roles.ts';

export interface FloatAccess extends Address {
  start: number;
  /** Where its address came onto the stack; -1 when that is not known. */
  addressAt: number;
  offset: number;
  alignLog2: number;
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
  /** From which local the value was got, and is loose only if that is. */
  local: number;
}

export interface StoreGroup {
  stores: FloatStore[];
  /** Those between the first store and the last. */
  loads: FloatLoad[];
}

type Event =
  | { kind: 'store'; store: FloatStore }
  | { kind: 'load'; load: FloatLoad }
  | { kind: 'end' };

/** More would keep too many registers busy until they are looked at. */
const STORES_MAX = 8;
/** Two for each store: sums of what was there and what comes from elsewhere. */
const LOADS_MAX = 16;

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

  /** When it is known what the locals hold. */
  groups(locals: NanLocals): StoreGroup[] {
    const groups: StoreGroup[] = [];
    let stores: FloatStore[] = [];
    let loads: FloatLoad[] = [];
    const close = () => {
      const last = stores.at(-1);
      if (last !== undefined)
        groups.push({ stores, loads: loads.filter(({ start }) => start < last.start) });
      stores = [];
      loads = [];
    };
    for (const event of this.#events) {
      if (event.kind === 'end') close();
      else if (event.kind === 'load') {
        const [first] = stores;
        if (first === undefined) continue;
        const mayFollow =
          loads.length < LOADS_MAX &&
          isSafe(event.load, laneOf(first.shape), locals) &&
          alignAlike([...stores, event.load]);
        if (mayFollow) loads.push(event.load);
        else close();
      } else {
        const { store } = event;
        const [first] = stores;
        const isAlike = first === undefined || laneOf(first.shape) === laneOf(store.shape);
        if (!isAlike || (loads.length > 0 && !alignAlike([...stores, store]))) close();
        // Its value is what it is: stored over one of the group it would have to stay.
        if (isFirm(store, locals)) close();
        else stores.push(store);
        if (stores.length === STORES_MAX) close();
      }
    }
    close();
    return groups;
  }
}

export const laneOf = (of: Shape): number => (of === shape.f32 || of === shape.f32x4 ? 4 : 8);

const isFirm = ({ local }: FloatStore, locals: NanLocals): boolean =>
  local !== NO_LOCAL && !locals.isLoose(local);

/** Whether all of them may be aligned to whole floats: they are said to be, and as far apart. */
function alignAlike(accesses: readonly FloatAccess[]): boolean {
  const lane = laneOf(accesses.find(isStore)?.shape ?? shape.f64);
  const rests = new Map([[0, 0]]);
  return accesses.every(({ root, plus, offset, alignLog2 }) => {
    const rest = (plus + offset) & (lane - 1);
    const isAsFar = (rests.get(root) ?? rest) === rest;
    rests.set(root, rest);
    return isAsFar && 2 ** alignLog2 >= lane;
  });
}

const isStore = (access: FloatAccess): access is FloatStore => 'opcode' in access;

function isSafe(load: FloatLoad, lane: number, locals: NanLocals): boolean {
  return (
    load.isSafe &&
    load.addressAt >= 0 &&
    (load.lane === 0 || load.lane === lane) &&
    load.locals.every(
      (local) =>
        !locals.isSeen(local) &&
        (locals.shapeOf(local) === shape.none || laneOf(locals.shapeOf(local)) === lane),
    )
  );
}
