/**
 * archive jobs: takes jobs of which all is final from Redis to files: what was submitted, how it ended, and what lies
 * over its journals. `store.jobs.read` and the results find them there. So Redis keeps what is open or held, the
 * newest jobs, and names for the list.
 */
import { ripeGroups } from '../domain/archive-group.ts';
import { archiveJob } from '../store/archive-job.ts';
import { unpaidJobs } from '../store/unpaid-jobs.ts';
import type { Context } from './context.ts';

/** As many as a list shows: to look at it takes no files. */
const newestKept = 100;
/** As many as are looked through for those that somebody may see (flow/show.ts). */
const listedMax = 6400;

export async function archiveJobs(
  { store }: Pick<Context, 'store'>,
  partition: number,
  newestMax = newestKept,
): Promise<void> {
  const { archive } = store;
  const jobs = (await archive.listKept(partition)).filter(({ finalAt }) => finalAt !== null);
  if (jobs.length === 0) return;
  // Who pays for its last results is asked of the job.
  const isUnpaid = await unpaidJobs(store, partition);
  const newest = new Set(await archive.newest(partition, newestMax));
  for (const job of jobs) {
    const [group] = ripeGroups(job, new Set());
    if (group !== undefined || newest.has(job.jobId) || isUnpaid(job.jobId)) continue;
    await archiveJob(store, job);
  }
  await archive.trimList(partition, listedMax);
}
