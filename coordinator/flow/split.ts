/**
 * split: opens the next shards of the jobs whose turn it is. Lazy, so that only what is soon worked
 * on exists: a job of a billion units is one cursor. The cursor and the open set change in one step;
 * the queue is told afterwards, and the reconciler tells it again should we die in between.
 */
import type { JobId } from '../../protocol/ids.ts';
import type { JobFacts } from '../domain/job.ts';
import { fits, type Machine } from '../domain/machine.ts';
import { type Shard, shardId, shardSize, splitShard } from '../domain/shard.ts';
import { isAheadOfChecks } from '../domain/trust/assurance.ts';
import type { Context } from './context.ts';

/** Whether hosts here can run it, and its checks are not behind. */
const mayBeSplit = ({ ordersOut }: Context, job: JobFacts, machines: readonly Machine[]): boolean =>
  machines.some((machine) => fits(job, machine)) &&
  !isAheadOfChecks(job.document.trust, ordersOut.get(job.jobId) ?? 0);

/**
 * Jobs that have units to grant and hosts here that can run them, but none of them in the window. Whose
 * turn it is is decided among the jobs in the window, so a job that is not there would wait until the
 * others' units run low.
 */
export async function jobsLeftOut(
  context: Context,
  partition: number,
  machines: readonly Machine[],
): Promise<Set<JobId>> {
  const { window, store, jobs } = context;
  const { jobIds, freeJobIds } = window;
  const leftOut = new Set<JobId>();
  for (const { jobId, state, cursor, decidedAt } of await store.jobs.listOpen(partition)) {
    if (state !== 'open' || decidedAt !== null || freeJobIds.has(jobId)) continue;
    const job = await jobs.facts(jobId);
    if (job === null || !mayBeSplit(context, job, machines)) continue;
    if (cursor < job.units || !jobIds.has(jobId)) leftOut.add(jobId);
  }
  return leftOut;
}

/**
 * Opens up to `shardsMax` shards in the partition, of any job or of some that these hosts can
 * run. Returns how many it opened.
 */
export async function splitJobs(
  context: Context,
  partition: number,
  shardsMax: number,
  machines: readonly Machine[],
  some: ReadonlySet<JobId> | null = null,
): Promise<number> {
  const { store, jobs, splitTurns, queue } = context;
  const splittable = new Map<JobId, { job: JobFacts; cursor: number }>();
  for (const { jobId, state, cursor } of await store.jobs.listOpen(partition)) {
    if (some !== null && !some.has(jobId)) continue;
    const job = await jobs.facts(jobId);
    if (job === null || !mayBeSplit(context, job, machines)) continue;
    if (state === 'open' && cursor < job.units) splittable.set(jobId, { job, cursor });
  }
  const planned: { job: JobFacts; shard: Shard }[] = [];
  while (planned.length < shardsMax) {
    const jobId = splitTurns.next([...splittable.values()].map(({ job }) => job))?.jobId;
    const entry = jobId === undefined ? undefined : splittable.get(jobId);
    if (entry === undefined) break;
    const { job, cursor } = entry;
    const shard = splitShard(job, cursor / job.unitsPerShard);
    planned.push({ job, shard });
    splitTurns.charge(job, shardSize(shard.units));
    entry.cursor += shardSize(shard.units);
    if (entry.cursor >= job.units) splittable.delete(job.jobId);
  }
  // Sent together and done in order, so each finds the cursor where the one before left it. One that
  // does not was split by another coordinator, or its job is cancelled: the next round sees which.
  const isOpened = await Promise.all(planned.map(({ job, shard }) => store.openShard(job, shard)));
  const opened = planned.filter((_, i) => isOpened[i]).map(({ shard }) => shardId(shard));
  if (opened.length > 0) await queue.add(partition, opened);
  return opened.length;
}
