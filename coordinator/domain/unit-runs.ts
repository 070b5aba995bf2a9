/**
 * Sets of unit indices as runs of [from, count], ascending, none touching the next. A host's units of a
 * job come mostly one after the other, so a set of thousands is a handful of runs.
 */
import type { UnitRuns } from '../../protocol/messages.ts';
import type { ShardUnits } from './shard.ts';
import { fromRuns, runsSize, toRuns } from './shard.ts';

/** Adds a run. Returns a unit that was there already, and then changes nothing; null when all is well. */
export function addRun(set: UnitRuns, [from, count]: [number, number]): number | null {
  const at = firstEndingAfter(set, from - 1);
  const before = set[at];
  // The run before may end just where this one starts.
  const touches = before !== undefined && before[0] + before[1] === from;
  const next = set[touches ? at + 1 : at];
  if (next !== undefined && next[0] < from + count) return Math.max(next[0], from);
  const reaches = next !== undefined && next[0] === from + count;
  if (touches && reaches) {
    before[1] += count + next[1];
    set.splice(at + 1, 1);
  } else if (touches) before[1] += count;
  else if (reaches) {
    next[0] = from;
    next[1] += count;
  } else set.splice(at, 0, [from, count]);
  return null;
}

/** Forgets the least of them, so that at most `max` are left. */
export function keepLast(set: UnitRuns, max: number): void {
  let over = runsSize(set) - max;
  while (over > 0) {
    const [first] = set;
    if (first === undefined) return;
    const gone = Math.min(over, first[1]);
    first[0] += gone;
    first[1] -= gone;
    over -= gone;
    if (first[1] === 0) set.shift();
  }
}

/** Those of a set that are not below a number. */
export const withoutBefore = (set: UnitRuns, least: number): UnitRuns =>
  set.flatMap(([from, count]): UnitRuns => {
    const end = from + count;
    return end <= least ? [] : [[Math.max(from, least), end - Math.max(from, least)]];
  });

/** Whether every unit of a run is in the set. */
export function hasRun(set: UnitRuns, [from, count]: [number, number]): boolean {
  const run = set[firstEndingAfter(set, from)];
  return run !== undefined && run[0] <= from && from + count <= run[0] + run[1];
}

/** Index of the first run that ends after a unit; the set's length when none does. */
function firstEndingAfter(set: UnitRuns, unit: number): number {
  let [low, high] = [0, set.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    const [from, count] = set[middle] ?? [0, 0];
    if (from + count > unit) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** Positions in a shard as the indices that the job knows their units by. */
export function unitsAt(units: ShardUnits, positions: UnitRuns): UnitRuns {
  if (!('list' in units)) return positions.map((run) => [units.from + run[0], run[1]]);
  const { list } = units;
  const indices = [...fromRuns(positions)].map((position) => list[position] ?? -1);
  return toRuns(indices.sort((a, b) => a - b));
}
