/**
 * split: opens the next shards of the jobs whose turn it is. Lazy, so that only what is soon worked
 * on exists: a job of a billion units is one cursor. The cursor and the open set change in one step;
 * the queue is told afterwards, and the reconciler tells it again should we die in between.
 */
import type { JobId } from '../../protocol/ids.ts';
import { type JobFacts, weightOf } from '../domain/job.ts';
import { type ShardId, shardId, splitShard } from '../domain/shard.ts';
import type { Context } from './context.ts';

/**
 * Jobs that have units to grant, but none of them in the window. Whose turn it is is decided among the
 * jobs in the window, so a job that is not there would wait until the others' units run low.
 */
export async function jobsLeftOut(context: Context, partition: number): Promise<Set<JobId>> {
  const { window, store, jobs } = context;
  const { jobIds, freeJobIds } = window;
  const leftOut = new Set<JobId>();
  for (const { jobId, state, cursor } of await store.openJobs(partition)) {
    if (state !== 'open' || freeJobIds.has(jobId)) continue;
    const units = (await jobs.facts(jobId))?.units ?? 0;
    if (cursor < units || !jobIds.has(jobId)) leftOut.add(jobId);
  }
  return leftOut;
}

/** Opens up to `shardsMax` shards in the partition, of any job or of some. Returns how many it opened. */
export async function splitJobs(
  context: Context,
  partition: number,
  shardsMax: number,
  some: ReadonlySet<JobId> | null = null,
): Promise<number> {
  const { store, jobs, splitShare, queue } = context;
  const splittable = new Map<JobId, { job: JobFacts; cursor: number }>();
  for (const { jobId, state, cursor } of await store.openJobs(partition)) {
    if (some !== null && !some.has(jobId)) continue;
    const job = await jobs.facts(jobId);
    if (job !== null && state === 'open' && cursor < job.units)
      splittable.set(jobId, { job, cursor });
  }
  const opened: ShardId[] = [];
  while (opened.length < shardsMax) {
    const jobId = splitShare.next(splittable.keys());
    const entry = jobId === undefined ? undefined : splittable.get(jobId);
    if (entry === undefined) break;
    const { job, cursor } = entry;
    const shard = splitShard(job, cursor / job.unitsPerShard);
    const next = Math.min(cursor + job.unitsPerShard, job.units);
    if (await store.openShard(job, shard)) {
      opened.push(shardId(shard));
      splitShare.charge(job.jobId, next - cursor, weightOf(job));
      entry.cursor = next;
    }
    // Not opened: another coordinator split it, or the job was cancelled. The next round sees which.
    if (entry.cursor !== next || next >= job.units) splittable.delete(job.jobId);
  }
  if (opened.length > 0) await queue.add(partition, opened);
  return opened.length;
}
