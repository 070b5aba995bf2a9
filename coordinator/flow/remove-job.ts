/**
 * remove: a job of which all is final goes for good, with its results. It goes into the archive first, if it is not
 * there, so that a crash in the middle leaves all of it or none. The books stay as they are: entries and receipts name
 * the job, and what was paid for it was paid.
 *
 * Kernels, inputs and large outputs that nothing else names are cleared later (flow/clear-artifacts/).
 */
import { GridError } from '../../protocol/errors.ts';
import type { JobId } from '../../protocol/ids.ts';
import { ripeGroups } from '../domain/archive-group.ts';
import { auditLine } from '../domain/audit.ts';
import { isOperator, type TokenFacts } from '../domain/token.ts';
import { archiveGroup, archiveJob } from '../store/archive-job.ts';
import { partitionOf } from '../store/store.ts';
import { unpaidJobs } from '../store/unpaid-jobs.ts';
import type { Context } from './context.ts';

type RemoveContext = Pick<Context, 'store' | 'grid' | 'now' | 'log' | 'happened'>;

/** Throws GridError `job_unknown` or `job_held`. What operators remove is in the audit log. */
export async function removeJob(
  context: RemoveContext,
  jobId: JobId,
  by: TokenFacts,
  reason: string,
): Promise<void> {
  const { store, grid, now, log, happened } = context;
  const job = await store.jobs.read(jobId);
  if (job === null) throw new GridError('job_unknown', jobId);
  if (job.finalAt === null) throw new GridError('job_held', jobId);
  // Who pays for its last results is asked of the job.
  const isUnpaid = await unpaidJobs(store, partitionOf(jobId, grid.partitions));
  if (isUnpaid(jobId)) throw new GridError('job_held', jobId);
  if (isOperator(by)) {
    const what = { act: 'job_remove', target: jobId, detail: job.document.name, reason } as const;
    await store.registry.logAct(auditLine(by, now(), what));
  }
  await archiveAll(context, jobId);
  await store.archive.unlist(jobId);
  await store.archive.files.removeJob(jobId);
  happened({ kind: 'job_removed', jobId });
  log.info({ jobId }, 'job removed');
}

async function archiveAll({ store }: RemoveContext, jobId: JobId): Promise<void> {
  const kept = await store.archive.readKept(jobId);
  if (kept === null) return;
  for (const group of ripeGroups(kept, new Set())) await archiveGroup(store, jobId, group);
  const whole = await store.archive.readKept(jobId);
  if (whole !== null && !(await archiveJob(store, whole)))
    throw new Error(`${jobId} is final, and does not leave Redis`);
}
