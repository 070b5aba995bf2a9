/**
 * Turns what the flow of NaNs through a function asks for into places where code is inserted. A group of
 * stores needs its values and addresses once more behind its last store: each is kept in a local of ours
 * from where it came onto the stack until the group has been looked at.
 */
import { SLOT_BYTES, VECTOR_SLOT_BYTES } from './frame-size.ts';
import type { KernelModule } from './module.ts';
import { holderOf } from './nan-code.ts';
import { findNanPlaces } from './nan-flow.ts';
import { addends } from './nan-refills.ts';
import { type Shape, shape } from './nan-roles.ts';
import type { FloatStore, StoreGroup } from './nan-stores.ts';
import { op } from './op.ts';
import type { FunctionPlan, Site } from './plan.ts';
import { valueType } from './value-types.ts';

/** In the order in which they are inserted, where several stand at one place. */
export function findNanSites(module: KernelModule, plan: FunctionPlan): Site[] {
  const { sites, locals, groups, refills } = findNanPlaces(module, plan);
  const mended = sites.map((site) => mend(site.at, site.shape));
  const mendedLocals = locals.map(
    ({ at, shape: found, local }): Site => ({ at, kind: 'nan_local', value: local, shape: found }),
  );
  const kept: Site[] = [];
  const checks: Site[] = [];
  const rooms = new Rooms();
  for (const group of groups) {
    const found = isLoneVector(group) ? null : keep(group, rooms);
    if (found === null) {
      mended.push(...group.map((store) => mend(store.start, store.shape)));
      continue;
    }
    kept.push(...found.kept);
    checks.push(found.check);
  }
  const filled = refills.map(({ skeleton, stores }): Site => {
    const opcodes = [...new Set(stores.map(({ opcode }) => opcode))];
    const added = addends(stores).length;
    const needsFinite = added < stores.filter(isMade).length;
    const refill = { skeleton, opcodes, sums: Math.min(added, SUMS_MAX), needsFinite };
    return { at: skeleton.start, kind: 'refill', value: 0, refill };
  });
  for (const { skeleton, stores } of refills) {
    const summed = skeleton.scope === 'all_turns' ? addends(stores) : [];
    for (const store of stores.filter(isMade)) {
      const { start: at, shape: found } = store;
      const nth = summed.indexOf(store);
      if (nth >= 0)
        mended.push({ at, kind: 'nan_sum', value: nth % SUMS_MAX, shape: found, copy: 'aligned' });
      if (skeleton.aligned.length > 0) mended.push({ ...mend(at, found), copy: 'unaligned' });
    }
  }
  // The sort is stable.
  return [...mended, ...mendedLocals, ...kept, ...checks, ...filled].sort((a, b) => a.at - b.at);
}

/** An addition has to wait for the one before: with one sum of two stores axpy took 1.42 instead of 1.3. */
const SUMS_MAX = 4;

const isMade = (store: FloatStore): boolean => store.shape !== shape.none;

const mend = (at: number, found: Shape): Site => ({ at, kind: 'nan', value: 0, shape: found });

/** To mend a vector takes as long as to look whether it has to be. */
const isLoneVector = (group: StoreGroup): boolean =>
  group.length === 1 && group.every((store) => isVector(store.shape));
const isVector = (of: Shape): boolean => of === shape.f32x4 || of === shape.f64x2;

/** Null when there is no room for all that is to be kept. */
function keep(group: StoreGroup, rooms: Rooms): { kept: Site[]; check: Site } | null {
  const end = group.at(-1)?.end ?? 0;
  const kept: Site[] = [];
  const keepFrom = (at: number, type: number): number => {
    const value = rooms.take(type, at, end);
    kept.push({ at, kind: 'nan_keep', value, type });
    return value;
  };
  const roots = new Map<number, { address: number; plus: number }>();
  const addressOf = ({ root, plus, offset }: FloatStore) => {
    let known = roots.get(root);
    if (known === undefined) {
      // Any of those that came of one value does for all of them; the earliest is there in time.
      const alike = group.filter((each) => each.root === root);
      const first = alike.reduce((a, b) => (b.addressAt < a.addressAt ? b : a));
      known = { address: keepFrom(first.addressAt, valueType.i32), plus: first.plus };
      roots.set(root, known);
    }
    return { address: known.address, plus: (plus - known.plus) | 0, offset };
  };
  const stores = group.map((store) => ({
    ...addressOf(store),
    opcode: store.opcode,
    shape: store.shape,
    value: keepFrom(store.start, holderOf(store.shape)),
  }));
  if (kept.some(({ value }) => value >= ROOMS_MAX)) return null;
  return { kept, check: { at: end, kind: 'nan_check', value: 0, stores } };
}

/** What the locals for all that take of the call stack: V8's baseline compiler has a slot for each. */
export function keptBytes(sites: readonly Site[]): number {
  const kept = new Map<string, number>();
  const seen = (name: string, type: number) =>
    kept.set(name, type === valueType.v128 ? VECTOR_SLOT_BYTES : SLOT_BYTES);
  for (const { kind, type = 0, value, stores, refill } of sites) {
    if (refill !== undefined) seen('where a refill stored', valueType.i32);
    for (const opcode of refill?.opcodes ?? [])
      for (const use of ['value', ...Array(SUMS_MAX).keys()])
        seen(`${use} of ${opcode}`, opcode === op.v128Store ? valueType.v128 : valueType.f64);
    for (const local of refill?.skeleton.facts.written.get(refill.skeleton.start) ?? [])
      seen(`for ${local}`, valueType.i64);
    if (kind === 'nan_keep') seen(`${type}/${value}`, type);
    for (const store of stores ?? []) seen(`sum of ${store.shape}`, holderOf(store.shape));
  }
  return [...kept.values()].reduce((sum, bytes) => sum + bytes, 0);
}

/** Of each type: a group may begin before the one ahead of it was looked at, and a few more before that. */
const ROOMS_MAX = 32;

/** Which of our locals are in use, by type: each until some place in the code. */
class Rooms {
  readonly #usedUntil = new Map<number, number[]>();

  /** Asked for in the order of `to`, so that what a room was last used for ends last. */
  take(type: number, from: number, to: number): number {
    const used = this.#usedUntil.get(type) ?? [];
    this.#usedUntil.set(type, used);
    const free = used.findIndex((until) => until < from);
    const room = free < 0 ? used.length : free;
    if (room < ROOMS_MAX) used[room] = to;
    return room;
  }
}
