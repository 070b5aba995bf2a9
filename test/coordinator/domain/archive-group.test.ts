import { describe, expect, it } from 'vitest';
import {
  groupBit,
  groupOf,
  hasBit,
  type KeptJob,
  ripeGroups,
} from '../../../coordinator/domain/archive-group.ts';
import { jobId } from '../builders.ts';

const aKeptJob = (parts: Partial<KeptJob>): KeptJob => ({
  jobId: jobId(1),
  state: 'open',
  finalAt: null,
  splits: 200,
  shards: 200,
  checks: 0,
  archived: new Uint8Array(0),
  ...parts,
});

/** Of each group its kind and number, the first and last of its shards, and whether all were opened. */
const ripe = (parts: Partial<KeptJob>, open: number[] = []) =>
  [...ripeGroups(aKeptJob(parts), new Set(open))].map(
    ({ kind, number, shards, areOpened }) =>
      `${kind} ${number}: ${shards[0]}-${shards.at(-1)}${areOpened ? '' : '?'}`,
  );

describe('which shards leave Redis together', () => {
  it('64 at a time, when all of them were opened and none is open; the last ones by themselves', () => {
    expect(ripe({})).toEqual([
      'splits 0: 0-63',
      'splits 1: 64-127',
      'splits 2: 128-191',
      'splits 3: 192-199',
    ]);
    expect(ripe({}, [70, 199])).toEqual(['splits 0: 0-63', 'splits 2: 128-191']);
    expect(ripe({ shards: 130 })).toEqual(['splits 0: 0-63', 'splits 1: 64-127']);
    expect(ripe({ shards: 63 })).toEqual([]);
  });

  it('of a cancelled job what was opened', () => {
    expect(ripe({ shards: 130, state: 'cancelled' })).toEqual([
      'splits 0: 0-63',
      'splits 1: 64-127',
      'splits 2: 128-129',
    ]);
    expect(ripe({ shards: 0, state: 'cancelled' })).toEqual([]);
  });

  it('not those that have left', () => {
    expect(ripe({ archived: Uint8Array.of(0b1000_1000) })).toEqual([
      'splits 1: 64-127',
      'splits 3: 192-199',
    ]);
  });

  it('checks by themselves: a full group may lack one that was ordered and not opened, until the job is final', () => {
    const checked = { splits: 3, shards: 3, checks: 70, archived: Uint8Array.of(0b1000_0000) };
    expect(ripe(checked)).toEqual(['checks 0: 3-66?']);
    expect(ripe(checked, [5])).toEqual([]);
    expect(ripe({ ...checked, finalAt: 1 })).toEqual(['checks 0: 3-66', 'checks 1: 67-72']);
    expect(ripe({ ...checked, state: 'cancelled' })).toHaveLength(2);
  });
});

it('each group has a bit of its own, and a shard is in the group that it leaves with', () => {
  for (const splits of [1, 63, 64, 65, 200]) {
    const job = aKeptJob({ splits, shards: splits, checks: 130, finalAt: 1 });
    const groups = [...ripeGroups(job, new Set())];
    expect(new Set(groups.map(groupBit)).size).toBe(groups.length);
    for (const { kind, number, shards } of groups)
      for (const shard of shards) expect(groupOf(shard, splits)).toEqual({ kind, number });
    expect(groups.flatMap(({ shards }) => shards)).toHaveLength(splits + 130);
  }
  expect([7, 8, 9].map((bit) => hasBit(Uint8Array.of(1, 0x80), bit))).toEqual([true, true, false]);
});
