/**
 * archive journals: takes the journals of closed shards from Redis to files, some shards to a file, because they
 * never change any more and Redis is memory. Afterwards `store.readJournal` reads them from there. Amendments, holds
 * and marks stay where they are: they lie over journals.
 */
import type { JobId } from '../../protocol/ids.ts';
import { ripeGroups } from '../domain/archive-group.ts';
import { parseShardId } from '../domain/shard.ts';
import { archiveGroup } from '../store/archive-job.ts';
import type { Context } from './context.ts';

/** Some seconds; and of shards of a thousand units, more in half a minute than a coordinator records. */
const groupsPerStep = 128;

/** Whether there is more than a step. */
export async function archiveJournals(
  { store }: Pick<Context, 'store'>,
  partition: number,
): Promise<boolean> {
  const jobs = await store.archive.listKept(partition);
  // Read after the jobs: so a shard that they count and that is not in here was closed.
  const open = new Map<JobId, Set<number>>();
  for (const id of await store.openShardIds(partition)) {
    const { jobId, number } = parseShardId(id);
    open.set(jobId, (open.get(jobId) ?? new Set()).add(number));
  }
  let left = groupsPerStep;
  for (const job of jobs) {
    for (const group of ripeGroups(job, open.get(job.jobId) ?? new Set())) {
      if (left === 0) return true;
      if (await archiveGroup(store, job.jobId, group)) left--;
    }
  }
  return false;
}
