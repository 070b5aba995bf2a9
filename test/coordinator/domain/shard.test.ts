import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  fromRuns,
  parseShardId,
  positionOf,
  runsInclude,
  runsSize,
  shardId,
  shardSize,
  splitShard,
  toRuns,
  unitAt,
} from '../../../coordinator/domain/shard.ts';
import { jobId } from '../builders.ts';

const sortedUnits = fc
  .uniqueArray(fc.nat(500), { minLength: 1, maxLength: 60 })
  .map((units) => units.sort((a, b) => a - b));

describe('the units of a shard', () => {
  it('have positions that lead back to them, in a run as in a list', () => {
    const run = fc.record({
      from: fc.nat(1_000_000_000_000),
      count: fc.integer({ min: 1, max: 300 }),
    });
    const list = fc.record({ list: sortedUnits });
    fc.assert(
      fc.property(fc.oneof(run, list), (units) => {
        const positions = Array.from({ length: shardSize(units) }, (_, i) => i);
        for (const at of positions) expect(positionOf(units, unitAt(units, at))).toBe(at);
      }),
    );
  });

  it('end at the shard: a position beyond it throws, a unit beyond it has no position', () => {
    const run = { from: 10, count: 3 };
    const list = { list: [4, 8] };
    for (const at of [-1, 3]) expect(() => unitAt(run, at)).toThrow(RangeError);
    for (const at of [-1, 2]) expect(() => unitAt(list, at)).toThrow(RangeError);
    for (const unit of [9, 13]) expect(positionOf(run, unit)).toBe(-1);
    expect(positionOf(list, 5)).toBe(-1);
  });

  it('are every unit of the job exactly once, over all of its shards', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 600 }),
        fc.integer({ min: 1, max: 256 }),
        (units, per) => {
          const job = { jobId: jobId(1), units, unitsPerShard: per };
          const all: number[] = [];
          for (let number = 0; all.length < units; number++) {
            const shard = splitShard(job, number);
            for (let at = 0; at < shardSize(shard.units); at++) all.push(unitAt(shard.units, at));
          }
          expect(all).toEqual(Array.from({ length: units }, (_, unit) => unit));
        },
      ),
    );
  });
});

describe('runs', () => {
  it('say the same as the numbers they were made of', () => {
    fc.assert(
      fc.property(sortedUnits, fc.nat(501), (units, some) => {
        const runs = toRuns(units);
        expect([...fromRuns(runs)]).toEqual(units);
        expect(runsSize(runs)).toBe(units.length);
        expect(runsInclude(runs, some)).toBe(units.includes(some));
      }),
    );
  });

  it('are as few as can be', () => {
    expect(toRuns([1, 2, 3, 7, 9, 10])).toEqual([
      [1, 3],
      [7, 1],
      [9, 2],
    ]);
    expect(toRuns([])).toEqual([]);
  });
});

describe('a shard id', () => {
  it('reads back as the shard it names', () => {
    const shard = { jobId: jobId(7), number: 4_000_000_000 };
    expect(parseShardId(shardId(shard))).toEqual(shard);
  });

  it.each([
    '',
    '-',
    `${jobId(1)}`,
    `${jobId(1)}-`,
    `${jobId(1)}--1`,
    `${jobId(1)}-1e2`,
    `${jobId(1)}-01`,
    'x-1',
  ])('is not %j', (text) => {
    expect(() => parseShardId(text)).toThrow(/not a shard id/);
  });
});
