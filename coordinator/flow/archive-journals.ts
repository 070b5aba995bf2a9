/**
 * archive journals: takes the journals of closed shards from Redis to files, some shards to a file, because they
 * never change any more and Redis is memory. The order is what makes a crash harmless:
 *
 *   read from Redis → written, fsynced, renamed, read back → one script compares, notes where they are, deletes
 *
 * Until that script has run nobody looks at the file, and the next round writes the same bytes again; afterwards
 * `store.readJournal` reads them from there. Amendments, holds and marks stay where they are: they lie over journals.
 */

import type { JobId } from '../../protocol/ids.ts';
import type { RipeGroup } from '../domain/archive-group.ts';
import { ripeGroups } from '../domain/archive-group.ts';
import { parseShardId } from '../domain/shard.ts';
import type { Journal } from '../store/archive-files.ts';
import type { Context } from './context.ts';

type ArchiveContext = Pick<Context, 'store'>;

/** Some seconds; and of shards of a thousand units, more in half a minute than a coordinator records. */
const groupsPerStep = 128;

/** Whether there is more than a step. */
export async function archiveJournals(
  { store }: ArchiveContext,
  partition: number,
): Promise<boolean> {
  const { archive } = store;
  const jobs = await archive.listKept(partition);
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

/** False when one of its shards may be opened yet. */
async function archiveGroup(
  store: Context['store'],
  jobId: JobId,
  group: RipeGroup,
): Promise<boolean> {
  const { archive } = store;
  const lengths = await archive.lengths(jobId, group.shards);
  if (!group.areOpened && lengths.includes(0)) return false;
  await archive.files.writeGroup(jobId, group, journals(store, jobId, group.shards));
  // If it is refused, the next round writes the file anew.
  await archive.letGo(jobId, group, lengths);
  return true;
}

/** One at a time: with outputs a journal may be a megabyte. */
async function* journals(
  store: Context['store'],
  jobId: JobId,
  shards: readonly number[],
): AsyncGenerator<Journal> {
  // Only its number tells which journal it is.
  for (const number of shards)
    yield { number, bytes: await store.readJournal({ jobId, number, units: { list: [] } }) };
}
