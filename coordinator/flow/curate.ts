/** curate: an operator finds a job worth the mint's credit, or no longer. */
import { GridError } from '../../protocol/errors.ts';
import type { JobId } from '../../protocol/ids.ts';
import { auditLine } from '../domain/audit.ts';
import type { TokenFacts } from '../domain/token.ts';
import type { Context } from './context.ts';

/** Throws GridError `job_unknown` or `job_over`. */
export async function curateJob(
  context: Context,
  by: TokenFacts,
  jobId: JobId,
  curated: boolean,
  reason: string,
): Promise<void> {
  const { store } = context;
  const job = await store.jobs.read(jobId);
  if (job === null) throw new GridError('job_unknown', jobId);
  // Nothing of it is paid any more.
  if (job.finalAt !== null) throw new GridError('job_over', jobId);
  const act = curated ? 'job_curate' : 'job_uncurate';
  await store.registry.logAct(auditLine(by, context.now(), { act, target: jobId, reason }));
  await store.jobs.curate(jobId, curated);
}
