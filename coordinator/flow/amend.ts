/**
 * amend: what was proven wrong is put right. The journals stay as they are; an amendment lies over them
 * and says where the canonical result of a unit is now, and the pay for the wrong one is revoked in the
 * same step. Each is applied once, whatever dies in between, and then leaves the tables of trust. What is
 * final stays as it is.
 */
import { partitionOf } from '../store/store.ts';
import type { Context } from './context.ts';

export async function applyAmendments(
  { store, grid, jobs }: Pick<Context, 'store' | 'grid' | 'jobs'>,
  partition: number,
): Promise<number> {
  const { trust } = store;
  const all = [...(await trust.readAll('amendments'))];
  const ours = all.filter(([, { jobId }]) => partitionOf(jobId, grid.partitions) === partition);
  for (const [name, amendment] of ours) {
    const job = await jobs.facts(amendment.jobId);
    if (job !== null)
      await store.amend(name, amendment, Math.floor(amendment.unit / job.unitsPerShard));
  }
  for (const [field] of ours) {
    while (
      !(await trust.write(await trust.version(), [{ table: 'amendments', field, value: null }]))
    );
  }
  return ours.length;
}
