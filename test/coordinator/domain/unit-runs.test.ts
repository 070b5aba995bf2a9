import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromRuns, toRuns } from '../../../coordinator/domain/shard.ts';
import { addRun, hasRun, keepLast, unitsAt } from '../../../coordinator/domain/unit-runs.ts';
import type { UnitRuns } from '../../../protocol/messages.ts';

const run = fc.tuple(fc.nat(40), fc.integer({ min: 1, max: 6 }));

describe('a set of units', () => {
  it('holds what was added, in as few runs as there can be, and refuses a unit twice', () => {
    fc.assert(
      fc.property(fc.array(run, { maxLength: 30 }), (runs) => {
        const set: UnitRuns = [];
        const units = new Set<number>();
        for (const [from, count] of runs) {
          const added = Array.from({ length: count }, (_, i) => from + i);
          const twice = added.find((unit) => units.has(unit));
          expect(addRun(set, [from, count])).toBe(twice ?? null);
          if (twice === undefined) for (const unit of added) units.add(unit);
          expect(set).toEqual(toRuns([...units].sort((a, b) => a - b)));
        }
      }),
    );
  });

  it('tells which runs are in it', () => {
    fc.assert(
      fc.property(fc.array(run, { maxLength: 12 }), run, (runs, [from, count]) => {
        const set: UnitRuns = [];
        for (const one of runs) addRun(set, one);
        const units = new Set(fromRuns(set));
        const isIn = Array.from({ length: count }, (_, i) => units.has(from + i)).every(Boolean);
        expect(hasRun(set, [from, count])).toBe(isIn);
      }),
    );
  });
});

describe('positions of a shard', () => {
  it('are indices of its job, whether it is a run or a list', () => {
    expect(
      unitsAt({ from: 256, count: 256 }, [
        [0, 3],
        [9, 1],
      ]),
    ).toEqual([
      [256, 3],
      [265, 1],
    ]);
    expect(unitsAt({ list: [7, 4, 5, 90] }, [[0, 4]])).toEqual([
      [4, 2],
      [7, 1],
      [90, 1],
    ]);
  });
});

it('forgetting all but the last leaves the greatest, however they lie', () => {
  const numbers = fc.uniqueArray(fc.nat(60)).map((all) => all.sort((a, b) => a - b));
  fc.assert(
    fc.property(numbers, fc.nat(70), (all, max) => {
      const set = toRuns(all);
      keepLast(set, max);
      expect([...fromRuns(set)]).toEqual(max === 0 ? [] : all.slice(-max));
    }),
  );
});
