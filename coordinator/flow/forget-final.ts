/**
 * forget final: the tables of trust hold what may still be needed: cases and whereabouts of results that are not
 * final. It goes through them in pages, one of each table a round, and takes away what belongs to jobs and shards
 * that are; so nothing has to be taken away in the steps that made it so, and what a crash left behind goes too.
 */
import type { JobId } from '../../protocol/ids.ts';
import { dayOf } from '../domain/day.ts';
import { isSettled, type Job } from '../domain/job.ts';
import { runsSize } from '../domain/shard.ts';
import { parseCaseName, type Work } from '../domain/trust/docket.ts';
import { holdMsMax } from '../domain/trust/policy.ts';
import { withoutBefore } from '../domain/unit-runs.ts';
import { forgetTable } from '../store/forget-table.ts';
import { readableJob } from '../store/readable-journal.ts';
import { marksOf, type TrustChange } from '../store/trust-store.ts';
import type { Context } from './context.ts';

type ForgetContext = Pick<Context, 'store' | 'grid' | 'now'>;

/** In which page of each table the next round goes on. */
export type Pages = { cases: string; work: string; numbers: string };
export const firstPages = (): Pages => ({ cases: '', work: '', numbers: '' });

export async function forgetFinal(context: ForgetContext, pages: Pages): Promise<void> {
  await forgetMarks(context);
  const { trust } = context.store;
  const jobs = new Jobs(context);
  // A page that somebody wrote to meanwhile is looked at again in the next pass.
  const version = await trust.version();
  const changes: TrustChange[] = [];
  const cases = await trust.page('cases', pages.cases);
  for (const [field, { isOut }] of cases.rows) {
    const { jobId, unit } = parseCaseName(field);
    const job = await jobs.read(jobId);
    // What a check brings is heard with its case; the check goes with its job.
    if (job === null || isOver(job) || (isSettled(job, unit) && !isOut))
      changes.push({ table: 'cases', field, value: null });
  }
  const work = await trust.page('work', pages.work);
  for (const [field, shards] of work.rows) {
    const left = await jobs.workLeft(shards);
    if (left !== null) changes.push({ table: 'work', field, value: isEmpty(left) ? null : left });
  }
  const numbers = await trust.page('numbers', pages.numbers);
  for (const field of numbers.rows.keys())
    if (isOver(await jobs.read(field))) changes.push({ table: 'numbers', field, value: null });
  if (changes.length > 0) await trust.write(version, changes);
  pages.cases = cases.next ?? '';
  pages.work = work.next ?? '';
  pages.numbers = numbers.next ?? '';
}

const isOver = (job: Job | null): boolean => job === null || job.finalAt !== null;
const isEmpty = (work: Work): boolean => Object.keys(work).length === 0;

/** Jobs as they stand in this round. */
class Jobs {
  private readonly store: Context['store'];
  private readonly known = new Map<JobId, Job | null>();

  constructor({ store }: ForgetContext) {
    this.store = store;
  }

  async read(jobId: JobId): Promise<Job | null> {
    const known = this.known.get(jobId);
    if (known !== undefined) return known;
    const job = await readableJob(this.store.jobs, jobId);
    this.known.set(jobId, job);
    return job;
  }

  /** Null when all of it is needed. */
  async workLeft(work: Work): Promise<Work | null> {
    const left: Work = {};
    let isLess = false;
    for (const [jobId, shards] of Object.entries(work)) {
      const job = await this.read(jobId);
      const open = withoutBefore(shards, job?.counts.shardsFinal ?? 0);
      const isGone = isOver(job) || open.length === 0;
      if (!isGone) left[jobId] = open;
      if (isGone || runsSize(open) < runsSize(shards)) isLess = true;
    }
    return isLess ? left : null;
  }
}

/** Days of accounts' marks looked at in a round: after a year away a grid is through in some minutes. */
const daysPerRound = 100;

/** How many results accounts had by a day that is longer ago than any hold decides nothing any more. */
async function forgetMarks({ store, grid, now }: ForgetContext): Promise<void> {
  const { trust } = store;
  const from = (await trust.read('watermarks', ['marks'])).get('marks') ?? dayOf(grid.createdAt);
  const until = Math.min(dayOf(now() - holdMsMax) - 1, from + daysPerRound);
  if (until <= from) return;
  for (let day = from; day < until; day++) await forgetTable(trust, marksOf(day));
  const moved: TrustChange = { table: 'watermarks', field: 'marks', value: until };
  await trust.write(await trust.version(), [moved]);
}
