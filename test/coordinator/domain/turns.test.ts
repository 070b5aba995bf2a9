import { describe, expect, it } from 'vitest';
import type { JobFacts } from '../../../coordinator/domain/job.ts';
import { Turns } from '../../../coordinator/domain/turns.ts';
import { accountId, aJob, jobId } from '../builders.ts';

const jobOf = (scientist: number, number: number, priority = 0): JobFacts =>
  aJob({ jobId: jobId(number), owner: accountId(scientist), document: { priority } });

/** Serves so many turns of a cost of one; returns how many each job got. */
function serve(turns: Turns, jobs: readonly JobFacts[], count: number): number[] {
  const served = new Map(jobs.map((job) => [job, 0]));
  for (let turn = 0; turn < count; turn++) {
    const job = turns.next(jobs) as JobFacts;
    served.set(job, (served.get(job) ?? 0) + 1);
    turns.charge(job, 1);
  }
  return [...served.values()];
}

describe('turns', () => {
  it('are shared by scientists, however many jobs each has', () => {
    const jobs = [jobOf(1, 1), jobOf(2, 2), jobOf(2, 3), jobOf(2, 4)];
    expect(serve(new Turns(), jobs, 60)).toEqual([30, 10, 10, 10]);
  });

  it('are bought: a priority that is paid for weighs against other scientists, and who pays nothing still has a share', () => {
    const [newcomer, rich] = [jobOf(1, 1), jobOf(2, 2, 3)];
    const turns = new Turns();
    turns.setPaid(rich, true);
    expect(serve(turns, [newcomer, rich], 100)).toEqual([20, 80]);
    // It was curated: the mint pays for the work, and nobody for the priority.
    turns.setPaid(rich, false);
    expect(serve(turns, [newcomer, rich], 100)).toEqual([50, 50]);
  });

  it('of a scientist go by priority, and what nobody pays for is at the cost of nobody else', () => {
    const jobs = [jobOf(1, 1), jobOf(2, 2, 3), jobOf(2, 3)];
    expect(serve(new Turns(), jobs, 100)).toEqual([50, 40, 10]);
  });

  it('are for others while a scientist has no work, who owes nothing and is owed nothing afterwards', () => {
    const [one, other] = [jobOf(1, 1), jobOf(2, 2)];
    const turns = new Turns();
    serve(turns, [one], 50);
    expect(serve(turns, [one, other], 20)).toEqual([10, 10]);
  });

  it('go on where they were when one of several jobs of a scientist is over', () => {
    const [first, second, other] = [jobOf(1, 1), jobOf(1, 2), jobOf(2, 3)];
    const turns = new Turns();
    serve(turns, [first, second, other], 40);
    turns.forget(first.jobId);
    expect(serve(turns, [second, other], 20)).toEqual([10, 10]);
    turns.forget(second.jobId);
    turns.forget(other.jobId);
    expect(turns.known).toEqual([]);
  });

  it('are nobody’s when there is nobody', () => {
    expect(new Turns().next([])).toBeUndefined();
  });
});
