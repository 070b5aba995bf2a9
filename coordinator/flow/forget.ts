/**
 * forget: what this coordinator remembers of jobs that are over goes. It is told of those that end by
 * its own commit; others end by another coordinator's, or are cancelled there.
 */
import { partitionOf } from '../store/store.ts';
import type { Context } from './context.ts';

export async function forgetJobs(context: Context, partition: number): Promise<void> {
  const { store, paces, splitTurns, grid } = context;
  // Listed before the open jobs are: one that comes meanwhile is not taken for one that is over.
  const known = new Set([...paces.keys(), ...splitTurns.known]);
  const open = new Set((await store.jobs.listOpen(partition)).map(({ jobId }) => jobId));
  for (const jobId of known) {
    if (open.has(jobId) || partitionOf(jobId, grid.partitions) !== partition) continue;
    paces.delete(jobId);
    splitTurns.forget(jobId);
  }
}
