import { describe, expect, it } from 'vitest';
import {
  isOver,
  type Job,
  unitsOf,
  unitsPerShard,
  weightOf,
} from '../../../coordinator/domain/job.ts';
import type { JobState } from '../../../protocol/job.ts';
import { aJob } from '../builders.ts';

describe('a job', () => {
  it('comes in shards of 256 units, of 1,024 when it has very many, of 64 when they are long', () => {
    const per = (fuelMax: string, count: number) =>
      unitsPerShard(
        aJob({ document: { limits: { fuelMax }, units: { range: { count } } } }).document,
      );
    expect(per('10000000000000', 2 ** 22 - 1)).toBe(256);
    expect(per('10000000000000', 2 ** 22)).toBe(1024);
    expect(per('10000000000001', 2 ** 22)).toBe(64);
  });

  it('weighs one more than its priority', () => {
    expect(weightOf(aJob())).toBe(1);
    expect(weightOf(aJob({ document: { priority: 9 } }))).toBe(10);
  });

  it('has the units of its rule', () => {
    const sweep = { a: [1, 2, 3], b: { from: 0, count: 5 } };
    expect(unitsOf(aJob({ document: { units: { sweep } } }).document)).toBe(15);
  });

  it.each<[JobState, boolean]>([
    ['open', false],
    ['paused', false],
    ['complete', true],
    ['cancelled', true],
  ])('that is %s is over: %s', (state, over) => {
    expect(isOver({ state } as Job)).toBe(over);
  });
});
